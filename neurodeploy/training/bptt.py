"""Back-propagation through time with surrogate derivatives: the exact method that the others approximate.

Source: Neftci, Mostafa, Zenke: Surrogate Gradient Learning in Spiking Neural Networks, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.dropout import masked
from neurodeploy.training.forward import Forward
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm, StepNormalizer
from neurodeploy.training.precision import rounded
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch, Gradients, Outcome, Update
from neurodeploy.training.structure import Network
from neurodeploy.training.surrogate import ALPHA, Surrogate
from neurodeploy.training.synapses import Synapse
from neurodeploy.training.votes import Tally, count_votes

LOSSES = ("step", "mean")


@dataclass(frozen=True, slots=True)
class BPTTOptions:
    """The reset, the surrogate and the loss.

    `detach_reset`: no derivative through the reset. `surrogate`, `alpha`: see
    `neurodeploy.training.surrogate.Surrogate`. `loss`: 'step', the mean of the losses of all steps' outputs,
    or 'mean', the loss of the mean output. `eta`: share of the squared error in it.
    """

    detach_reset: bool = True
    surrogate: str = "sigmoid"
    alpha: float = ALPHA
    loss: str = "step"
    eta: float = 0.05

    def __post_init__(self) -> None:
        Surrogate(self.surrogate, self.alpha)
        if self.loss not in LOSSES:
            raise UsageError(f"no loss {self.loss!r}. There are {', '.join(LOSSES)}")
        if not 0 <= self.eta <= 1:
            raise UsageError(f"eta must be in [0, 1], not {self.eta}")


PRESETS = {"recommended": BPTTOptions()}


class _Spike(torch.autograd.Function):
    """s = u >= threshold forward, the surrogate's slope backward."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor, neuron: LIF, surrogate: Surrogate) -> torch.Tensor:
        ctx.save_for_backward(u)
        ctx.neuron, ctx.surrogate = neuron, surrogate
        return neuron.spikes(u)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (u,) = ctx.saved_tensors
        slope: torch.Tensor = ctx.surrogate.slope(u, ctx.neuron.threshold)
        return slope.mul_(gradients[0]), None, None


class DifferentiableForward(Forward):
    """A forward pass that autograd can go back through; it holds all steps until it has."""

    def __init__(self, network: Network, batch: Batch, options: BPTTOptions) -> None:
        self.statistics = StepNormalizer(batch)
        super().__init__(masked(network, batch.masks), batch.x, batch.time_axis, self.statistics)
        self._surrogate = Surrogate(options.surrogate, options.alpha)
        self._detach = options.detach_reset
        self._kept: dict[int, torch.Tensor] = {}

    def _fire(self, i: int, neuron: LIF, current: torch.Tensor) -> torch.Tensor:
        u = neuron.potential(current, self._kept.get(i))
        s: torch.Tensor = _Spike.apply(u, neuron, self._surrogate)  # type: ignore[no-untyped-call]
        self.potentials[i] = u
        self._kept[i] = neuron.after_spike(u, s.detach() if self._detach else s)
        return s


class BPTTLearner:
    """One update per batch with the gradient of the whole sequence."""

    def __init__(self, module: torch.nn.Module, options: BPTTOptions) -> None:
        self.network, self.options = network_of(module), options
        layers = {n.name for n in self.network.nodes if isinstance(n.op, Synapse | Norm)}
        self._parameters = {
            name: p for name, p in module.named_parameters() if name.rpartition(".")[0] in layers
        }

    def round_to(self, dtype: torch.dtype) -> None:
        """Multiply numbers of this type in all synapses from now on."""
        self.network = rounded(self.network, dtype)

    def prepare(self, batch: Batch) -> None:
        """Nothing to prepare."""

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch, learn from it, and move the running statistics of batch norm."""
        tally = Tally(batch)
        loss, found, statistics = self._run(batch, tally)
        update(found)
        statistics.track(batch.steps)
        return tally.outcome(loss)

    def gradients(self, batch: Batch) -> Gradients:
        """The gradients of the whole sequence."""
        tally = Tally(batch, keep=True)
        loss, found, _ = self._run(batch, tally)
        return tally.gradients(loss, found)

    def votes(self, batch: Batch) -> torch.Tensor:
        """The outputs of inference, added over time."""
        return count_votes(self.network, batch)

    def _run(self, batch: Batch, tally: Tally) -> tuple[float, dict[str, torch.Tensor], StepNormalizer]:
        with torch.enable_grad():
            forward = DifferentiableForward(self.network, batch, self.options)
            outputs = []
            for t in range(batch.steps):
                forward.step(t)
                tally.add(forward)
                outputs.append(forward.output)
            loss = self._loss(torch.stack(outputs), batch.labels)
            names, parameters = list(self._parameters), list(self._parameters.values())
            found = torch.autograd.grad(loss, parameters, materialize_grads=True)
        return float(loss.detach()), dict(zip(names, found, strict=True)), forward.statistics

    def _loss(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of outputs `(T, N, classes)`; in it the steps count as further samples."""
        target = one_hot(labels, outputs.shape[2], outputs.dtype)
        if self.options.loss == "mean":
            return step_loss(outputs.mean(0), target, 1, self.options.eta)[0]
        return step_loss(outputs.flatten(0, 1), target.repeat(len(outputs), 1), 1, self.options.eta)[0]
