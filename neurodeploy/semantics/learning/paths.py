"""How errors get from the output to the layers that learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Delay, Flatten, IntLIF, IntSynapses


@dataclass(frozen=True, slots=True)
class Group:
    """A group of synapses: `arriving` is the layer whose values it takes, `target` the neurons that it leads to.

    `source` names the neurons whose spikes arrive, in the same step; None for the input and behind a delay.
    """

    synapses: str
    arriving: str
    source: str | None
    target: str


@dataclass(frozen=True, slots=True)
class ErrorPaths:
    """`learning` groups in the order of a step; `neurons` that errors reach, the output first, each after all that
    send to it; `back` names, for each of them but the output, the groups through which its error comes back;
    `cut` the groups whose way back ends at a delay. `lanes` numbers all groups of synapses of the network from the
    output back: the random numbers of a group depend on its lane, not on which groups learn.
    """

    output: str
    learning: tuple[Group, ...]
    neurons: tuple[str, ...]
    back: Mapping[str, tuple[Group, ...]]
    cut: tuple[str, ...]
    lanes: Mapping[str, int]


def error_paths(graph: Graph, learning: Iterable[str]) -> ErrorPaths:
    """The ways from the output to the groups of synapses called `learning`.

    Raises `UsageError` for a name that is no group of synapses, `UnsupportedError` naming a group that no error
    reaches, that leads to several layers of neurons, or whose current is delayed.
    """
    names = set(learning)
    for name in sorted(names.difference(graph.of(IntSynapses))):
        raise UsageError(f"layer {name!r} has no synapses; these have: {', '.join(graph.of(IntSynapses))}")
    output = output_neurons(graph)
    learners = tuple(_learner(graph, name) for name in graph.of(IntSynapses) if name in names)
    direct = [group for name in graph.of(IntSynapses) for group in _groups(graph, name)]
    reached = _reached(graph, output, {g.target for g in learners}, direct)
    for group in learners:
        if group.target not in reached:
            raise UnsupportedError(
                f"layer '{group.synapses}' cannot learn: no error reaches its neurons '{group.target}' from the output "
                f"'{output}', except through a delay, which errors do not pass. Leave it out with --layers"
            )
    back = {
        name: tuple(g for g in direct if g.source == name and g.target in reached)
        for name in reached
        if name != output
    }
    lanes = {name: i for i, name in enumerate(reversed(list(graph.of(IntSynapses))))}
    return ErrorPaths(output, learners, reached, back, _cut(graph, reached), lanes)


def output_neurons(graph: Graph) -> str:
    """The neurons whose result the network shows; raises `UnsupportedError` where it comes late."""
    name = graph.output
    while isinstance(graph.op(name), Flatten):
        name = graph.sources(name)[0]
    if not isinstance(graph.op(name), IntLIF):
        raise UnsupportedError(
            f"the output '{graph.output}' is a delay ('{name}'); learning needs the neurons themselves, whose error "
            "is known in the step in which they fire"
        )
    return name


def groups_into(graph: Graph, neurons: str) -> tuple[Group, ...]:
    """The groups whose current reaches a layer of neurons in the same step."""
    return tuple(g for name in graph.of(IntSynapses) for g in _groups(graph, name) if g.target == neurons)


def _learner(graph: Graph, name: str) -> Group:
    groups = _groups(graph, name)
    users = _users(graph, name)
    if any(isinstance(graph.op(user), Delay) for user in users):
        raise UnsupportedError(
            f"layer '{name}' cannot learn: its current is delayed on the way to the neurons, and an error would meet "
            "the trace of another step. Leave it out with --layers"
        )
    if len(groups) != 1:
        raise UnsupportedError(
            f"layer '{name}' cannot learn: it leads to {len(groups)} layers of neurons "
            f"({', '.join(g.target for g in groups)}); learning synapses need exactly one. Leave it out with --layers"
        )
    return groups[0]


def _groups(graph: Graph, name: str) -> tuple[Group, ...]:
    """The group called `name`, once for every layer of neurons that its current reaches in the same step."""
    arriving = graph.sources(name)[0]
    source = arriving
    while isinstance(graph.op(source), Flatten):
        source = graph.sources(source)[0]
    known = source if isinstance(graph.op(source), IntLIF) else None
    return tuple(
        Group(name, arriving, known, user)
        for user in _users(graph, name)
        if isinstance(graph.op(user), IntLIF)
    )


def _users(graph: Graph, name: str) -> tuple[str, ...]:
    """Neurons and delays that take the current of `name`, through any flattening."""
    found: list[str] = []
    for user in graph.users(name):
        found += _users(graph, user) if isinstance(graph.op(user), Flatten) else [user]
    return tuple(found)


def _reached(graph: Graph, output: str, targets: set[str], groups: list[Group]) -> tuple[str, ...]:
    """Neurons between the output and the targets, output first, in reverse order of a step."""
    useful = {output}
    for name in reversed(graph.names):
        if any(g.source == name and g.target in useful for g in groups):
            useful.add(name)
    wanted = set(targets)
    for name in graph.names:
        if any(g.target == name and g.source in wanted for g in groups):
            wanted.add(name)
    return tuple(
        name for name in reversed(graph.names) if name in useful and (name in wanted or name == output)
    )


def _cut(graph: Graph, reached: tuple[str, ...]) -> tuple[str, ...]:
    """Groups into the reached neurons through which an error would have come back but for a delay."""
    found = []
    for name in graph.of(IntSynapses):
        users = _users(graph, name)
        late = any(isinstance(graph.op(user), Delay) for user in users)
        before, delayed = graph.sources(name)[0], False
        while isinstance(op := graph.op(before), (Flatten, Delay)):
            delayed = delayed or isinstance(op, Delay)
            before = graph.sources(before)[0]
        if before in reached and (late or (delayed and any(user in reached for user in users))):
            found.append(name)
    return tuple(found)
