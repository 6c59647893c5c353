"""The three-factor rule on Lava: learning synapses and the error that teaches them."""

from __future__ import annotations

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

from neurodeploy.ir import IntDense, IntLIF
from neurodeploy.semantics import ThreeFactorRule, shift
from neurodeploy.semantics.learning import accumulate, output_error, post_factor, pre_trace, updated
from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.window import Window


class Error(AbstractProcess):  # type: ignore[misc]
    """The modulated error e[t] g[t] of the output's neurons `layer`, in the step in which they send.

    `labels` is a board `(N,)` int64; `window` is the neurons'. Ports, all `(out,)`: `s_in` spikes, `p_in`
    potential as it was compared with the threshold, `e_out` the modulated error.
    """

    def __init__(
        self, *, op: IntLIF, layer: str, rule: ThreeFactorRule, labels: Path, window: Window, name: str
    ) -> None:
        super().__init__(op=op, layer=layer, rule=rule, labels=labels, window=window, name=name)
        self.s_in = InPort(shape=op.shape)
        self.p_in = InPort(shape=op.shape)
        self.e_out = OutPort(shape=op.shape)


@implements(proc=Error, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyError(PyLoihiProcessModel):  # type: ignore[misc]
    """`Error` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    p_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    e_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntLIF = proc_params["op"]
        self._rule: ThreeFactorRule = proc_params["rule"]
        self._neurons = self._rule.neurons[proc_params["layer"]]
        self._window: Window = proc_params["window"]
        self._labels = attach(proc_params["labels"])

    def run_spk(self) -> None:
        """Send the error of this step's spikes and potentials; zeros outside the window."""
        spikes, potential = self.s_in.recv(), self.p_in.recv()
        place = self._window.place(self.time_step)
        if place is None:
            self.e_out.send(np.zeros_like(spikes))
            return
        score = potential if self._op.reset == "none" else spikes
        label = self._labels[place[0] : place[0] + 1]
        error, _ = output_error(self._rule, self._neurons, self._op, score[np.newaxis], label)
        self.e_out.send((error[0] * post_factor(self._neurons, self._op, potential)).astype(np.int32))


class ThreeFactorDense(AbstractProcess):  # type: ignore[misc]
    """Learning synapses: a = shift(W s, exponent), with W taught by `neurodeploy.semantics.learning`.

    Synapses delay by one Lava time step. In the step in which their neurons compute step t of the model, the
    spikes that arrive are those of step t + 1 and the error that arrives is that of step t. So the error is
    paired with the trace of one step before, x[t]; if an update is due, the weights change; only then do the
    spikes of step t + 1 enter the trace and the synaptic sum. The result is the rule in model time, exactly.

    `window` is that of the neurons behind the synapses. Boards: `weights` `(k + 1, out, in)` int8, W after
    each of the k samples named in `snapshot_at` (1 = after the first), and in the last row after the latest
    sample; `changed` `(1,)` int64, the number of weight changes. Ports: `s_in` `(in,)` binary, `e_in`
    `(out,)`, `a_out` `(out,)`.

    Lava's own LearningDense cannot express this rule:

    - it pairs an error with the current trace, which in Lava's time is that of step t + 1;
    - a weight that it changes in step t acts on the spikes after those that just arrived, one step late;
    - its traces decay by exp(-1/tau) with a random rounding that all neurons share, not by a fixed-point
      factor toward zero, and nothing resets them between samples;
    - it rounds weights with one random number for the whole matrix and step, so that small updates move all
      synapses together or none;
    - it keeps no accumulator: a product of two traces is scaled by a further 2^-3, and what falls below one
      weight unit is rounded at every step, so an update once a sample from the sum of all steps cannot be
      written in its grammar of products.
    """

    def __init__(
        self,
        *,
        op: IntDense,
        group: str,
        lane: int,
        rule: ThreeFactorRule,
        window: Window,
        weights: Path,
        changed: Path,
        snapshot_at: tuple[int, ...],
        name: str,
    ) -> None:
        super().__init__(
            op=op,
            group=group,
            lane=lane,
            rule=rule,
            window=window,
            weights=weights,
            changed=changed,
            snapshot_at=snapshot_at,
            name=name,
        )
        outputs, inputs = op.weight_q.shape
        self.s_in = InPort(shape=(inputs,))
        self.e_in = InPort(shape=(outputs,))
        self.a_out = OutPort(shape=(outputs,))
        largest = rule.synapses[group].weight_max
        self.weight = Var(
            shape=(outputs, inputs), init=np.clip(op.weight_q.astype(np.int64), -largest, largest)
        )
        self.trace = Var(shape=(inputs,), init=0)
        self.accumulator = Var(shape=(outputs, inputs), init=0)
        self.a_buff = Var(shape=(outputs,), init=0)


@implements(proc=ThreeFactorDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyThreeFactorDense(PyLoihiProcessModel):  # type: ignore[misc]
    """`ThreeFactorDense` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    e_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    weight: Any = LavaPyType(np.ndarray, np.int64)
    trace: Any = LavaPyType(np.ndarray, np.int64)
    accumulator: Any = LavaPyType(np.ndarray, np.int64)
    a_buff: Any = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntDense = proc_params["op"]
        self._group: str = proc_params["group"]
        self._lane: int = proc_params["lane"]
        self._rule: ThreeFactorRule = proc_params["rule"]
        self._window: Window = proc_params["window"]
        self._snapshot_at: tuple[int, ...] = proc_params["snapshot_at"]
        self._weights = attach(proc_params["weights"], writable=True)
        self._changed = attach(proc_params["changed"], writable=True)
        self._updates = 0

    def run_spk(self) -> None:
        """One time step; sends before it receives, so that the loop through the error cannot dead-lock."""
        self.a_out.send(self.a_buff)
        spikes, error = self.s_in.recv(), self.e_in.recv()
        current = self._window.place(self.time_step)
        if current is not None:
            self._learn(*current, error)
        following = self._window.place(self.time_step + 1)
        if following is not None:
            before = np.zeros_like(self.trace) if following[1] == 0 else self.trace
            self.trace, _ = pre_trace(self._rule, self._group, before, spikes)
        self.a_buff = shift(self.weight @ spikes, self._op.exponent)

    def _learn(self, sample: int, t: int, error: Any) -> None:
        self.accumulator, _ = accumulate(self._rule, self.accumulator, np.outer(error, self.trace))
        sample_ends = t == self._window.steps - 1
        if sample_ends or self._rule.update == "step":
            self._update()
        if sample_ends:
            self._publish(sample + 1)

    def _update(self) -> None:
        done = updated(
            self._rule,
            self._group,
            self._lane,
            self.weight[np.newaxis],
            self.accumulator[np.newaxis],
            self._updates,
            np.array([self._rule.seed], np.uint64),
        )
        self._changed[0] += done.changed
        self._updates += 1
        self.weight, self.accumulator = done.weight[0], np.zeros_like(self.accumulator)

    def _publish(self, samples_done: int) -> None:
        self._weights[-1] = self.weight
        if samples_done in self._snapshot_at:
            self._weights[self._snapshot_at.index(samples_done)] = self.weight
