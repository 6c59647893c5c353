"""The integer graph of a `.net` file under construction: a chain of layers and the delays between them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.netx.config import Answers, InputRange
from neurodeploy.frontends.netx.synapses import by_delay, delay_of_synapses
from neurodeploy.ir import (
    Delay,
    Flatten,
    Graph,
    IntInput,
    IntLIF,
    IntSynapses,
    Op,
    Output,
    Shape,
    verify,
)
from neurodeploy.ir.op import Int8Array, Int64Array
from neurodeploy.network import Note

LARGEST_LAYER = 1 << 24
"""Most neurons of one layer."""


class Chain:
    """Operations and edges so far; `end` is the layer whose result comes next, of `shape`, "" before the input.

    `pending` are delays of the end's channels that the next synapses apply, int64 `(shape[0],)`; `spiking` is True
    once there are neurons.
    """

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.notes: list[Note] = []
        self.end = ""
        self.shape: Shape = ()
        self.spiking = False
        self.pending: Int64Array | None = None
        self._ops: dict[str, Op] = {}
        self._edges: list[tuple[str, str]] = []

    def start(self, shape: Shape, values: InputRange, levels: float) -> None:
        """The input of the network: x_q = round(x * levels)."""
        low, high = (int(np.rint(end * levels)) for end in (values.low, values.high))
        self._add("input", IntInput(shape, float(levels), low, high))
        self._move("input", shape)

    def flatten(self, name: str) -> None:
        """All axes into one; the delay of a channel becomes that of its neurons."""
        self._add(name, Flatten(), self.end)
        pending = None if self.pending is None else np.repeat(self.pending, prod(self.shape[1:]))
        self._move(name, (prod(self.shape),), pending)

    def synapses(
        self,
        name: str,
        weight_q: Int8Array,
        make: Callable[[Int8Array], IntSynapses],
        delays: Int64Array | None = None,
        groups: int = 1,
    ) -> list[str]:
        """Synapses from the end; `delays` int64 `(out,)` add to those that are pending.

        They are called `name`; or `name.STEPS`, one for each delay. Returns their names.
        """
        every = delay_of_synapses(weight_q, delays, self.pending, groups)
        if not every.any():
            self._add(name, make(weight_q), self.end)
            return [name]
        names = []
        for steps, part in by_delay(weight_q, every):
            self._add(f"{name}.{steps}", make(part), self._delayed(name, steps))
            names.append(f"{name}.{steps}")
        return names

    def neurons(self, name: str, op: IntLIF, groups: list[str], pending: Int64Array | None = None) -> None:
        """Neurons fed by groups of synapses: the new end, whose channels are delayed by `pending`."""
        self._add(name, op, *groups)
        self._move(name, op.shape, pending)
        self.spiking = True

    def recurrence(self, index: int, neurons: str, shape: Shape, synapses: IntSynapses) -> str:
        """Synapses from neurons to themselves, one step later; returns their name, which must feed `neurons`."""
        self._add(f"feedback{index}", Delay(shape, 1), neurons)
        self._add(f"recurrent{index}", synapses, f"feedback{index}")
        return f"recurrent{index}"

    def graph(self) -> Graph:
        """The finished graph; raises `UnsupportedError` for an output whose neurons have different delays."""
        if self.pending is not None:
            self._delay_output(np.unique(self.pending))
        self._add("output", Output(), self.end)
        return verify(Graph(self._ops, self._edges))

    def _delay_output(self, steps: Int64Array) -> None:
        if steps.size > 1:
            raise UnsupportedError(
                f"the outputs of the last layer have {steps.size} different delays ({steps[0]}..{steps[-1]} steps) "
                "and biases or recurrence, which cannot be expressed"
            )
        self._add("delay.output", Delay(self.shape, int(steps[0])), self.end)
        self._move("delay.output", self.shape)

    def _delayed(self, name: str, steps: int) -> str:
        if steps == 0:
            return self.end
        delay = f"delay.{name}.{steps}"
        self._add(delay, Delay(self.shape, steps, "spike" if self.spiking else "value"), self.end)
        return delay

    def _add(self, name: str, op: Op, *sources: str) -> None:
        self._ops[name] = op
        self._edges += [(source, name) for source in sources]

    def _move(self, end: str, shape: Shape, pending: Int64Array | None = None) -> None:
        if prod(shape) > LARGEST_LAYER:
            raise UnsupportedError(
                f"a layer of shape {shape} has {prod(shape)} neurons; the most is {LARGEST_LAYER}"
            )
        self.end, self.shape, self.pending = end, shape, pending
