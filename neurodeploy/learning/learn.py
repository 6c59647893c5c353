"""On-chip learning of a deployed network: present, learn, evaluate, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, Learned, LearningBackend, Progress, get_backend, no_progress
from neurodeploy.errors import BackendMissing, MismatchError, UnsupportedError, UsageError
from neurodeploy.ir import IntSynapses
from neurodeploy.learning.groups import learning_paths
from neurodeploy.learning.health import advice
from neurodeploy.learning.journal import Journal, combined
from neurodeploy.learning.labels import require_labels
from neurodeploy.learning.rule import default_rule
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.passes import layer_ranges
from neurodeploy.semantics import ThreeFactorRule

CURVE_POINTS = 10
OnPoint = Callable[[Mapping[str, Any]], None]


def no_point(point: Mapping[str, Any]) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Data on which the network is judged before, while and after it learns; they are not learned from."""

    stimulus: Stimulus
    labels: IntArray


@dataclass(frozen=True, slots=True)
class LearningOutcome:
    """The network with its learned weights, and the record that is stored in it.

    `advice` says what went wrong in learning, if anything: rates that change nothing or too much, saturated numbers.
    """

    network: Network
    record: Mapping[str, Any]
    advice: tuple[Note, ...] = ()

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
    evaluate_every: int | None = None,
    journal: Journal | None = None,
    source: Mapping[str, Any] | None = None,
    on_point: OnPoint = no_point,
    progress: Progress = no_progress,
) -> LearningOutcome:
    """Let synapses learn from `stimulus`, one sample at a time, on a back end.

    `labels` `(N,)` are classes; `rule` says which synapses learn and how (`default_rule`). The curve evaluates the
    weights in the engine after every `evaluate_every` samples (ten times by default) and after the last; `on_point`
    is told each point of it. `source` is recorded as it is. With `verify_on`, another back end learns the same, and
    the weights at every point must be equal; it learns everything, also what a journal holds already. A `journal`
    keeps the state at every point; learning goes on from it where it holds one. The network given stays as it is.

    Raises `MismatchError` where the weights differ, `InputError` for labels out of range or a journal of other
    learning, `UnsupportedError` for a network or back end that cannot learn, `BackendMissing` for one that is not
    installed, `UsageError` for options that make no sense.
    """
    found = [_learner(name) for name in (backend, verify_on) if name is not None]
    rule = rule or default_rule(network, samples=stimulus.samples)
    learning_paths(network, tuple(rule.synapses))
    targets = require_labels(network, stimulus, np.asarray(labels))
    points = _points(stimulus.samples, evaluate_every)
    judged = None if evaluation is None else (evaluation.stimulus, evaluation.labels)
    earlier = journal.earlier(network, rule, stimulus, targets, judged) if journal is not None else None
    kept: dict[int, Learned] = {}
    if earlier is None:
        first = 0
        curve: list[Mapping[str, Any]] = [{"samples": 0, "accuracy": _accuracy(network, evaluation)}]
    else:
        first = len(earlier.learned.prediction)
        curve = list(earlier.curve)
        kept[first] = earlier.learned

    def keep(samples: int, learned: Learned) -> None:
        whole = combined(earlier, learned)
        kept[first + samples] = whole
        accuracy = _accuracy(with_weights(network, whole.state.weights), evaluation)
        curve.append({"samples": first + samples, "accuracy": accuracy})
        on_point({**curve[-1], "changed": whole.changed, "updates": whole.state.updates})
        if journal is not None:
            journal.keep(whole, curve)

    remaining = stimulus.select(slice(first, None))
    done = None if earlier is None else earlier.learned
    if remaining.samples:
        run = found[0].learn(
            network,
            rule,
            remaining,
            targets[first:],
            start=None if earlier is None else earlier.learned.state,
            snapshot_at=tuple(n - first for n in points if n > first),
            on_snapshot=keep,
            progress=progress,
        )
        done = combined(earlier, run)
    if done is None:
        raise UsageError("there are 0 samples to learn from; at least 1 is needed")
    if verify_on is not None:
        _verify(network, rule, stimulus, targets, found, kept)
    record = {
        "rule": rule.to_dict(),
        "layers": list(rule.synapses),
        "backend": backend,
        "verified_on": verify_on,
        "seed": rule.seed,
        "samples": stimulus.samples,
        "changed": done.changed,
        "prequential_accuracy": float((done.prediction == targets).mean()),
        "accuracy_before": curve[0]["accuracy"],
        "accuracy_after": curve[-1]["accuracy"],
        "statistics": {name: asdict(one) for name, one in (done.statistics or {}).items()},
        "curve": curve if evaluation is not None else [],
        **(source or {}),
    }
    notes = advice(network, rule, done)
    return LearningOutcome(_learned(network, done, record, notes), record, notes)


