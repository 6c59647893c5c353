"""The engine as a back end."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from neurodeploy.backend import IntArray, LayerTrace, Learned, Progress, Result, no_progress
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.engine.learn import learn
from neurodeploy.targets.engine.run import Chunk, chunks, execute


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
        start = perf_counter()
        graph, output = network.graph, network.graph.output
        keep = frozenset(network.neurons) if trace else frozenset({output} if network.is_readout else ())
        parts: list[Chunk] = []
        for part in chunks(network, stimulus):
            done = execute(graph, network.registers, stimulus.select(part), keep)
            done.signals = {output: done.signals[output]}
            parts.append(done)
            progress(part.stop, stimulus.samples)
        traces = {name: _join([part.traces[name] for part in parts]) for name in keep}
        return Result(
            self.name,
            np.concatenate([part.signals[output].values for part in parts], axis=1).astype(np.int64),
            traces[output].membrane if network.is_readout else None,
            perf_counter() - start,
            traces if trace else {},
            {name: sum(part.overflows.get(name, 0) for part in parts) for name in network.neurons},
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
