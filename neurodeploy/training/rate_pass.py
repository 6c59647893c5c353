"""One batch of rate-based back-propagation; memory independent of the number of steps.

Source: Yu et al., Advancing Training Efficiency of Deep Spiking Neural Networks through Rate-based
Backpropagation, NeurIPS 2024 (arXiv 2410.11488).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.adjoint import send_back, trained_nodes
from neurodeploy.training.dropout import masked
from neurodeploy.training.eligibility import Eligibility
from neurodeploy.training.forward import Forward
from neurodeploy.training.joint_statistics import joint_statistics
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.maps import MaxPool, Sum
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm, StepNormalizer, rate_gradients
from neurodeploy.training.rule import Batch
from neurodeploy.training.structure import Input, Network, Node, Recalled
from neurodeploy.training.surrogate import ALPHA, Surrogate
from neurodeploy.training.synapses import Synapse
from neurodeploy.training.votes import Tally

GRAD_SCALES = ("1", "1/T")


@dataclass(frozen=True, slots=True)
class RateOptions:
    """The neuron's derivative, the loss and the size of the gradient.

    `grad_scale`: '1' gives the gradient of the loss of the mean output, '1/T' that divided by the number of
    steps, as the authors' code does (with sgd a T times smaller learning rate).
    `detach_reset`: no derivative through the reset. `surrogate`, `alpha`: see
    `neurodeploy.training.surrogate.Surrogate`. `eta`: share of the squared error in the loss.
    """

    grad_scale: str = "1"
    detach_reset: bool = True
    surrogate: str = "sigmoid"
    alpha: float = ALPHA
    eta: float = 0.0

    def __post_init__(self) -> None:
        Surrogate(self.surrogate, self.alpha)
        if self.grad_scale not in GRAD_SCALES:
            raise UsageError(f"no grad_scale {self.grad_scale!r}. There are {', '.join(GRAD_SCALES)}")
        if not 0 <= self.eta <= 1:
            raise UsageError(f"eta must be in [0, 1], not {self.eta}")


@dataclass(frozen=True, slots=True)
class RateSOptions(RateOptions):
    """As `RateOptions`; `last_step` takes what the authors' rate-s takes for the rate pass: the input and the
    batch statistics of the last time step, in place of the means over all steps."""

    last_step: bool = False


class RatePass:
    r"""One batch: a spiking pass that keeps sums over time, then one backward pass on rates.

        rates r = mean_t s[t],   eligibility e = mean_t kappa[t]     see `eligibility.Eligibility`
        o = W_L r_{L-1} + b_L = mean_t o[t],   L = loss(o)
        delta_l = (W_{l+1}^T delta_{l+1}) * e_l,   dW_l = delta_l r_{l-1}^T,   db_l = delta_l

    Nodes behind the last neurons are linear, so they run once, on rates; a `tally` has them run at each step
    too, for their outputs. `joint` batch norm statistics over all steps (rate-m) need a layer's whole input,
    so the steps run once more for each batch norm; otherwise each step has its own (rate-s).
    """

    def __init__(
        self, network: Network, batch: Batch, options: RateOptions, joint: bool, tally: Tally | None = None
    ) -> None:
        network = masked(network, batch.masks)
        self.network, self.batch, self.options = network, batch, options
        self._last_step = isinstance(options, RateSOptions) and options.last_step
        norms, neurons = network.of(Norm), network.of(LIF)
        self.normalizer = (
            joint_statistics(network, batch) if joint else StepNormalizer(batch, self._last_step)
        )
        every = frozenset(range(len(network.nodes)))
        wanted = every if tally else network.below((*neurons, *norms))
        self.forward = Forward(network, batch.x, batch.time_axis, self.normalizer, wanted)
        self._eligibility = {
            i: Eligibility(op, Surrogate(options.surrogate, options.alpha), options.detach_reset)
            for i in neurons
            if isinstance(op := network.nodes[i].op, LIF)
        }
        self._found: dict[str, torch.Tensor] = {}
        self._spike(tally)
        self._values = self._rates(every - (self.forward.static & wanted) | network.above(norms))

    def _spike(self, tally: Tally | None) -> None:
        """The spiking pass: all time steps, nothing kept but sums."""
        for t in range(self.batch.steps):
            self.forward.step(t)
            for i, eligibility in self._eligibility.items():
                eligibility.add(self.forward.potentials[i], self.forward.values[i])
            if tally:
                tally.add(self.forward)

    def _rates(self, changed: frozenset[int]) -> list[torch.Tensor]:
        """Every node's value on mean spikes; where nothing needs it, some value of the same shape.

        Nodes outside `changed` have the value of the spiking pass.
        """
        network, steps = self.network, self.batch.steps
        taking = (*network.of(Synapse), *network.of(Norm), *network.of(MaxPool))
        sources = [network.nodes[i].sources[0] for i in taking]
        needed = network.below((len(network.nodes) - 1, *sources), network.of(LIF))
        values = list(self.forward.values)
        for i, node in enumerate(network.nodes):
            if i in self._eligibility:
                values[i] = self._eligibility[i].spikes / steps
            elif i in needed and i in changed:
                values[i] = self._on_rates(i, node, values)
        return values

    def _on_rates(self, i: int, node: Node, values: list[torch.Tensor]) -> torch.Tensor:
        op = node.op
        if isinstance(op, Input):
            return self.forward.x[-1] if self._last_step else self.forward.x.mean(0)
        h = values[node.sources[0]]
        if isinstance(op, Norm):
            found = self.normalizer.statistics(i)
            return op.apply(h, found.mean, found.inverse)
        if isinstance(op, Sum):
            return h + values[node.sources[1]]
        if isinstance(op, Synapse):
            return op.current(h)
        if isinstance(op, LIF | Recalled):
            raise TypeError(f"node {i} has no value on rates")
        return op.apply(h)

    @property
    def mean_output(self) -> torch.Tensor:
        """Mean of the outputs over time, `(N, classes)`."""
        return self._values[-1]

    def firing_rates(self) -> dict[str, float]:
        """Mean spikes per neuron and step by neuron layer."""
        return {self.network.nodes[i].name: float(self._values[i].mean()) for i in self._eligibility}

    def spikes_per_neuron(self) -> float:
        """Mean spikes of a neuron in all steps."""
        rates = [self._values[i] for i in self._eligibility]
        neurons = sum(rate.numel() for rate in rates)
        return float(sum(rate.sum() for rate in rates)) / max(neurons, 1) * self.batch.steps

    def backward(self) -> tuple[float, dict[str, torch.Tensor]]:
        """Loss, and its gradients by parameter name."""
        output = self.mean_output
        target = one_hot(self.batch.labels, output.shape[1], output.dtype)
        loss, delta = step_loss(output, target, 1, self.options.eta)
        if self.options.grad_scale == "1/T":
            delta /= self.batch.steps
        trained = trained_nodes(self.network)
        send_back(
            self.network, trained, delta, self._values, self._through_neuron, self._gather, self._through_norm
        )
        return float(loss), self._found

    def _through_neuron(self, i: int, neuron: LIF, delta: torch.Tensor) -> torch.Tensor:
        return torch.mul(delta, self._eligibility[i].kappa).div_(self.batch.steps)

    def _gather(self, i: int, synapse: Synapse, delta: torch.Tensor) -> None:
        h = self._values[self.network.nodes[i].sources[0]]
        bias = None if synapse.bias is None else synapse.bias_gradient(delta)
        self._found |= synapse.parameter_gradients(synapse.weight_gradient(delta, h), bias)

    def _through_norm(self, i: int, norm: Norm, delta: torch.Tensor) -> torch.Tensor:
        c = self._values[self.network.nodes[i].sources[0]]
        back, found = rate_gradients(norm, c, delta, self.normalizer.statistics(i), self.batch)
        self._found |= found
        return back
