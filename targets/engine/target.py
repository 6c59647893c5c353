"""The engine as a back end."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from neurodeploy.backend import (
    IntArray,
    LayerTrace,
    Learned,
    Progress,
    Result,
    no_progress,
    require_stimulus,
)
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.engine.learn import learn
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.run import batches


class Engine:
    """Our own batched integer engine: numpy alone, exact, bounded memory."""

    name = "engine"
    summary = "our own batched integer engine (numpy); the reference"

    def missing(self) -> str | None:
        """Always usable."""
        return None

    def run(
        self, network: Network, stimulus: Stimulus, *, trace: bool = False, progress: Progress = no_progress
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`."""
        require_stimulus(network, stimulus)
        start = perf_counter()
        output, traced = network.graph.output, tuple(network.neurons) if trace else ()
        machine = Machine(network, stimulus.steps, frozenset({output}), frozenset(traced))
        values: list[IntArray] = []
        traces: dict[str, list[LayerTrace]] = {name: [] for name in traced}
        overflows = dict.fromkeys(network.neurons, 0)
        for part, batch in batches(network, machine, stimulus):
            values.append(batch.values(output))
            for name, found in traces.items():
                found.append(batch.trace(name))
            for name, count in batch.overflows.items():
                overflows[name] += count
            progress(part.stop, stimulus.samples)
        whole = np.concatenate(values, axis=1)
        return Result(
            self.name,
            np.zeros_like(whole) if network.is_readout else whole,
            whole if network.is_readout else None,
            perf_counter() - start,
            {name: _join(found) for name, found in traces.items()},
            overflows,
        )

    def learn(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        *,
        snapshot_at: tuple[int, ...] = (),
        progress: Progress = no_progress,
    ) -> Learned:
        """See `neurodeploy.backend.LearningBackend.learn`."""
        return learn(network, rule, stimulus, labels, snapshot_at, progress)


def _join(traces: list[LayerTrace]) -> LayerTrace:
    return LayerTrace(
        np.concatenate([trace.spikes for trace in traces], axis=1),
        np.concatenate([trace.membrane for trace in traces], axis=1),
    )


ENGINE = Engine()
