"""On-chip learning of a deployed network: present, learn, evaluate, record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, Learned, LearningBackend, Progress, get_backend, no_progress
from neurodeploy.errors import BackendMissing, MismatchError, UnsupportedError
from neurodeploy.ir import IntDense
from neurodeploy.learning.layer import learning_layer, require_labels
from neurodeploy.learning.rule import default_rule
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.passes import layer_ranges
from neurodeploy.semantics import ThreeFactorRule

CURVE_POINTS = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Data on which the network is judged before, while and after it learns; they are not learned from."""

    stimulus: Stimulus
    labels: IntArray


@dataclass(frozen=True, slots=True)
class LearningOutcome:
    """The network with its learned weights, and the record that is stored in it."""

    network: Network
    record: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values."""
        return dict(self.record)


def learn(
    network: Network,
    stimulus: Stimulus,
    labels: npt.ArrayLike,
    *,
    rule: ThreeFactorRule | None = None,
    backend: str = "engine",
    verify_on: str | None = None,
    evaluation: Evaluation | None = None,
    source: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> LearningOutcome:
    """Let the last layer learn from `stimulus`, one sample at a time, on a back end.

    `labels` `(N,)` are classes. The curve evaluates ten snapshots of the weights in the engine. `source` is
    recorded as it is. With `verify_on`, another back end learns the same and every snapshot of the weights must
    be equal. The network given stays as it is.

    Raises `MismatchError` where the weights differ, `InputError` for labels out of range, `UnsupportedError` for
    a network or back end that cannot learn, `BackendMissing` for one that is not installed.
    """
    found = [_learner(name) for name in (backend, verify_on) if name is not None]
    rule = rule or default_rule(network)
    targets = require_labels(network, stimulus, np.asarray(labels))
    points = tuple(
        sorted({round(i * stimulus.samples / CURVE_POINTS) for i in range(1, CURVE_POINTS + 1)} - {0})
    )
    runs = [b.learn(network, rule, stimulus, targets, snapshot_at=points, progress=progress) for b in found]
    done = runs[0]
    if verify_on is not None:
        _require_equal(backend, done, verify_on, runs[1])
    weights = {0: network.graph.of(IntDense)[learning_layer(network).synapses].weight_q, **done.snapshots}
    curve = [
        {"samples": n, "accuracy": _accuracy(with_weights(network, w), evaluation)}
        for n, w in weights.items()
    ]
    record = {
        "rule": rule.to_dict(),
        "layer": learning_layer(network).synapses,
        "backend": backend,
        "verified_on": verify_on,
        "seed": rule.seed,
        "samples": stimulus.samples,
        "changed": done.changed,
        "prequential_accuracy": float((done.prediction == targets).mean()),
        "accuracy_before": curve[0]["accuracy"],
        "accuracy_after": curve[-1]["accuracy"],
        "curve": curve if evaluation is not None else [],
        **(source or {}),
    }
    return LearningOutcome(_learned(network, done.weight_q, record), record)


def _learner(name: str) -> LearningBackend:
    backend = get_backend(name)
    if not isinstance(backend, LearningBackend):
        raise UnsupportedError(f"back end '{name}' cannot learn; engine and lava can")
    if (missing := backend.missing()) is not None:
        raise BackendMissing(missing)
    return backend


def _require_equal(name: str, one: Learned, other_name: str, other: Learned) -> None:
    for samples, weight_q in one.snapshots.items():
        different = weight_q != other.snapshots[samples]
        if different.any():
            post, pre = (int(i) for i in np.argwhere(different)[0])
            raise MismatchError(
                f"after {samples} samples {int(different.sum())} of {different.size} weights differ, first that of "
                f"neuron {post} from input {pre}: {name} {weight_q[post, pre]}, "
                f"{other_name} {other.snapshots[samples][post, pre]}"
            )
    if not np.array_equal(one.prediction, other.prediction):
        sample = int(np.argmax(one.prediction != other.prediction))
        raise MismatchError(
            f"sample {sample}: {name} predicts {one.prediction[sample]}, {other_name} {other.prediction[sample]}"
        )


def with_weights(network: Network, weight_q: npt.NDArray[np.int8]) -> Network:
    """The network with other weights in its learning layer."""
    name = learning_layer(network).synapses
    synapses = network.graph.of(IntDense)[name]
    return replace(network, graph=network.graph.replaced({name: replace(synapses, weight_q=weight_q)}))


def _learned(network: Network, weight_q: npt.NDArray[np.int8], record: Mapping[str, Any]) -> Network:
    """New weights, notes on what they changed, and the record."""
    learned = with_weights(network, weight_q)
    layer = learning_layer(network)
    found = {r.layer: r for r in layer_ranges(learned.graph, network.registers, network.steps)}[layer.neurons]
    state = "cannot overflow" if found.proven else "may overflow; counted at run time"
    notes = (
        Note(layer.synapses, f"learned on {record['backend']} from {record['samples']} samples"),
        Note(layer.neurons, f"after learning: |v| <= {found.v}, limit {found.v_limit}: {state}"),
    )
    return replace(learned, notes=(*network.notes, *notes), learning=record)


def _accuracy(network: Network, evaluation: Evaluation | None) -> float | None:
    if evaluation is None:
        return None
    prediction = get_backend("engine").run(network, evaluation.stimulus).prediction
    return float((prediction == evaluation.labels).mean())
