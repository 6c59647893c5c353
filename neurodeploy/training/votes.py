"""What a batch showed while it ran: votes for the classes, spikes, and outputs where they are asked for."""

from __future__ import annotations

import torch

from neurodeploy.training.forward import Forward
from neurodeploy.training.rule import Batch, Gradients, Outcome
from neurodeploy.training.structure import Network


class Tally:
    """Counts of a spiking pass, step by step; `keep` holds each step's outputs and spikes as well."""

    def __init__(self, batch: Batch, keep: bool = False) -> None:
        self.batch, self.keep = batch, keep
        self._votes: torch.Tensor | None = None
        self._rates: dict[str, torch.Tensor] = {}
        self._neurons: dict[str, int] = {}
        self._outputs: list[torch.Tensor] = []
        self._spikes: list[dict[str, torch.Tensor]] = []

    def add(self, forward: Forward) -> None:
        """Count the step that `forward` has just done."""
        output, spikes = forward.output.detach(), forward.spikes()
        self._votes = output.clone() if self._votes is None else self._votes.add_(output)
        for name, s in spikes.items():
            mean = s.detach().mean()
            self._neurons[name] = s[0].numel()
            self._rates[name] = self._rates[name] + mean if name in self._rates else mean
        if self.keep:
            self._outputs.append(output.clone())
            self._spikes.append({name: s.detach().clone() for name, s in spikes.items()})

    def outcome(self, loss: float) -> Outcome:
        """The counts so far."""
        rates = {name: float(total) / self.batch.steps for name, total in self._rates.items()}
        spikes = sum(float(total) * self._neurons[name] for name, total in self._rates.items())
        per_neuron = spikes / max(sum(self._neurons.values()), 1)
        return Outcome(loss, correct_of(self.votes(), self.batch.labels), rates, per_neuron)

    def votes(self) -> torch.Tensor:
        """Outputs added over time, `(N, classes)`."""
        if self._votes is None:
            raise RuntimeError("no time step has been run")
        return self._votes

    def gradients(self, loss: float, found: dict[str, torch.Tensor]) -> Gradients:
        """All that was kept, with these gradients."""
        by_layer = {name: torch.stack([step[name] for step in self._spikes]) for name in self._rates}
        return Gradients(torch.stack(self._outputs), loss, by_layer, found)


def correct_of(votes: torch.Tensor, labels: torch.Tensor) -> int:
    """Number of samples whose label has the most votes."""
    return int((votes.argmax(1) == labels).sum())


@torch.no_grad()
def count_votes(network: Network, batch: Batch) -> torch.Tensor:
    """Outputs of inference added over time, `(N, classes)`; batch norm takes its running statistics."""
    forward = Forward(network, batch.x, batch.time_axis)
    forward.step(0)
    votes = forward.output.clone()
    for t in range(1, batch.steps):
        forward.step(t)
        votes += forward.output
    return votes
