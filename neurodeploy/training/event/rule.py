"""The event-driven rule: a batch forward, gradients of spike times back, one update."""

from __future__ import annotations

import torch

from neurodeploy.training.event.initialize import scale_to_rate
from neurodeploy.training.event.loss import count_loss, readout
from neurodeploy.training.event.options import EventOptions
from neurodeploy.training.event.stages import Passage, run_stages, stages_of
from neurodeploy.training.rule import Batch, Gradients, Outcome, Update

LEARNING_RATES = {"adam": 5e-4, "sgd": 0.05}
"""Of the paper's experiments; adam for Fashion-MNIST, sgd for CIFAR-10."""


class EventLearner:
    """The event-driven rule bound to a network of bias-free layers and SpikeResponse neurons.

    Raises `UnsupportedError` naming the first layer that it cannot train.
    """

    def __init__(self, module: torch.nn.Module, options: EventOptions) -> None:
        self.stages = stages_of(module)
        self.parameters = dict(module.named_parameters())
        self.options = options
        self._dtype: torch.dtype | None = None

    def round_to(self, dtype: torch.dtype) -> None:
        """Multiply numbers of this type in all synapses from now on."""
        self._dtype = dtype

    def prepare(self, batch: Batch) -> None:
        """Scale the first weights to the wanted firing rates."""
        self.options.wanted(batch.steps)
        if self.options.average_spikes:
            scale_to_rate(self.stages, _frames(batch), batch.steps, self.options)

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch and learn from it. The accuracy is that of the unsupervised spikes."""
        found = self.gradients(batch)
        update(found.gradients)
        return Outcome(
            loss=found.loss if self.options.loss == "squares" else found.loss / len(batch.labels),
            correct=int((readout(found.outputs).argmax(1) == batch.labels).sum()),
            firing_rates={name: float(spikes.mean()) for name, spikes in found.spikes.items()},
            spikes=_per_neuron(found.spikes),
        )

    @torch.enable_grad()
    def gradients(self, batch: Batch) -> Gradients:
        """Spikes, loss and gradients; the loss also counts supervised spikes, the spikes do not."""
        labels = batch.labels if self.options.supervise else None
        passage = Passage(batch.steps, self.options, labels, dtype=self._dtype)
        spikes = run_stages(self.stages, _frames(batch), passage)
        loss, by_time = count_loss(spikes.detach(), batch.labels, self.options)
        trained = {name: p for name, p in self.parameters.items() if p.requires_grad}
        found = torch.autograd.grad(spikes, list(trained.values()), by_time)
        by_name = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        by_name |= dict(zip(trained, found, strict=True))
        by_name = batch.add(by_name, mean=self.options.loss == "squares")
        _shorten(by_name, self.options.gradient_norm)
        *_, outputs = passage.spikes.values()
        return Gradients(outputs, float(loss), passage.spikes, by_name)

    @torch.no_grad()
    def votes(self, batch: Batch) -> torch.Tensor:
        """Spike counts `(N, classes)`, early spikes counting slightly more."""
        return readout(run_stages(self.stages, _frames(batch), Passage(batch.steps, self.options)))


def _frames(batch: Batch) -> torch.Tensor:
    """x `(T, N, *shape)`, or `(1, N, *shape)` where static."""
    return batch.x if batch.time_axis else batch.x.unsqueeze(0)


def _per_neuron(spikes: dict[str, torch.Tensor]) -> float:
    """Mean spikes of a neuron in all steps, from `(T, N, *shape)` of each layer."""
    neurons = sum(s[0].numel() for s in spikes.values())
    return float(sum(s.sum() for s in spikes.values())) / max(neurons, 1)


def _shorten(gradients: dict[str, torch.Tensor], limit: float) -> None:
    """Scale all gradients together to the length `limit` where they are longer; 0 is no limit."""
    if not limit:
        return
    length = torch.stack([g.norm() for g in gradients.values()]).norm()
    if length > limit:
        for g in gradients.values():
            g.mul_(limit / length)
