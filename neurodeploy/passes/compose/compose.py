"""The pass that leaves one group of synapses between a source and a layer of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neurodeploy.errors import NeurodeployError, UnsupportedError
from neurodeploy.ir import LIF, Delay, Flatten, Graph, Input, Op, Output, Readout, Shape
from neurodeploy.ir.types import Signal
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.passes.compose.constants import divided, from_pacemaker, pacemaker
from neurodeploy.passes.compose.forms import forms
from neurodeploy.passes.compose.groups import Group, groups
from neurodeploy.passes.compose.maps import Array, Flattening
from neurodeploy.passes.compose.names import Names
from neurodeploy.passes.compose.paths import Form, Origin


@dataclass(frozen=True, slots=True)
class ComposeSynapses:
    """Float graph -> float graph of Input, Dense, Conv, LIF, Readout, Flatten, Delay and Output alone.

    1. Between its sources (input and spiking neurons, delayed or not) and a layer of neurons every path of Dense,
       Conv, pools, Scale, Add, Concat, Flatten and Delay is composed, in float64, into one Dense or Conv without
       bias; its weights are rounded to float32 once.
    2. Delays are moved to the front of a path, where they pass on spikes or input values.
    3. Paths from one source are added up in one group where that takes no more synapses.
    4. Convolutions whose borders do not fit together get further groups that correct them (`compose.windows`); what
       has no shared kernel is multiplied out, and so are groups that have more synapses and weights than their matrix.
    5. Constants become biases of the neurons, or currents of a pacemaker (`compose.constants`).
    6. A group has the name of the last layer of weights on its path; neurons, input and output keep theirs.
    """

    name: ClassVar[str] = "compose-synapses"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `UnsupportedError` for cycles without neurons and matrices that are too large."""
        made = forms(graph)
        composition = _Composition(graph, notes)
        for name in graph.names:
            op = graph.op(name)
            if isinstance(op, Input):
                composition.ops[name] = op
            elif isinstance(op, (LIF, Readout)):
                composition.add_neurons(name, op, made[name])
        composition.add_output(made)
        return Graph(composition.ops, composition.edges)


