"""What an epoch has shown so far."""

from __future__ import annotations

import msgspec

from neurodeploy.training.parallel import Peers
from neurodeploy.training.rule import Outcome


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sums over samples: losses, right predictions, spikes per neuron, and firing rates by layer."""

    samples: int = 0
    loss: float = 0.0
    correct: int = 0
    spikes: float = 0.0
    firing_rates: dict[str, float] = {}

    def plus(self, outcome: Outcome, samples: int) -> Totals:
        """With one batch more."""
        rates = {
            name: self.firing_rates.get(name, 0.0) + rate * samples
            for name, rate in outcome.firing_rates.items()
        }
        return Totals(
            self.samples + samples,
            self.loss + outcome.loss * samples,
            self.correct + outcome.correct,
            self.spikes + outcome.spikes * samples,
            rates,
        )

    def mean(self, total: float) -> float:
        """A sum by the number of samples; 0 of none."""
        return total / max(self.samples, 1)


def joint(outcome: Outcome, samples: int, stop: bool, peers: Peers) -> tuple[Outcome, int, bool]:
    """The outcome of the joint batch, its number of samples, and whether any process is asked to stop.

    `outcome` is that of this process's `samples`; of a sample that only fills an empty share, 0.
    """
    if peers.size == 1:
        return outcome, samples, stop
    names = list(outcome.firing_rates)
    means = [outcome.loss, outcome.spikes, *(outcome.firing_rates[name] for name in names)]
    own = [mean * samples if samples else 0.0 for mean in means]
    count, correct, asked, *sums = peers.add_numbers(
        [float(samples), float(outcome.correct if samples else 0), float(stop), *own]
    )
    loss, spikes, *rates = (value / count for value in sums)
    made = Outcome(loss, round(correct), dict(zip(names, rates, strict=True)), spikes)
    return made, round(count), asked > 0
