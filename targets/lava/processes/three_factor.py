"""Synapses that learn by the three-factor rule."""

from __future__ import annotations

from collections import deque
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.ir import IntSynapses, Shape
from neurodeploy.semantics import ThreeFactorRule, shift
from neurodeploy.semantics.learning import (
    Columns,
    feedback_weights,
    gathered,
    pre_trace,
    sent_back,
    updated,
)
from neurodeploy.semantics.synapses import float_type
from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.window import Window


class ThreeFactorSynapses(AbstractProcess):  # type: ignore[misc]
    """Learning synapses, dense or convolutional: a = shift(W s, exponent), with W taught by
    `neurodeploy.semantics.learning`.

    Synapses delay by one Lava time step, on the way forward and on the way back. `spikes` is the window in which the
    spikes of a model step arrive; the trace that they make waits until the modulated error of the same step arrives,
    in window `errors`. Then the pair waits for the rule's error delay, is added to the accumulator, and if an update
    is due the weights change; only then do spikes of the same Lava time step, which are those of a later model step,
    enter the trace and the synaptic sum. The result is the rule in model time, exactly. What an accumulator sums
    from one update to the next is formed at the update, in the order of the steps.

    `weight_q` are the weights at the start, `updates` how many updates there were before. `given`, `made`: shapes of
    what arrives and of the result; `largest_input` bounds |s|, `largest_back` bounds |B^T m|. With `sends_back` the
    synapses send B^T m of their own weights as they were in the model step, times 2^`back_exponent`.

    Boards: `weights` `(k + 1, *W)` int8 and `changed` `(k + 1,)` int64, W and the number of weight changes after each
    of the k samples named in `snapshot_at` (1 = after the first), and in the last row after the latest sample. Ports:
    `s_in` `(in,)`, `m_in` `(out,)`, `a_out` `(out,)`, `b_out` `(in,)`.
    """

    def __init__(
        self,
        *,
        op: IntSynapses,
        weight_q: Any,
        updates: int,
        given: Shape,
        made: Shape,
        largest_input: int,
        largest_back: int,
        group: str,
        lane: int,
        rule: ThreeFactorRule,
        spikes: Window,
        errors: Window,
        sends_back: bool,
        back_exponent: int,
        weights: Path,
        changed: Path,
        snapshot_at: tuple[int, ...],
        name: str,
    ) -> None:
        super().__init__(
            op=op,
            updates=updates,
            given=given,
            made=made,
            largest_input=largest_input,
            largest_back=largest_back,
            group=group,
            lane=lane,
            rule=rule,
            spikes=spikes,
            errors=errors,
            sends_back=sends_back,
            back_exponent=back_exponent,
            weights=weights,
            changed=changed,
            snapshot_at=snapshot_at,
            name=name,
        )
        self.s_in = InPort(shape=(prod(given),))
        self.m_in = InPort(shape=(prod(made),))
        self.a_out = OutPort(shape=(prod(made),))
        self.b_out = OutPort(shape=(prod(given),))
        self.weight = Var(shape=op.weight_q.shape, init=weight_q.astype(np.int64))
        self.trace = Var(shape=given, init=0)
        self.a_buff = Var(shape=(prod(made),), init=0)
        self.b_buff = Var(shape=(prod(given),), init=0)