class _Composition:
    """The new graph while it grows."""

    def __init__(self, graph: Graph, notes: Notes) -> None:
        self._graph = graph
        self._notes = notes
        self._taps: dict[tuple[str, int, bool], str] = {}
        self._pacemakers: dict[Shape, str] = {}
        kept = [*graph.of(Input), *graph.of(LIF), *graph.of(Readout), *graph.of(Output)]
        self._names = Names(graph, kept)
        self._shapes = {name: graph.types[name].shape for name in kept}
        self.ops: dict[str, Op] = {}
        self.edges: list[tuple[str, str]] = []

    def add_neurons(self, name: str, op: LIF | Readout, form: Form) -> None:
        """A layer of neurons with its groups of synapses (rules 1 to 5)."""
        try:
            found = tuple(groups(form, self._shapes))
            constants = divided(op, form.constants)
            for group in found:
                self._add_group(name, group)
            for steps, values in constants.currents.items():
                self._add_constant(name, steps, values)
        except NeurodeployError as error:
            raise type(error)(f"layer '{name}': {error}") from None
        self.ops[name] = constants.neurons
        self._note_bias(name, op, constants.neurons)

    def add_output(self, made: dict[str, Form]) -> None:
        """The output behind its neurons, flattened or delayed if it was."""
        (name,) = self._graph.of(Output)
        source = self._graph.output
        form = made.get(source)
        if form is None or isinstance(self._graph.op(source), (LIF, Readout)):
            at = source
        elif len(form.paths) == 1 and all(isinstance(one, Flattening) for one in form.paths[0].chain):
            path = form.paths[0]
            at = self._tap(path.origin, bool(path.chain), path.layers)
        else:
            raise UnsupportedError(
                f"layer '{name}': the output must be that of one layer of neurons; put neurons behind '{source}'"
            )
        self.ops[name] = self._graph.op(name)
        self.edges.append((at, name))

    def _add_group(self, neurons: str, group: Group) -> None:
        at = self._tap(group.origin, group.is_flat, group.layers)
        name = self._names.of_group(group, neurons)
        self._connect(at, name, group.op, neurons)
        self._note_group(name, neurons, group)

    def _add_constant(self, neurons: str, steps: int, values: Array) -> None:
        shape, op = from_pacemaker(values)
        if shape not in self._pacemakers:
            size = "x".join(str(n) for n in shape)
            source = self._names.give("pacemaker" if shape == (1,) else f"pacemaker.{size}")
            self._pacemakers[shape], self.ops[source], self._shapes[source] = source, pacemaker(shape), shape
            self._notes.append(Note(source, "added; it spikes in every step and carries constant currents"))
        source = self._pacemakers[shape]
        name = self._names.give(f"{neurons}.constant")
        self._connect(self._tap(Origin(source, steps), False, ()), name, op, neurons)
        since = f", from step {steps} on" if steps else ""
        self._notes.append(Note(neurons, f"constant current by synapses '{name}' from '{source}'{since}"))

    def _connect(self, source: str, name: str, op: Op, neurons: str) -> None:
        self.ops[name] = op
        self.edges += [(source, name), (name, neurons)]

    def _tap(self, origin: Origin, is_flat: bool, layers: tuple[str, ...]) -> str:
        """The layer that gives the result of `origin`, flattened or not (rule 2)."""
        at = origin.source
        if origin.steps:
            at = self._delayed(origin, layers)
        if not is_flat or len(self._shapes[origin.source]) == 1:
            return at
        key = (*origin, True)
        if key not in self._taps:
            own = [layer for layer in layers if isinstance(self._graph.op(layer), Flatten)]
            self._taps[key] = self._names.give(*own[:1], f"{at}.flat")
            self.ops[self._taps[key]] = Flatten()
            self.edges.append((at, self._taps[key]))
        return self._taps[key]

    def _delayed(self, origin: Origin, layers: tuple[str, ...]) -> str:
        key = (*origin, False)
        if key not in self._taps:
            own = [layer for layer in layers if isinstance(self._graph.op(layer), Delay)]
            name = self._names.give(*own[:1], f"{origin.source}.delay{origin.steps}")
            signal: Signal = "value" if origin.source in self._graph.of(Input) else "spike"
            self.ops[name] = Delay(self._shapes[origin.source], origin.steps, signal)
            self.edges.append((origin.source, name))
            self._taps[key] = name
            if own and self._graph.sources(own[0]) != (origin.source,):
                self._notes.append(Note(name, f"moved to '{origin.source}', in front of the synapses"))
        return self._taps[key]

    def _note_group(self, name: str, neurons: str, group: Group) -> None:
        parts = [layer for layer in group.layers if not isinstance(self._graph.op(layer), (Flatten, Delay))]
        if parts == [name]:
            return
        what = f"'{group.origin.source}' to '{neurons}' through {', '.join(parts)}: {_described(group)}"
        self._notes.append(Note(name, what))

    def _note_bias(self, name: str, old: LIF | Readout, new: LIF | Readout) -> None:
        if new.bias.ndim > 1 and any(n > 1 for n in new.bias.shape[1:]) and new.bias.shape != old.bias.shape:
            what = f"{new.bias.size} biases, as the constants of its synapses differ by position"
            self._notes.append(Note(name, what))


def _described(group: Group) -> str:
    shape = "x".join(str(n) for n in group.op.weight.shape)
    kind = f"{group.op.kind} {shape}, {group.synapses} synapses"
    if group.is_matrix:
        return f"{kind}, multiplied out to a matrix"
    return f"{kind}, takes away what would be read beyond a border" if group.is_border else kind
