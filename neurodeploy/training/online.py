"""One batch of OTTT: gradients gathered forward in time, memory independent of the number of steps.

Source: Xiao, Meng, Zhang, He, Lin: Online Training Through Time for Spiking Neural Networks, NeurIPS 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.training.adjoint import send_back, trained_nodes
from neurodeploy.training.dropout import masked
from neurodeploy.training.forward import Forward
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm
from neurodeploy.training.rule import Batch
from neurodeploy.training.structure import Network
from neurodeploy.training.surrogate import ALPHA, Surrogate
from neurodeploy.training.synapses import Synapse


@dataclass(frozen=True, slots=True)
class OTTTOptions:
    """Which pre-synaptic activities are traced, the surrogate, the loss and when errors arrive.

    `first_layer_trace`: the input x is traced like spikes are (exact for the first layer's neurons).
    `readout_trace`: a linear readout's input is traced too (its exact gradient takes the bare spikes).
    `bias_trace`: a bias is traced as a synapse from a constant 1 (exact; a linear readout's never is).
    `surrogate`, `alpha`: see `neurodeploy.training.surrogate.Surrogate`.
    `eta`: share of the squared error in the loss, the rest is cross-entropy.
    `error_delay`: steps d until an error has come back. The update of step t is that of trace, surrogate and
    error of step t - d; errors of a sample's last d steps come too late and are lost.
    """

    first_layer_trace: bool = True
    readout_trace: bool = False
    bias_trace: bool = True
    surrogate: str = "sigmoid"
    alpha: float = ALPHA
    eta: float = 0.05
    error_delay: int = 0

    def __post_init__(self) -> None:
        Surrogate(self.surrogate, self.alpha)
        if not 0 <= self.eta <= 1:
            raise UsageError(f"eta must be in [0, 1], not {self.eta}")
        if self.error_delay < 0:
            raise UsageError(f"error_delay must be 0 or more steps, not {self.error_delay}")


class OnlinePass:
    r"""One batch through the network, gradients gathered as time goes on.

        u[t], s[t]    forward, see `neurodeploy.training.neurons.LIF`
        a[t] = decay * a[t-1] + h[t]                         trace of layer l's input h, decay of l's neurons
        delta[t] = dL[t]/ds * ds/du                          at the output; ds/du is the surrogate
        delta_l[t] = (W_{l+1}^T delta_{l+1}[t]) * ds/du(u_l[t])      through space, never through time
        dW_l = sum_t delta_l[t] a_l[t]^T,   db_l = sum_t delta_l[t] * trace of 1

    Linear maps between the layers hold for h, a and delta alike. Of a synapse whose input does not change over time,
    delta alone is summed, and times h once at the end. Feedback is a synapse whose input is that of the step before,
    h[t] = f[t-1], traced from t = 1 on; no error goes back to f.
    """

    def __init__(self, network: Network, batch: Batch, options: OTTTOptions) -> None:
        network = masked(network, batch.masks)
        self.network, self.batch, self.options = network, batch, options
        self.forward = Forward(network, batch.x, batch.time_axis)
        self.loss = 0.0
        self._surrogate = Surrogate(options.surrogate, options.alpha)
        self._trained = trained_nodes(network)
        self._decays = {i: trace_decays(network, i, options) for i in network.of(Synapse)}
        self._traces: dict[int, torch.Tensor] = {}
        self._ones = dict.fromkeys(self._decays, (0.0, 0.0))
        self._target: torch.Tensor | None = None
        self._clear()

    def _clear(self) -> None:
        self._weight: dict[int, torch.Tensor] = {}
        self._bias: dict[int, torch.Tensor] = {}
        self._static_delta: dict[int, torch.Tensor] = {}

    def step(self, t: int) -> None:
        """Run time step t and add its share to the gradients."""
        self.forward.step(t)
        output = self.forward.output
        if self._target is None:
            self._target = one_hot(self.batch.labels, output.shape[1], output.dtype)
        loss, delta = step_loss(output, self._target, self.batch.steps, self.options.eta)
        self.loss += float(loss)
        send_back(
            self.network,
            self._trained if t else self._trained - self.forward.late,
            delta,
            self.forward.values,
            self._through_neuron,
            self._gather,
            _refuse_norm,
        )

    def _through_neuron(self, i: int, neuron: LIF, delta: torch.Tensor) -> torch.Tensor:
        return self._surrogate.back(delta, self.forward.potentials[i], neuron.threshold)

    def _gather(self, i: int, synapse: Synapse, delta: torch.Tensor) -> None:
        """Add one layer's share: its delta times the trace of its input."""
        for_weight, for_bias = self._trace_ones(i)
        if synapse.bias is not None:
            share = synapse.bias_gradient(delta).mul_(for_bias)
            self._bias[i] = self._bias[i].add_(share) if i in self._bias else share
        source = self.network.nodes[i].sources[0]
        if source in self.forward.static:
            before = self._static_delta.get(i)
            share = delta * for_weight if before is None else before.add_(delta, alpha=for_weight)
            self._static_delta[i] = share
        else:
            self._add(i, synapse, delta, self._trace_input(i, self.forward.values[source]))

    def _add(self, i: int, synapse: Synapse, delta: torch.Tensor, trace: torch.Tensor) -> None:
        if i in self._weight:
            synapse.add_weight_gradient(self._weight[i], delta, trace)
        else:
            self._weight[i] = synapse.weight_gradient(delta, trace)

    def _trace_input(self, i: int, h: torch.Tensor) -> torch.Tensor:
        decay = self._decays[i][0]
        if decay:
            if i not in self._traces:
                self._traces[i] = h.clone()
            else:
                torch.add(h, self._traces[i], alpha=decay, out=self._traces[i])
            return self._traces[i]
        return h

    def _trace_ones(self, i: int) -> tuple[float, float]:
        """Traces of a constant 1: with the decay of the layer's weights and with that of its bias."""
        (weight_decay, bias_decay), (weight, bias) = self._decays[i], self._ones[i]
        self._ones[i] = (1.0 + weight_decay * weight, 1.0 + bias_decay * bias)
        return self._ones[i]

    def take_gradients(self) -> dict[str, torch.Tensor]:
        """The gradients gathered since the last call, by parameter name; gathering starts anew."""
        for i, delta in self._static_delta.items():
            node = self.network.nodes[i]
            self._add(i, _synapse(self.network, i), delta, self.forward.values[node.sources[0]])
        taken: dict[str, torch.Tensor] = {}
        for i in self.network.of(Synapse):
            taken |= self._parameter_gradients(i, _synapse(self.network, i))
        self._clear()
        return taken

    def _parameter_gradients(self, i: int, synapse: Synapse) -> dict[str, torch.Tensor]:
        """Those of one synapse; zeros where nothing came yet, as of feedback at t = 0."""
        if i in self._weight:
            return synapse.parameter_gradients(self._weight[i], self._bias.get(i))
        bias = None if synapse.bias is None else torch.zeros_like(synapse.bias)
        return synapse.parameter_gradients(torch.zeros_like(synapse.weight), bias)


def _synapse(network: Network, i: int) -> Synapse:
    op = network.nodes[i].op
    if not isinstance(op, Synapse):
        raise TypeError(f"node {i} is no synapse")
    return op


def _refuse_norm(i: int, norm: Norm, delta: torch.Tensor) -> torch.Tensor:
    raise no_norm(norm.name)


def no_norm(name: str) -> UnsupportedError:
    """The error of a batch norm layer of this name."""
    return UnsupportedError(
        f"layer {name!r} is batch norm, which OTTT cannot train: its statistics tie samples together, and "
        "traces do not pass it. Use ScaledWSConv2d and Scale instead, or the rule rate-m, rate-s or bptt"
    )


def trace_decays(network: Network, i: int, options: OTTTOptions) -> tuple[float, float]:
    """Decay of a synapse's input trace and bias trace; 0 is no trace.

    It is that of the first neurons that its current reaches; a linear readout reaches none and has that of
    the neurons before it. What is fed back is no input x, so it is always traced.
    """
    neurons = network.of(LIF)
    after = [j for j in neurons if i in network.below((network.nodes[j].sources[0],), neurons)]
    before = [j for j in neurons if j in network.below(network.nodes[i].sources, neurons)]
    if after:
        decay = _one_decay(network, i, after)
        first = not before and 0 in network.below(network.nodes[i].sources)
        return decay * (options.first_layer_trace or not first), decay * options.bias_trace
    return (_one_decay(network, i, before) if before and options.readout_trace else 0.0), 0.0


def _one_decay(network: Network, i: int, neurons: list[int]) -> float:
    decays = {op.decay for op in (network.nodes[j].op for j in neurons) if isinstance(op, LIF)}
    if len(decays) != 1:
        found = ", ".join(map(str, sorted(decays)))
        raise UnsupportedError(
            f"layer {network.nodes[i].name!r} belongs to neurons of decays {found}; OTTT has one trace for "
            "each layer. Give these neurons the same decay"
        )
    return decays.pop()