@implements(proc=ThreeFactorSynapses, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyThreeFactorSynapses(PyLoihiProcessModel):  # type: ignore[misc]
    """`ThreeFactorSynapses` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    m_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    b_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    weight: Any = LavaPyType(np.ndarray, np.int64)
    trace: Any = LavaPyType(np.ndarray, np.int64)
    a_buff: Any = LavaPyType(np.ndarray, np.int64)
    b_buff: Any = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._columns = Columns(proc_params["op"], proc_params["given"], proc_params["made"])
        self._exponent: int = proc_params["op"].exponent
        self._group: str = proc_params["group"]
        self._lane: int = proc_params["lane"]
        self._rule: ThreeFactorRule = proc_params["rule"]
        self._spikes: Window = proc_params["spikes"]
        self._errors: Window = proc_params["errors"]
        self._sends_back: bool = proc_params["sends_back"]
        self._back_exponent: int = proc_params["back_exponent"]
        self._type = float_type(128 * self._columns.kernel * proc_params["largest_input"])
        self._back_type = float_type(proc_params["largest_back"])
        self._snapshot_at: tuple[int, ...] = proc_params["snapshot_at"]
        self._weights = attach(proc_params["weights"], writable=True)
        self._changed = attach(proc_params["changed"], writable=True)
        self._updates: int = proc_params["updates"]
        self._traces: deque[Any] = deque()
        self._pairs: deque[tuple[Any, Any]] = deque()
        self._matrix: Any = None

    def run_spk(self) -> None:
        """One time step; sends before it receives, so that the loop through the errors cannot dead-lock."""
        self.a_out.send(self.a_buff)
        self.b_out.send(self.b_buff)
        spikes, modulated = self.s_in.recv(), self.m_in.recv()
        taught = self._errors.place(self.time_step)
        self.b_buff = self._sent_back(modulated)
        if taught is not None:
            self._learn(*taught, modulated)
        arrived = self._spikes.place(self.time_step)
        if arrived is None:
            self.a_buff = np.zeros_like(self.a_buff)
            return
        self._take(arrived[1], spikes.reshape(self._columns.given))

    def _sent_back(self, modulated: Any) -> Any:
        """B^T m, with the weights of the model step that m belongs to: before they learn from it."""
        if not self._sends_back or not modulated.any():
            return np.zeros_like(self.b_buff)
        matrix = self._columns.matrix(feedback_weights(self._rule.feedback, self.weight, self.weight))
        m = modulated.reshape(self._columns.made).astype(self._back_type)
        back = sent_back(self._columns, matrix.astype(self._back_type), m)
        return back.reshape(-1).astype(np.int64) << self._back_exponent

    def _take(self, t: int, spikes: Any) -> None:
        """The spikes of step `t` enter the trace and the synaptic sum."""
        before = np.zeros_like(self.trace) if t == 0 else self.trace
        self.trace, _ = pre_trace(self._rule, self._group, before, spikes)
        self._traces.append(self.trace)
        if self._matrix is None:
            self._matrix = self._columns.matrix(self.weight).astype(self._type)
        sums = self._matrix @ self._columns.unfold(spikes.astype(self._type))
        self.a_buff = shift(sums.reshape(-1).astype(np.int64), self._exponent)

    def _learn(self, sample: int, t: int, modulated: Any) -> None:
        steps, trace = self._errors.steps, self._traces.popleft()
        if self._rule.has_error_at(t, steps):
            self._pairs.append((modulated.reshape(self._columns.made), trace))
        if self._rule.updates_at(t, steps):
            due = len(self._pairs) - self._rule.error_delay
            self._update([self._pairs.popleft() for _ in range(due)])
        if t == steps - 1:
            self._pairs.clear()
            self._publish(sample + 1)

    def _update(self, pairs: list[tuple[Any, Any]]) -> None:
        """W after one more update, from the pairs (m, x) of some steps."""
        total = np.zeros((1, *self._columns.shape), np.int64)
        if pairs:
            modulated, traces = (np.stack(of)[np.newaxis] for of in zip(*pairs, strict=True))
            total, _ = gathered(self._rule, self._columns, modulated, traces)
        seeds = np.array([self._rule.seed], np.uint64)
        done = updated(
            self._rule, self._group, self._lane, self.weight[np.newaxis], total, self._updates, seeds
        )
        self._changed[-1] += done.changed
        self._updates += 1
        self.weight, self._matrix = done.weight[0], None

    def _publish(self, samples_done: int) -> None:
        self._weights[-1] = self.weight
        if samples_done in self._snapshot_at:
            row = self._snapshot_at.index(samples_done)
            self._weights[row], self._changed[row] = self.weight, self._changed[-1]
