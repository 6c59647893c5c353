"""The lessons of a course learned in the engine with the chip's integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from neurodeploy.data import joined
from neurodeploy.ir import IntSynapses
from neurodeploy.learning.learn import Evaluation, learn
from neurodeploy.learning.rule import default_rule
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.deployed import accuracies, stimulus
from neurodeploy.network import Network
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.rule import Feedback

SEEDS_OF_A_COURSE = 1 << 16


@dataclass(frozen=True, slots=True)
class OnChip:
    """What learning on the chip gave.

    `rows` `(lessons, held-out data)` are accuracies after each lesson; `curve` the accuracy on the held-out samples of
    all lessons together against the number of samples learned; `right_before` the share of samples predicted right
    just before they were learned; `updates` counts updates of all weights, `changed` single weights that moved in
    one; `clipped` input values beyond the network's grid; `moved` are, by group of synapses, pairs of a distance, in
    units of the chip's weights, and the number of weights that moved so far in all; `rule` are the numbers of the
    first lesson's rule, `advice` what learning had to say about errors, rates and registers.
    """

    rows: list[list[float]]
    curve: list[dict[str, float]]
    right_before: float
    samples: int
    updates: int
    synapses: int
    changed: int
    clipped: int
    moved: dict[str, list[tuple[int, int]]]
    rule: dict[str, Any]
    advice: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Learning:
    """Which layers learn, 'last' or 'all', and how errors reach the hidden ones; see `default_rule`."""

    layers: str = "last"
    feedback: Feedback = "symmetric"


def learn_course(network: Network, course: Course, learning: Learning, seed: int) -> OnChip:
    """Learn every lesson with the rule that suits the network; the learning rate starts anew with each."""
    judge = joined([lesson.held_out for lesson in course.lessons])
    evaluation = Evaluation(stimulus(network, judge), judge.labels())
    learned, records, rows, clipped = network, [], [], 0
    advice: list[str] = []
    for number, lesson in enumerate(course.lessons):
        given = stimulus(network, lesson.stream)
        outcome = learn(
            learned,
            given,
            lesson.stream.labels(),
            rule=lesson_rule(network, lesson, learning, seed * SEEDS_OF_A_COURSE + number),
            evaluation=evaluation,
        )
        learned, clipped = outcome.network, clipped + given.clipped
        records.append(outcome.record)
        advice += [f"{lesson.name}: {note}" for note in outcome.advice]
        rows.append(accuracies(learned, course))
    change = _change(network, learned, records[0]["layers"])
    samples = sum(record["samples"] for record in records)
    return OnChip(
        rows=rows,
        curve=_curve(records),
        right_before=sum(r["prequential_accuracy"] * r["samples"] for r in records) / samples,
        samples=samples,
        updates=samples,
        synapses=sum(moved.size for moved in change.values()),
        changed=sum(record["changed"] for record in records),
        clipped=clipped,
        moved={name: _histogram(moved) for name, moved in change.items()},
        rule=dict(records[0]["rule"]),
        advice=advice,
    )


def lesson_rule(network: Network, lesson: Lesson, learning: Learning, seed: int) -> ThreeFactorRule:
    """The rule that suits the network and the lesson."""
    samples = len(lesson.stream)
    return default_rule(
        network, seed=seed, samples=samples, layers=learning.layers, feedback=learning.feedback
    )


def updates_per_second(network: Network, lesson: Lesson, learning: Learning) -> float:
    """Updates of all weights per second of the engine on this machine, inference of the samples included."""
    given, rule = stimulus(network, lesson.stream), lesson_rule(network, lesson, learning, seed=0)
    start = perf_counter()
    learn(network, given, lesson.stream.labels(), rule=rule)
    return len(lesson.stream) / (perf_counter() - start)


def _change(network: Network, learned: Network, names: Sequence[str]) -> dict[str, Int64Array]:
    """By how much every weight of the learning groups moved."""
    before, after = network.graph.of(IntSynapses), learned.graph.of(IntSynapses)
    return {
        name: after[name].weight_q.astype(np.int64) - before[name].weight_q.astype(np.int64) for name in names
    }


def _curve(records: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The curves of the lessons one after the other, over all samples learned so far."""
    points: dict[int, float] = {}
    done = 0
    for record in records:
        points |= {done + point["samples"]: point["accuracy"] for point in record["curve"]}
        done += record["samples"]
    return [{"samples": samples, "accuracy": share} for samples, share in points.items()]


def _histogram(change: Int64Array) -> list[tuple[int, int]]:
    values, counts = np.unique(change, return_counts=True)
    return list(zip(values.tolist(), counts.tolist(), strict=True))
