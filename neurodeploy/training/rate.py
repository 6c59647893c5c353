"""The rules rate-m and rate-s: back-propagation on firing rates.

Source: Yu et al., Advancing Training Efficiency of Deep Spiking Neural Networks through Rate-based
Backpropagation, NeurIPS 2024 (arXiv 2410.11488).
"""

from __future__ import annotations

import warnings

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.precision import rounded
from neurodeploy.training.rate_pass import RateOptions, RatePass, RateSOptions
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch, Gradients, Outcome, Update
from neurodeploy.training.structure import Recalled
from neurodeploy.training.votes import Tally, correct_of, count_votes

PRESETS_M = {"official": RateOptions(grad_scale="1/T"), "recommended": RateOptions()}
PRESETS_S = {"official": RateSOptions(grad_scale="1/T", last_step=True), "recommended": RateSOptions()}
"""`official`: the gradients of the authors' code. `recommended`: T times as large, means over all steps."""

STEADY = 0.5
"""Least share of a time-varying input's energy that its mean should hold."""


class RateLearner:
    """rate-s: the statistics of batch norm are those of each time step. Without batch norm as rate-m."""

    joint = False

    def __init__(self, module: torch.nn.Module, options: RateOptions) -> None:
        self.network, self.options = network_of(module), options
        for i in self.network.of(Recalled):
            raise UnsupportedError(
                f"layer {self.network.nodes[i].name!r} feeds spikes back, which the rate rules cannot train: their "
                "backward pass on rates has no time steps. Use the rule ottt-a, ottt-o or bptt"
            )
        self._checked = False

    def round_to(self, dtype: torch.dtype) -> None:
        """Multiply numbers of this type in all synapses from now on."""
        self.network = rounded(self.network, dtype)

    def prepare(self, batch: Batch) -> None:
        """Nothing to prepare."""

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch, learn from it, and move the running statistics of batch norm."""
        self._check_steady(batch)
        run = RatePass(self.network, batch, self.options, self.joint)
        loss, found = run.backward()
        update(found)
        run.normalizer.track(batch.steps)
        correct = correct_of(run.mean_output, batch.labels)
        return Outcome(loss, correct, run.firing_rates(), run.spikes_per_neuron())

    def gradients(self, batch: Batch) -> Gradients:
        """The gradients of the loss of the mean output."""
        self._check_steady(batch)
        tally = Tally(batch, keep=True)
        run = RatePass(self.network, batch, self.options, self.joint, tally)
        return tally.gradients(*run.backward())

    def votes(self, batch: Batch) -> torch.Tensor:
        """The outputs of inference, added over time."""
        return count_votes(self.network, batch)

    def _check_steady(self, batch: Batch) -> None:
        """Warn once where the first batch changes strongly over time."""
        if batch.time_axis and not self._checked:
            energy = float(batch.x.square().mean())
            share = float(batch.x.mean(0).square().mean()) / energy if energy else 1.0
            if share < STEADY:
                warnings.warn(
                    f"the input changes over time: its mean holds {share:.0%} of its energy (steady: "
                    f"{STEADY:.0%} or more). The rate rules learn from the mean alone, so the first layers' "
                    "gradients may point elsewhere (cosine to BPTT from 0.42). Try the rule ottt-a",
                    stacklevel=4,
                )
        self._checked = True


class JointRateLearner(RateLearner):
    """rate-m: the statistics of batch norm are those of all time steps together."""

    joint = True
