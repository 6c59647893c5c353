"""The rules OTTT-A and OTTT-O: online training through time.

Source: Xiao, Meng, Zhang, He, Lin: Online Training Through Time for Spiking Neural Networks, NeurIPS 2022.
"""

from __future__ import annotations

from collections import deque

import torch

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.training.maps import MaxPool
from neurodeploy.training.normalization import Norm
from neurodeploy.training.online import OnlinePass, OTTTOptions, no_norm, trace_decays
from neurodeploy.training.precision import rounded
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch, Gradients, Outcome, Update
from neurodeploy.training.synapses import Synapse
from neurodeploy.training.votes import Tally, count_votes

PRESETS = {
    "official": OTTTOptions(first_layer_trace=False, readout_trace=True, bias_trace=False),
    "recommended": OTTTOptions(first_layer_trace=True, readout_trace=False, bias_trace=True),
}
"""`official`: the gradients of the authors' code. `recommended`: the nearest to BPTT.

Measured cosine of all gradients to BPTT (Fashion-MNIST, T = 8, static): 784-256-10 .910 official, 1.000
recommended (a single hidden layer is exact); 784-256-256-10 .853 and .975; at decay .9 .430 and .927.
"""


class OTTTLearner:
    """OTTT-A: one update per batch with the gradients of all steps."""

    def __init__(self, module: torch.nn.Module, options: OTTTOptions) -> None:
        self.network, self.options = network_of(module), options
        for i in self.network.of(Norm):
            raise no_norm(self.network.nodes[i].name)
        for i in self.network.of(MaxPool):
            raise UnsupportedError(
                f"layer {self.network.nodes[i].name!r} is MaxPool2d, which OTTT cannot train: the maximum is not "
                "linear, so traces do not pass it. Use AvgPool2d, or the rule bptt"
            )
        for i in self.network.of(Synapse):
            trace_decays(self.network, i, options)

    def round_to(self, dtype: torch.dtype) -> None:
        """Multiply numbers of this type in all synapses from now on."""
        self.network = rounded(self.network, dtype)

    def prepare(self, batch: Batch) -> None:
        """Nothing to prepare."""

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch and learn from it."""
        tally = Tally(batch)
        loss, found = self._run(batch, tally)
        update(found)
        return tally.outcome(loss)

    def gradients(self, batch: Batch) -> Gradients:
        """The gradients of all steps, added; OTTT-O gives the same where nothing is updated."""
        tally = Tally(batch, keep=True)
        return tally.gradients(*self._run(batch, tally))

    def _run(self, batch: Batch, tally: Tally) -> tuple[float, dict[str, torch.Tensor]]:
        """Loss and gradients of all steps."""
        useful, run = self._useful_steps(batch), OnlinePass(self.network, batch, self.options)
        found: dict[str, torch.Tensor] = {}
        for t in range(batch.steps):
            run.step(t)
            tally.add(run.forward)
            if t == useful - 1:
                found = run.take_gradients()
        return run.loss, found

    def votes(self, batch: Batch) -> torch.Tensor:
        """The outputs added over time."""
        return count_votes(self.network, batch)

    def _useful_steps(self, batch: Batch) -> int:
        """Steps whose error arrives before the sample ends."""
        if self.options.error_delay >= batch.steps:
            raise UsageError(
                f"error_delay {self.options.error_delay} with {batch.steps} time steps: no error arrives in "
                f"time. It must be at most {batch.steps - 1}"
            )
        return batch.steps - self.options.error_delay


class OnlineOTTTLearner(OTTTLearner):
    """OTTT-O: one update at every step.

    Membrane potentials and traces are kept across updates; later steps use the new weights.
    """

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch and learn from it at every step."""
        run, tally = OnlinePass(self.network, batch, self.options), Tally(batch)
        self._useful_steps(batch)
        on_the_way: deque[dict[str, torch.Tensor]] = deque()
        for t in range(batch.steps):
            run.step(t)
            tally.add(run.forward)
            on_the_way.append(run.take_gradients())
            if len(on_the_way) > self.options.error_delay:
                update(on_the_way.popleft())
                run.forward.weights_changed()
        return tally.outcome(run.loss)
