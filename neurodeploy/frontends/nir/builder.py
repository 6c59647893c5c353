"""From the flat graph of a NIR file to the float graph."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from neurodeploy.errors import InputError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.nir.config import Settings
from neurodeploy.frontends.nir.cycles import biased_behind, find_cycles, upstream
from neurodeploy.frontends.nir.file import Edge, NirGraph
from neurodeploy.frontends.nir.layers import layer, without_ones
from neurodeploy.frontends.nir.neurons import silent_neurons, spiking_neurons, threshold_neurons
from neurodeploy.frontends.nir.node import KINDS, Node
from neurodeploy.frontends.nir.parts import Parts
from neurodeploy.frontends.nir.questions import NEURONS, SPIKING, SYNAPTIC, ask, ask_recurrence
from neurodeploy.ir import LIF, Add, Delay, Flatten, Input, Op, Output, Readout, Scale, Shape, TensorType

TAKES_CURRENT = NEURONS | {"Threshold"}
DELAY_END = 1 << 20


def build(source: NirGraph, said: Settings) -> Imported:
    """The float graph of a NIR graph, and every assumption.

    1. Neurons become steps as `said`; what the file and the settings leave open is asked for.
    2. A cycle without Delay gets the delay of one step that every framework means.
    3. Several edges into a node that is not a neuron are added up by an `Add` in front of it.
    4. Spikes and values that reach neurons without synapses get synapses of weight one.
    5. An output without neurons becomes a `Readout`.

    Raises `InputError` naming the node that contradicts itself or its input, `UnsupportedError` naming the node
    that has no meaning in the graph, or the settings that must be said.
    """
    asked = ask(source.nodes.values(), said)
    builder = _Builder(source, said)
    graph = builder.build()
    return Imported(graph.graph(), (*source.notes, *asked, *graph.notes))


class _Builder:
    """Walks the nodes in the order of a step. `_result` names the operation that gives a node's result, `_place`
    the link between operations that an edge is."""

    def __init__(self, source: NirGraph, said: Settings) -> None:
        self._nodes, self._edges, self._said = source.nodes, source.edges, said
        self._parts = Parts(frozenset(source.nodes))
        self._cycles = find_cycles(source.nodes, source.edges)
        self._before: dict[str, list[str]] = {name: [] for name in source.nodes}
        for start, end in source.edges:
            self._before[end].append(start)
        self._result: dict[str, str] = {}
        self._place: dict[Edge, Edge] = {}

    def build(self) -> Parts:
        for name in self._cycles.order:
            try:
                self._node(self._nodes[name])
            except InputError as error:
                where = "" if str(error).startswith("node ") else f"{self._nodes[name]}: "
                raise type(error)(f"{where}{error}") from None
        for edge in sorted(self._cycles.feedback):
            self._link(edge)
        for edge, steps in self._delays().items():
            self._delay(edge, steps)
        return self._parts

    def _node(self, node: Node) -> None:
        before = [s for s in self._before[node.name] if (s, node.name) not in self._cycles.feedback]
        for source in before:
            self._refuse_potential(self._nodes[source], node)
        if node.kind == "Output":
            self._output(node, before)
            return
        if node.kind == "Input":
            self._add(node, Input(self._input_shape(node)))
        elif node.kind in TAKES_CURRENT:
            self._neurons(node, before)
        else:
            self._stateless(node, before)
        for source in before:
            self._link((source, node.name))

    def _input_shape(self, node: Node) -> Shape:
        """The shape of the input, without axes of one that stand for a batch."""
        shape = node.shape("shape")
        users = [self._nodes[d] for s, d in self._edges if s == node.name]
        row = len(without_ones(shape)) < 2 and all(user.kind in ("Affine", "Linear") for user in users)
        kept = shape
        while len(kept) > (1 if row else 3) and kept[0] == 1:
            kept = kept[1:]
        if len(kept) > 3:
            raise node.refuse(
                f"shape {shape} must be (features,) or (channels, height, width), without batch and time"
            )
        if kept != shape:
            self._note(
                node, f"shape {list(shape)} is read as {list(kept)}: the axes before are a batch of one"
            )
        return kept

    def _neurons(self, node: Node, before: list[str]) -> None:
        shape = self._type(before[0]).shape if before else node.numbers("v_leak").shape or (1,)
        alone = [f for f in KINDS[node.kind].needed if np.prod(shape) > 1 and node.numbers(f).size == 1]
        if alone:
            self._note(node, f"one value of {', '.join(alone)} stands for all of {list(shape)}")
        if node.kind == "Threshold":
            self._add(node, threshold_neurons(node, shape, self._said))
        elif node.kind in SPIKING:
            self._add(node, spiking_neurons(node, shape, self._said, node.name in self._cycles.members))
        else:
            readout, gain = silent_neurons(node, shape, self._said)
            if (gain != 1.0).any():
                self._parts.put_in_front(node.name, "gain", Scale(gain), TensorType(shape, "current"))
                self._note(
                    node,
                    f"its gain is a layer, '{self._parts.entry(node.name)}', so that potentials are NIR's",
                )
            self._add(node, readout)

    def _stateless(self, node: Node, before: list[str]) -> None:
        types = [self._type(source) for source in before]
        given = types[0]
        if len(self._before[node.name]) > 1:
            given = self._parts.put_in_front(
                node.name, "sum", Add(), *(types if len(types) > 1 else types * 2)
            )
        if node.kind in ("Affine", "Linear") and len(given.shape) > 1 and given.size == given.shape[-1]:
            given = self._parts.put_in_front(node.name, "flat", Flatten(), given)
        op = (
            self._own_delay(node, given)
            if node.kind == "Delay"
            else layer(node, given.shape, self._parts.notes)
        )
        if op is not None:
            self._add(node, op, given)
        else:
            self._note(node, "left out: it changes nothing")
            self._result[node.name] = self._parts.exit(node.name, self._result[before[0]])

    def _own_delay(self, node: Node, given: TensorType) -> Op | None:
        seconds, dt = np.unique(node.numbers("delay")), self._said.find("dt")
        if len(seconds) > 1:
            raise node.refuse(
                f"its delays of {seconds[0]:g}..{seconds[-1]:g} s differ; a Delay here has one for all"
            )
        if dt == "r":
            raise node.refuse("its delay in steps needs dt: say --set nir.dt=SECONDS")
        steps = float(seconds[0]) / dt
        if not 0 <= steps < DELAY_END or abs(steps - round(steps)) > 1e-4 + 2e-7 * steps:
            raise node.refuse(
                f"delay {seconds[0]:g} s is {steps:g} steps of dt {dt:g} s; it must be a whole number below {DELAY_END}"
            )
        self._note(node, f"delay {seconds[0]:g} s is {round(steps)} steps of dt {dt:g} s")
        return Delay(given.shape, round(steps), cast(Any, given.signal)) if round(steps) else None

    def _output(self, node: Node, before: list[str]) -> None:
        if len(before) != 1:
            raise node.refuse(f"takes {', '.join(before)}; an output must have one source")
        flat = self._result[before[0]]
        source = self._parts.before_flattening(flat)
        declared, given = node.shape("shape"), self._parts.types[source]
        if without_ones(declared) not in (without_ones(given.shape), without_ones((given.size,))):
            raise node.fail(f"shape says {list(declared)}, but '{source}' gives {list(given.shape)}")
        if not isinstance(self._parts.ops[source], (LIF, Readout)):
            source = self._readout(node, flat)
        elif source != flat:
            self._note(node, f"is given in the shape of '{source}', {list(given.shape)}, not flattened")
        self._add(node, Output(), self._parts.types[source])
        self._parts.links.append((source, node.name))

    def _readout(self, node: Node, source: str) -> str:
        total = self._said.find("readout") == "sum"
        name = self._parts.free("readout")
        self._parts.add(name, Readout(self._parts.types[source].shape, 1.0 if total else 0.0))
        self._parts.links.append((self._parts.current(source, name), name))
        meaning = (
            "the sum over time"
            if total
            else "its value of each step; nir.readout=sum takes the sum over time"
        )
        self._note(node, f"'{source}' has no neurons behind it: the result is {meaning}")
        return name

    def _link(self, edge: Edge) -> None:
        """Connect operations as an edge of the file says."""
        source, node, links = self._nodes[edge[0]], self._nodes[edge[1]], self._parts.links
        start, end = self._result[source.name], self._parts.entry(node.name)
        if end not in self._parts.ops:  # the node was left out
            return
        self._refuse_potential(source, node)
        current = self._parts.current(start, end) if node.kind in TAKES_CURRENT else start
        if (current, end) in links:
            raise node.fail(
                f"gets '{start}' on two ways that do the same; whether it counts twice is not said"
            )
        links.append((current, end))
        self._place[edge] = (start, end if current == start else current)

    def _refuse_potential(self, source: Node, node: Node) -> None:
        if self._type(source.name).signal == "potential" and node.kind != "Output":
            raise source.refuse(f"leads to '{node.name}'; a leaky integrator can only be the output")

    def _delays(self) -> dict[Edge, int]:
        """Steps by which edges are delayed beyond the Delay nodes of the file."""
        delays: dict[Edge, int] = {}
        for edge in sorted(self._cycles.undelayed):
            placed = self._recurrent(edge)
            delays[placed] = delays.get(placed, 0) + 1
            late = f"gets '{placed[0]}' of the step before: a cycle without a Delay means one step of delay"
            self._parts.note(edge[1], late)
        old = self._said.find("current_order") == "old"
        for edge in [e for e in self._edges if old and self._nodes[e[1]].kind in SYNAPTIC]:
            placed = upstream(edge, self._nodes, self._edges, through_bias=False)
            delays[placed] = delays.get(placed, 0) + 1
        return delays

    def _recurrent(self, edge: Edge) -> Edge:
        """Where the delay of a feedback edge lies: what it does to a bias in step 0 must be said."""
        biased = biased_behind(edge, self._nodes, self._edges)
        if not biased:
            return upstream(edge, self._nodes, self._edges, through_bias=False)
        self._parts.notes.append(ask_recurrence(biased[0], self._said))
        spikes = self._said.find("recurrence") == "spikes"
        placed = upstream(edge, self._nodes, self._edges, through_bias=spikes)
        if spikes and biased_behind(placed, self._nodes, self._edges):
            raise biased[0].refuse(
                f"its bias cannot act in step 0 of the cycle that {edge[0]} -> {edge[1]} closes, where other ways "
                "branch off; say --set nir.recurrence=currents if it need not, or put a Delay node into the cycle"
            )
        return placed

    def _delay(self, edge: Edge, steps: int) -> None:
        while edge not in self._place:  # it leads into a node that was left out
            edge = next(e for e in self._edges if e[0] == edge[1])
        self._parts.delay(self._place[edge], steps)

    def _add(self, node: Node, op: Op, *given: TensorType) -> None:
        self._result[node.name] = self._parts.add(node.name, op, *given)

    def _type(self, node: str) -> TensorType:
        return self._parts.types[self._result[node]]

    def _note(self, node: Node, what: str) -> None:
        self._parts.note(node.name, what)
