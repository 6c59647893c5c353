"""Chips whose cores hold one convolutional layer each, with memories of different size (DynapCNN, Speck)."""

from __future__ import annotations

from math import prod

import networkx as nx

from neurodeploy.chip import Chip
from neurodeploy.resources.core import CoreUse, Use
from neurodeploy.resources.layers import Group, Layer, Layers
from neurodeploy.resources.parts import Part, whole


def one_layer_a_core(network: Layers, chip: Chip) -> tuple[dict[str, CoreUse], tuple[str, ...]]:
    """A core for every layer where there is one, and what does not fit.

    kernel words = c 2^(ceil(log2(kx ky)) + ceil(log2 f)), neuron words = f 2^(ceil(log2 fy) + ceil(log2 fx))

    for c input channels, a kernel of kx ky, f output channels of fy fx places (sinabs,
    backend/dynapcnn/chips/dynapcnn.py). A fully connected layer is a convolution whose kernel is the whole map. The
    layers get different cores by a largest matching of a bipartite graph (Hopcroft and Karp 1973).
    """
    problems = [text for layer in network.neurons.values() for text in _shape_problems(network, layer, chip)]
    needs = {name: _words(layer) for name, layer in network.neurons.items() if len(layer.groups) == 1}
    matched = _match(needs, chip)
    problems += [_unmatched(name, needs[name], chip) for name in needs if name not in matched]
    uses = {name: _use(network.neurons[name], need, chip, matched.get(name)) for name, need in needs.items()}
    return uses, tuple(problems)


def matched_cores(network: Layers, chip: Chip) -> dict[str, int]:
    """The number of the core of each layer that got one."""
    needs = {name: _words(layer) for name, layer in network.neurons.items() if len(layer.groups) == 1}
    return _match(needs, chip)


def _words(layer: Layer) -> tuple[int, int]:
    """Kernel words and neuron words."""
    group = layer.groups[0]
    channels, kernel = _kernel(group)
    kernel_words = channels << (_log2(prod(kernel)) + _log2(layer.shape[0]))
    return kernel_words, layer.shape[0] << sum(_log2(n) for n in layer.shape[1:])


def _kernel(group: Group) -> tuple[int, tuple[int, ...]]:
    """Input channels and extents of the kernel."""
    extents = group.source_shape[1:] if group.windows is None else group.windows.kernel
    return group.source_shape[0], extents


def _log2(n: int) -> int:
    """ceil(log2 n)."""
    return (n - 1).bit_length()


def _match(needs: dict[str, tuple[int, int]], chip: Chip) -> dict[str, int]:
    memories = _memories(chip)
    graph = nx.Graph()
    graph.add_nodes_from(needs)
    for name, (kernel, neurons) in needs.items():
        for core, (kernel_limit, neuron_limit) in enumerate(memories):
            if kernel <= kernel_limit and neurons <= neuron_limit:
                graph.add_edge(name, core)
    found = nx.bipartite.hopcroft_karp_matching(graph, top_nodes=list(needs))
    return {name: found[name] for name in needs if name in found}


def _memories(chip: Chip) -> list[tuple[int, int]]:
    if chip.cores is None:
        return []
    return list(zip(chip.cores.kernel_words.value, chip.cores.neuron_words.value, strict=True))


def _use(layer: Layer, need: tuple[int, int], chip: Chip, core: int | None) -> CoreUse:
    """Against the core of the layer, or where it has none against the largest memories."""
    memories = _memories(chip)
    limits = memories[core] if core is not None else tuple(map(max, zip(*memories, strict=True)))
    uses = [
        Use(name, *pair)
        for name, pair in zip(("kernel_words", "neuron_words"), zip(need, limits, strict=True), strict=True)
    ]
    biases = 0 if chip.cores is None else chip.cores.bias_words.value
    uses.append(Use("bias_words", layer.shape[0], biases))
    return CoreUse((Part(layer.name, whole(layer.shape)),), tuple(uses))


def _unmatched(name: str, need: tuple[int, int], chip: Chip) -> str:
    free = [f"{kernel}/{neurons}" for kernel, neurons in _memories(chip)]
    return (
        f"layer '{name}' needs {need[0]} kernel words and {need[1]} neuron words on one core; no core of {chip.id} "
        f"that has both is left (kernel/neuron words: {', '.join(free)}). Use fewer channels or smaller maps"
    )


def _shape_problems(network: Layers, layer: Layer, chip: Chip) -> list[str]:
    limits = chip.layer
    if limits is None:
        return []
    found = []
    if len(layer.groups) != 1:
        found.append(
            f"layer '{layer.name}' has {len(layer.groups)} groups of synapses; a core of {chip.id} takes 1"
        )
    for group in layer.groups:
        side = max(_sides(group.source_shape))
        if side > limits.input_side.value:
            found.append(
                f"layer '{layer.name}' sees {side} places a side; {chip.id} has {limits.input_side.value}"
            )
    side = max(_sides(layer.shape))
    if side > limits.output_side.value:
        found.append(
            f"layer '{layer.name}' has {side} places a side; {chip.id} has {limits.output_side.value}"
        )
    users = len(network.users(layer.name))
    if users > limits.destinations.value:
        found.append(
            f"layer '{layer.name}' drives {users} layers; {chip.id} has {limits.destinations.value} a core"
        )
    return found


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] or (1,)
