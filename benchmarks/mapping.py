"""The mapper against filling cores in sequence and against fewest cores: cores, chips, energy-delay product.

`python benchmarks/mapping.py NETWORK CHIP [BOARD]`, such as `vgg-sws loihi2 kapoho-point`, prints one table;
`python benchmarks/mapping.py growth` how seconds and memory grow. Weights and input are random, T = 4, batch 1: the
network is untrained, its spikes are counted in the engine, and the same spikes cost all three placements. Seconds are
those of the processor.

- sequential: every layer on the fewest equal consecutive slices of its neurons that fit (along channels, as they lie in
  memory; along rows where channels do not fit), one slice a core, cores in order: what nengo-loihi's split_blocks and
  its allocator do.
- fewest cores: the mapper with `objective="cores"`, layers sharing cores.
- mapper: `objective="edp"`.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from time import process_time

import numpy as np

from neurodeploy.chip import Chip, load_chip
from neurodeploy.cli.untrained import notation, untrained_graph
from neurodeploy.compiler import compile_graph
from neurodeploy.cost import Placement, measured_cost
from neurodeploy.errors import FitError
from neurodeploy.ir import Dense, Graph, Input, Op, Output, Readout
from neurodeploy.ir.float_ops import LIF
from neurodeploy.mapping import map_network, measured_activity
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import Layers, Part, Resources, layers, split
from neurodeploy.resources.axons import OutAxons

STEPS = 4
MEBI = 1 << 10


def network_of(name: str, chip: str, board: str | None) -> tuple[Network, Stimulus]:
    """An untrained network and one random sample."""
    graph, notes = untrained_graph(notation(name) or name, STEPS)
    ((name_in, op),) = graph.of(Input).items()
    x = np.random.default_rng(0).random((2, *op.shape), np.float32)
    if load_chip(chip).spike.graded_bits.value == 1:
        graph, x = graph.replaced({name_in: replace(op, encoding="binary")}), np.rint(x)
    network = compile_graph(graph, x, chip, board=board, steps=STEPS, notes=notes)
    return network, network.stimulus(x[:1])


def sequential(network: Layers, chip: Chip) -> Placement | None:
    """Equal consecutive slices of each layer, None where some layer has none that fits."""
    resources, done = Resources(network, chip), {}
    for name in reversed(list(network.neurons)):
        found = next(fitting(resources, network.neurons[name].shape, name, done), None)
        if found is None:
            return None
        done[name] = found
    mesh, per_tile = chip.chip.mesh.value, chip.chip.cores_per_tile.value
    if mesh is None or per_tile is None:
        return None
    cores = [(part,) for name in network.neurons for part in done[name]]
    each, room = chip.chip.cores.value, mesh[0] * mesh[1] * per_tile
    spread: list[tuple[Part, ...]] = [() for _ in range(-(-len(cores) // each) * room)]
    for i, core in enumerate(cores):
        spread[i // each * room + i % each] = core
    return Placement(tuple(spread), mesh[0], per_tile, mesh[1])


def fitting(
    resources: Resources, shape: tuple[int, ...], name: str, done: dict[str, tuple[Part, ...]]
) -> Iterator[tuple[Part, ...]]:
    """Slices along channels, then along rows of slices of one channel, that fit; the fewest first."""
    grids = [(n, *(1,) * (len(shape) - 1)) for n in range(1, shape[0] + 1)]
    if len(shape) > 1:
        grids += [(shape[0], n, *(1,) * (len(shape) - 2)) for n in range(2, shape[1] + 1)]
    axons, limit = OutAxons(resources, name, done), resources.chip.core.out_axons.value
    for grid in grids:
        parts = split(name, shape, grid)
        fits = all(resources.core([part]).fits for part in (parts[-1], *parts))
        if fits and (limit is None or axons.within(grid, limit)):
            yield parts


def row(
    name: str,
    network: Network,
    chip: Chip,
    stimulus: Stimulus,
    placement: Placement,
    utilisation: float,
    seconds: float,
) -> str:
    """A line of the table: what the sample costs on that placement, of the packets those between chips."""
    counted, found = measured_cost(network, chip, stimulus, placement=placement)
    joules = (found.dynamic_joules or 0.0) + (found.static_joules or 0.0)
    crossings = counted.crossings.sum() / max(counted.total("packets_out"), 1)
    return (
        f"| {name} | {len(placement.used)} | {placement.chips} | {100 * utilisation:.0f} % | {joules:.3e} | "
        f"{found.seconds:.3e} | {found.edp:.3e} | {100 * crossings:.0f} % | {seconds:.1f} |"
    )


def share(placement: Placement, network: Layers, chip: Chip) -> float:
    """Mean share of the fullest resource, output axons apart."""
    resources = Resources(network, chip)
    return float(np.mean([resources.core(held).binding.share or 0.0 for held in placement.cores if held]))


def compare(name: str, target: str, board: str | None) -> None:
    """One network on one chip, three ways."""
    chip = load_chip(target)
    network, stimulus = network_of(name, target, board)
    described = layers(network.graph)
    print(f"{name} on {target}{f' ({board})' if board else ''}: {STEPS} steps, 1 sample", flush=True)
    print(
        "| placement | cores | chips | utilisation | J a sample | s a sample | EDP, J s | crossings | CPU s to map |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    activity = measured_activity(network, stimulus)
    began = process_time()
    plain = sequential(described, chip)
    took = process_time() - began
    if plain is None:
        print("| sequential | no slice of some layer fits a core | | | | | | | |")
    else:
        print(
            row("sequential", network, chip, stimulus, plain, share(plain, described, chip), took), flush=True
        )
    for label, objective in (("fewest cores", "cores"), ("mapper", "edp")):
        began = process_time()
        found = map_network(described, chip, activity, board=board, objective=objective)  # type: ignore[arg-type]
        took = process_time() - began
        print(row(label, network, chip, stimulus, found.placement, found.utilisation, took), flush=True)
    print(f"peak memory {peak():.0f} MiB")


def peak() -> float:
    """Most memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI


