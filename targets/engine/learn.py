"""Learning of the last layer in the engine: fixed layers run batched, the learning layer sample by sample."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from neurodeploy.backend import IntArray, Learned, Progress, no_progress, require_stimulus
from neurodeploy.ir import IntDense, IntLIF
from neurodeploy.learning.layer import learning_layer, require_labels
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Registers, State, ThreeFactorRule, learning, shift, step
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.run import batches


class LearningLayer:
    """The learning synapses and their neurons, one sample at a time; the equations are in `semantics.learning`."""

    def __init__(self, dense: IntDense, neurons: IntLIF, registers: Registers, rule: ThreeFactorRule) -> None:
        self.weight = dense.weight_q.astype(np.int64)
        self.changed = 0
        self._exponent, self._neurons, self._registers, self._rule = dense.exponent, neurons, registers, rule
        self._updates = 0

    def present(self, spikes: IntArray, label: int) -> int:
        """Run one sample, `spikes` `(T, in)`, learn from it, and return the class that was predicted."""
        rule, op = self._rule, self._neurons
        state = State.start(op)
        trace = np.zeros(spikes.shape[1], np.int64)
        accumulator = np.zeros_like(self.weight)
        score = np.zeros(op.shape, np.int64)
        for before in spikes:
            done = step(op, self._registers, state, shift(self.weight @ before, self._exponent))
            state = done.state
            score = state.v if op.reset == "none" else score + done.spikes
            trace = learning.pre_trace(rule, trace, before)
            error = learning.modulated_error(rule, op, done.spikes, done.potential, label)
            accumulator = learning.accumulate(accumulator, error, trace)
            if rule.update == "step":
                self._update(accumulator)
                accumulator = np.zeros_like(self.weight)
        if rule.update == "sample":
            self._update(accumulator)
        return int(np.argmax(score))

    def _update(self, accumulator: IntArray) -> None:
        weight = learning.updated(self._rule, self.weight, accumulator, self._updates)
        self.changed += int(np.count_nonzero(weight != self.weight))
        self.weight = weight
        self._updates += 1


def learn(
    network: Network,
    rule: ThreeFactorRule,
    stimulus: Stimulus,
    labels: IntArray,
    snapshot_at: tuple[int, ...] = (),
    progress: Progress = no_progress,
) -> Learned:
    """See `neurodeploy.backend.LearningBackend.learn`."""
    names = learning_layer(network)
    require_stimulus(network, stimulus)
    labels = require_labels(network, stimulus, labels)
    layer = LearningLayer(
        network.graph.of(IntDense)[names.synapses], network.neurons[names.neurons], network.registers, rule
    )
    start = perf_counter()
    predictions, snapshots = [], {}
    machine = Machine(network, stimulus.steps, frozenset({names.source}))
    for part, batch in batches(network, machine, stimulus):
        spikes = batch.values(names.source)
        for i, label in enumerate(labels[part]):
            predictions.append(layer.present(spikes[:, i], int(label)))
            count = len(predictions)
            if count in snapshot_at:
                snapshots[count] = layer.weight.astype(np.int8)
            progress(count, stimulus.samples)
    return Learned(
        layer.weight.astype(np.int8),
        np.array(predictions, np.int64),
        layer.changed,
        perf_counter() - start,
        snapshots,
    )
