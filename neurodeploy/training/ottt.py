"""Online training through time (OTTT): gradients forward in time, memory independent of the number of steps.

Source: Xiao, Meng, Zhang, He, Lin: Online Training Through Time for Spiking Neural Networks, NeurIPS 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.training.chain import Forward, Layer
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.surrogate import sigmoid_surrogate


@dataclass(frozen=True, slots=True)
class OTTTOptions:
    """Which pre-synaptic activities are traced, and the loss.

    `first_layer_trace`: the input x is traced like spikes are (exact for the first layer's neurons).
    `readout_trace`: a linear readout's input is traced too (its exact gradient takes the bare spikes).
    `bias_trace`: a bias is traced as a synapse from a constant 1 (exact; a linear readout's never is).
    `eta`: share of the squared error in the loss, the rest is cross-entropy.
    """

    first_layer_trace: bool = True
    readout_trace: bool = False
    bias_trace: bool = True
    eta: float = 0.05


PRESETS = {
    "official": OTTTOptions(first_layer_trace=False, readout_trace=True, bias_trace=False),
    "recommended": OTTTOptions(first_layer_trace=True, readout_trace=False, bias_trace=True),
}
"""`official`: the gradients of the authors' code. `recommended`: the nearest to BPTT.

Measured cosine of all gradients to BPTT (Fashion-MNIST, T = 8, static): 784-256-10 .910 official, 1.000
recommended (a single hidden layer is exact); 784-256-256-10 .853 and .975; at decay .9 .430 and .927.
"""


class OnlinePass:
    r"""One batch through the network, gradients gathered as time goes on.

        u[t], s[t]    forward, see `neurodeploy.training.neurons.LIF`
        a[t] = decay * a[t-1] + h[t]                         trace of layer l's input h, decay of l's neurons
        delta[t] = dL[t]/ds * ds/du                          at the output; ds/du is the surrogate
        delta_l[t] = (W_{l+1}^T delta_{l+1}[t]) * ds/du(u_l[t])      through space, never through time
        dW_l = sum_t delta_l[t] a_l[t]^T,   db_l = sum_t delta_l[t] * trace of 1

    With a static input the first layer's sum is over delta alone, times x once at the end. `labels` int64
    `(batch,)`; for x and `time_axis` see `neurodeploy.training.chain.Forward`.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        x: torch.Tensor,
        labels: torch.Tensor,
        steps: int,
        time_axis: bool,
        options: OTTTOptions,
    ) -> None:
        self.forward = Forward(layers, x, time_axis)
        self.layers, self.steps, self.options = layers, steps, options
        self.target = one_hot(labels, len(layers[-1].weight), layers[-1].weight.dtype)
        self.loss = torch.zeros((), dtype=self.target.dtype)
        self._decays = _trace_decays(layers, options)
        self._traces: list[torch.Tensor | None] = [None] * len(layers)
        self._ones = [(0.0, 0.0)] * len(layers)
        self._clear()

    def _clear(self) -> None:
        self._weight = [torch.zeros_like(layer.weight) for layer in self.layers]
        self._bias = [None if layer.bias is None else torch.zeros_like(layer.bias) for layer in self.layers]
        self._static_delta = torch.zeros((), dtype=self.target.dtype)

    def step(self, t: int) -> None:
        """Run time step t and add its share to the gradients."""
        self.forward.step(t)
        loss, delta = step_loss(self.forward.output, self.target, self.steps, self.options.eta)
        self.loss += loss
        for i in reversed(range(len(self.layers))):
            layer, potential = self.layers[i], self.forward.potentials[i]
            if layer.neuron is not None and potential is not None:
                delta = delta.mul_(sigmoid_surrogate(potential, layer.neuron.threshold))
            self._gather(i, delta)
            if i:
                delta = delta @ layer.weight

    def _gather(self, i: int, delta: torch.Tensor) -> None:
        """Add one layer's share: delta `(batch, out)` times the trace of its input."""
        for_weight, for_bias = self._trace_ones(i)
        bias = self._bias[i]
        if bias is not None:
            bias.add_(delta.sum(0), alpha=for_bias)
        if i == 0 and not self.forward.time_axis:
            self._static_delta = torch.add(self._static_delta, delta, alpha=for_weight)
        else:
            self._weight[i].addmm_(delta.t(), self._trace_input(i))

    def _trace_input(self, i: int) -> torch.Tensor:
        h, before, decay = self.forward.inputs[i], self._traces[i], self._decays[i][0]
        if decay:
            self._traces[i] = h = h if before is None else torch.add(h, before, alpha=decay)
        return h

    def _trace_ones(self, i: int) -> tuple[float, float]:
        """Traces of a constant 1: with the decay of the layer's weights and with that of its bias."""
        (weight_decay, bias_decay), (weight, bias) = self._decays[i], self._ones[i]
        self._ones[i] = (1.0 + weight_decay * weight, 1.0 + bias_decay * bias)
        return self._ones[i]

    def take_gradients(self) -> dict[str, torch.Tensor]:
        """The gradients gathered since the last call, by parameter name; gathering starts anew."""
        if not self.forward.time_axis:
            torch.mm(self._static_delta.t(), self.forward.x, out=self._weight[0])
        taken = {}
        for layer, weight, bias in zip(self.layers, self._weight, self._bias, strict=True):
            taken[f"{layer.name}.weight"] = weight
            if bias is not None:
                taken[f"{layer.name}.bias"] = bias
        self._clear()
        return taken


def _trace_decays(layers: tuple[Layer, ...], options: OTTTOptions) -> list[tuple[float, float]]:
    """Decay of each layer's input trace and bias trace; 0 is no trace."""
    decays = []
    for i, layer in enumerate(layers):
        if layer.neuron:
            traced = i > 0 or options.first_layer_trace
            decays.append((layer.neuron.decay * traced, layer.neuron.decay * options.bias_trace))
        else:
            before = layers[i - 1].neuron
            decays.append((before.decay if before and options.readout_trace else 0.0, 0.0))
    return decays