def dense(width: int, depth: int) -> Graph:
    """`depth` fully connected layers of `width` neurons, float: counted at 8 bits."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {"in": Input((width,))}
    for i in range(depth):
        ops[f"fc{i}"] = Dense(rng.random((width, width), np.float32), np.zeros(width, np.float32))
        ops[f"lif{i}"] = LIF((width,), 0.5, 1.0, "subtract", "ge")
    ops["fc"] = Dense(rng.random((10, width), np.float32), np.zeros(10, np.float32))
    ops["read"] = Readout((10,), 1.0)
    names = [*ops, "out"]
    return Graph({**ops, "out": Output()}, list(pairwise(names)))


def growth() -> None:
    """Fully connected layers on Loihi 2 from 1 to 100 million synapses."""
    chip = load_chip("loihi2")
    print("| synapses | cores | chips | CPU s | peak MiB of the process |")
    print("|---|---|---|---|---|", flush=True)
    for width, depth in ((512, 4), (1024, 4), (1280, 6), (2048, 8), (2048, 28)):
        network = layers(dense(width, depth))
        before = process_time()
        found = map_network(network, chip, board="hala-point")
        took = process_time() - before
        synapses = sum(g.connections for layer in network.neurons.values() for g in layer.groups)
        print(
            f"| {synapses / 1e6:.1f} M | {len(found.cores)} | {found.chips} | {took:.1f} | {peak():.0f} |",
            flush=True,
        )


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", help="an untrained network, or 'growth'")
    parser.add_argument("chip", nargs="?", default="loihi2")
    parser.add_argument("board", nargs="?")
    args = parser.parse_args()
    if args.network == "growth":
        return growth()
    try:
        compare(args.network, args.chip, args.board)
    except FitError as error:
        print(f"{args.network} on {args.chip}: {error}")


if __name__ == "__main__":
    main()
