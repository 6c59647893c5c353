"""The error that teaches: at the output, and at the layers that it comes back to."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.ir import IntLIF
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import PostFactors, hidden_error, output_error
from neurodeploy.targets.lava.window import Window


class OutputError(AbstractProcess):  # type: ignore[misc]
    """The modulated error m[t] = e[t] g[t] of the output's neurons `layer`, in the step in which they send.

    With `rate` it comes in a sample's last step, from the sums over the sample. `window` is the neurons'. Ports:
    `s_in` spikes and `p_in` potential as it was compared with the threshold, `(n,)`; `label_in` `(1,)` the class that
    the sample has; `m_out` `(n,)`.
    """

    def __init__(self, *, op: IntLIF, layer: str, rule: ThreeFactorRule, window: Window, name: str) -> None:
        super().__init__(op=op, layer=layer, rule=rule, window=window, name=name)
        size = int(np.prod(op.shape))
        self.s_in = InPort(shape=(size,))
        self.p_in = InPort(shape=(size,))
        self.label_in = InPort(shape=(1,))
        self.m_out = OutPort(shape=(size,))


@implements(proc=OutputError, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyOutputError(PyLoihiProcessModel):  # type: ignore[misc]
    """`OutputError` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    p_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    label_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    m_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntLIF = proc_params["op"]
        self._rule: ThreeFactorRule = proc_params["rule"]
        self._neurons = self._rule.neurons[proc_params["layer"]]
        self._factors = PostFactors(self._rule, proc_params["layer"], self._op)
        self._window: Window = proc_params["window"]
        self._score: Any = np.zeros(self._op.shape, np.int64)

    def run_spk(self) -> None:
        """Send what this step's spikes, potentials and label make; zeros where no error is due."""
        spikes, potential = (port.recv().reshape(self._op.shape) for port in (self.s_in, self.p_in))
        label = self.label_in.recv()
        place = self._window.place(self.time_step)
        modulated = np.zeros(self._op.shape, np.int64)
        if place is not None:
            factor = self._factors.after(place[1], spikes, potential)
            self._keep_score(place[1], potential if self._op.reset == "none" else spikes)
            if self._rule.has_error_at(place[1], self._window.steps):
                modulated = self._error(label) * factor
        self.m_out.send(modulated.reshape(-1).astype(np.int32))

    def _keep_score(self, t: int, shown: Any) -> None:
        """Of this step, or with `rate` of all steps of the sample so far."""
        first = t == 0 or self._rule.rule != "rate"
        self._score = shown if first else self._score + shown

    def _error(self, label: Any) -> Any:
        weight = self._window.steps if self._rule.rule == "rate" else 1
        error, _ = output_error(
            self._rule, self._neurons, self._op, self._score[np.newaxis], label, weight=weight
        )
        return error[0]


class HiddenError(AbstractProcess):  # type: ignore[misc]
    """The modulated error m[t] = e[t] g[t] of hidden neurons `layer`, when it has come back to them.

    `neurons` is the window in which the neurons fire, `errors` that in which their errors arrive; g waits as long.
    `spikes_before` `shape` int64: how often each neuron fired in the sample before the first, None where there was
    none; used by homeostasis. Ports, all `(n,)`: `s_in` spikes, `p_in` potential as it was compared with the
    threshold, `b_in` what comes back through all groups of synapses behind; `m_out`.
    """

    def __init__(
        self,
        *,
        op: IntLIF,
        layer: str,
        rule: ThreeFactorRule,
        neurons: Window,
        errors: Window,
        spikes_before: Any,
        name: str,
    ) -> None:
        super().__init__(
            op=op,
            layer=layer,
            rule=rule,
            neurons=neurons,
            errors=errors,
            spikes_before=spikes_before,
            name=name,
        )
        size = int(np.prod(op.shape))
        self.s_in = InPort(shape=(size,))
        self.p_in = InPort(shape=(size,))
        self.b_in = InPort(shape=(size,))
        self.m_out = OutPort(shape=(size,))


@implements(proc=HiddenError, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyHiddenError(PyLoihiProcessModel):  # type: ignore[misc]
    """`HiddenError` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    p_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    # 64 bits, so that several ways back cannot wrap where they meet.
    b_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    m_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntLIF = proc_params["op"]
        self._rule: ThreeFactorRule = proc_params["rule"]
        self._rule_here = self._rule.neurons[proc_params["layer"]]
        self._factors = PostFactors(self._rule, proc_params["layer"], self._op)
        self._waiting: deque[Any] = deque()
        self._neurons: Window = proc_params["neurons"]
        self._errors: Window = proc_params["errors"]
        self._before: Any = proc_params["spikes_before"]
        self._count: Any = self._before

    def run_spk(self) -> None:
        """Keep g of the step that the neurons compute; send the error of the step whose error arrives."""
        spikes, potential, back = (
            port.recv().reshape(self._op.shape) for port in (self.s_in, self.p_in, self.b_in)
        )
        fired = self._neurons.place(self.time_step)
        if fired is not None:
            self._waiting.append(self._factors.after(fired[1], spikes, potential))
            self._keep_count(fired[1], spikes)
        taught = self._errors.place(self.time_step)
        modulated = np.zeros(self._op.shape, np.int64)
        if taught is not None:
            factor = self._waiting.popleft()
            if self._rule.has_error_at(taught[1], self._errors.steps):
                error, _ = hidden_error(self._rule, self._rule_here, back, self._before)
                modulated = error * factor
        self.m_out.send(modulated.reshape(-1).astype(np.int32))

    def _keep_count(self, t: int, spikes: Any) -> None:
        if t == 0:
            self._before, self._count = self._count, np.zeros_like(spikes)
        self._count = self._count + spikes