def _points(samples: int, every: int | None) -> tuple[int, ...]:
    if every is not None and every < 1:
        raise UsageError(f"evaluate_every must be 1 or more samples, not {every}")
    if every is not None:
        return tuple(sorted({*range(every, samples + 1, every), samples}))
    return tuple(sorted({round(i * samples / CURVE_POINTS) for i in range(1, CURVE_POINTS + 1)} - {0}))


def _learner(name: str) -> LearningBackend:
    backend = get_backend(name)
    if not isinstance(backend, LearningBackend):
        raise UnsupportedError(f"back end '{name}' cannot learn; engine and lava can")
    if (missing := backend.missing()) is not None:
        raise BackendMissing(missing)
    return backend


def _verify(
    network: Network,
    rule: ThreeFactorRule,
    stimulus: Stimulus,
    labels: IntArray,
    backends: list[LearningBackend],
    kept: Mapping[int, Learned],
) -> None:
    """Learn the same on the second back end, from the first sample on; at every point both must be equal."""
    one, other = backends

    def compare(samples: int, learned: Learned) -> None:
        _require_equal(one.name, kept[samples], other.name, learned)

    other.learn(network, rule, stimulus, labels, snapshot_at=tuple(kept), on_snapshot=compare)


def _require_equal(name: str, one: Learned, other_name: str, other: Learned) -> None:
    samples = len(one.prediction)
    for layer, weight_q in one.state.weights.items():
        different = weight_q != other.state.weights[layer]
        if different.any():
            place = tuple(int(i) for i in np.argwhere(different)[0])
            raise MismatchError(
                f"after {samples} samples {int(different.sum())} of {different.size} weights of layer '{layer}' "
                f"differ, first that at {list(place)}: {name} {weight_q[place]}, "
                f"{other_name} {other.state.weights[layer][place]}"
            )
    if not np.array_equal(one.prediction, other.prediction):
        sample = int(np.argmax(one.prediction != other.prediction))
        raise MismatchError(
            f"sample {sample}: {name} predicts {one.prediction[sample]}, {other_name} {other.prediction[sample]}"
        )


def with_weights(network: Network, weights: Mapping[str, npt.NDArray[np.int8]]) -> Network:
    """The network with other weights in the groups of synapses that `weights` names."""
    groups = network.graph.of(IntSynapses)
    changed = {name: replace(groups[name], weight_q=weight_q) for name, weight_q in weights.items()}
    return replace(network, graph=network.graph.replaced(changed))


def _learned(network: Network, done: Learned, record: Mapping[str, Any], advice: tuple[Note, ...]) -> Network:
    """New weights, notes on what they changed, and the record."""
    learned = with_weights(network, done.state.weights)
    names = record["layers"]
    notes = [Note(name, f"learned on {record['backend']} from {record['samples']} samples") for name in names]
    targets = {g.target for g in learning_paths(network, names).learning}
    for found in layer_ranges(learned.graph, network.registers, network.steps):
        if found.layer in targets:
            state = "cannot overflow" if found.proven else "may overflow; counted at run time"
            notes.append(
                Note(found.layer, f"after learning: |v| <= {found.v}, limit {found.v_limit}: {state}")
            )
    return replace(learned, notes=(*network.notes, *notes, *advice), learning=record)


def _accuracy(network: Network, evaluation: Evaluation | None) -> float | None:
    if evaluation is None:
        return None
    prediction = get_backend("engine").run(network, evaluation.stimulus).prediction
    return float((prediction == evaluation.labels).mean())
