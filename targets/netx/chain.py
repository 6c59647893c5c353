"""The chain of layers that a `.net` file is: found in a graph, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import (
    Delay,
    Flatten,
    Graph,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    IntSynapses,
    Output,
    Shape,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Synapses whose input comes `steps` later."""

    name: str
    op: IntSynapses
    steps: int


@dataclass(frozen=True, slots=True)
class Block:
    """Neurons with their synapses: from the block before, flattened or not, and from themselves one step later.

    `input_shape` is that of the block before.
    """

    name: str
    neurons: IntLIF
    groups: tuple[Group, ...]
    recurrent: Group | None
    flatten: bool
    input_shape: Shape


def blocks(graph: Graph) -> tuple[Block, ...]:
    """The blocks from the input to the output; raises `UnsupportedError` naming the layer that is out of line."""
    before = next(iter(graph.of(IntInput)))
    used = {before, *graph.of(Output)}
    found = []
    for name, op in graph.of(IntLIF).items():
        found.append(_block(graph, name, op, before, used))
        before = name
        used.add(name)
    if graph.output != before:
        raise UnsupportedError(
            f"layer '{graph.output}' is the result, but a .net file ends with its last neurons, '{before}'"
        )
    for name in graph.names:
        if name not in used:
            raise UnsupportedError(
                f"layer '{name}' ({graph.op(name).kind}) is not part of a chain of neurons"
            )
    return tuple(found)


def _block(graph: Graph, name: str, op: IntLIF, before: str, used: set[str]) -> Block:
    groups: list[Group] = []
    recurrent: list[Group] = []
    flat = set()
    for source in graph.sources(name):
        synapses = graph.op(source)
        if not isinstance(synapses, (IntDense, IntConv)):
            raise UnsupportedError(f"layer '{source}' ({synapses.kind}) cannot feed neurons in a .net file")
        path = list(_path(graph, source))
        used |= {source, *path[:-1]}
        steps = sum(between.steps for n in path[:-1] if isinstance(between := graph.op(n), Delay))
        if path[-1] == name:
            recurrent.append(Group(source, synapses, steps))
        elif path[-1] == before:
            groups.append(Group(source, synapses, steps))
            flat.add(any(isinstance(graph.op(n), Flatten) for n in path))
        else:
            raise UnsupportedError(
                f"layer '{name}' gets input of '{path[-1]}' through '{source}'; a .net file is a chain, in which "
                f"only '{before}' comes before it"
            )
    if not groups or len(flat) > 1:
        raise UnsupportedError(f"layer '{name}' must get its input from '{before}', in one way")
    _check_recurrence(name, recurrent)
    return Block(
        name, op, tuple(groups), recurrent[0] if recurrent else None, flat.pop(), graph.types[before].shape
    )


def _path(graph: Graph, synapses: str) -> Iterator[str]:
    """Names from what feeds the synapses back to the neurons or the input."""
    name = graph.sources(synapses)[0]
    while isinstance(graph.op(name), (Delay, Flatten)):
        yield name
        name = graph.sources(name)[0]
    yield name


def _check_recurrence(name: str, recurrent: list[Group]) -> None:
    for group in recurrent:
        if len(recurrent) > 1 or group.steps != 1 or not isinstance(group.op, IntDense):
            raise UnsupportedError(
                f"layer '{name}' feeds itself through '{group.name}' after {group.steps} steps, with {len(recurrent)} "
                "groups; a .net file holds one group of dense synapses, after one step"
            )
