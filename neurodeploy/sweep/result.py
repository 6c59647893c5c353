"""What a sweep found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from neurodeploy.backend import IntArray
from neurodeploy.network import Note
from neurodeploy.report.accuracy import change, wilson
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.setting import Setting

Kind = Literal["uniform", "narrow", "wide", "mixed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting that was measured, and why.

    `kind`: 'uniform', all layers alike; 'narrow', `layer` alone has the lowest bits; 'wide', `layer` alone has the
    highest, the others the lowest; 'mixed', a step of the search.
    """

    kind: Kind
    layer: str | None
    setting: Setting
    point: Point


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sweep:
    """Accuracy of the float network and of the compiled ones; `smallest` is None where none keeps the gate.

    `weights` counts them by layer; `computed` points were measured now, the others were there already.
    """

    model: str
    data: str
    target: str
    method: str
    labels: IntArray
    weights: dict[str, int]
    max_drop: float
    floats: Point
    entries: tuple[Entry, ...]
    smallest: Entry | None
    notes: tuple[Note, ...]
    computed: int

    @property
    def samples(self) -> int:
        """Number of samples N."""
        return len(self.labels)

    @property
    def steps(self) -> int:
        """Time steps T."""
        return len(self.floats.correct_by_steps)

    def bytes(self, setting: Setting) -> int:
        """Of all weights, packed."""
        return -(-setting.weight_bits(self.weights) // 8)

    def drop(self, point: Point) -> float:
        """Share of samples by which a point is worse than float; 1 where there is no such network."""
        return drop(self.floats, point)

    def kind(self, kind: Kind) -> tuple[Entry, ...]:
        """The entries of one kind."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def row(self, entry: Entry) -> dict[str, Any]:
        """Plain values of one entry."""
        point = entry.point
        return {
            "kind": entry.kind,
            "layer": entry.layer,
            "setting": str(entry.setting),
            "bits": point.bits,
            "bytes": self.bytes(entry.setting),
            "unfit": point.unfit or None,
            "accuracy": None if point.unfit else accuracy(point, self.samples),
            "change": None if point.unfit else self._change(point),
            "within": not point.unfit and self.drop(point) <= self.max_drop,
            "overflows": point.overflows,
            "clipped_inputs": point.clipped_inputs,
            "notes": point.notes,
            "seconds": point.seconds,
        }

    def sensitivity(self) -> list[dict[str, Any]]:
        """By layer: share of samples lost where it alone is narrow, and regained where it alone stays wide.

        `lost_per_byte` is the first per byte that narrowing saves. Empty where there is nothing to compare.
        """
        uniform = self.kind("uniform")
        wide = {entry.layer: entry for entry in self.kind("wide")}
        return [
            {
                "layer": entry.layer,
                "weights": self.weights[entry.layer],
                "lost_narrow": (lost := self.drop(entry.point) - self.drop(uniform[0].point)),
                "regained_wide": self.drop(uniform[-1].point) - self.drop(wide[entry.layer].point),
                "lost_per_byte": lost / max(1, self.bytes(uniform[0].setting) - self.bytes(entry.setting)),
            }
            for entry in self.kind("narrow")
            if entry.layer is not None
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "model": self.model,
            "data": self.data,
            "samples": self.samples,
            "steps": self.steps,
            "target": self.target,
            "method": self.method,
            "max_drop": self.max_drop,
            "weights": self.weights,
            "float": accuracy(self.floats, self.samples),
            "points": [self.row(entry) for entry in self.entries],
            "sensitivity": self.sensitivity(),
            "search": "greedy: bits saved per share of samples lost",
            "smallest": None if self.smallest is None else self.row(self.smallest),
            "notes": [asdict(note) for note in self.notes],
            "computed": self.computed,
            "seconds": self.floats.seconds + sum(entry.point.seconds for entry in self.entries),
        }

    def _change(self, point: Point) -> dict[str, Any]:
        return change(np.array(point.prediction), np.array(self.floats.prediction), self.labels)

    def __repr__(self) -> str:
        found = "none" if self.smallest is None else str(self.smallest.setting)
        return f"Sweep({self.model}: {len(self.entries)} settings, smallest within {self.max_drop}: {found})"


def drop(floats: Point, point: Point) -> float:
    """See `Sweep.drop`."""
    return 1.0 if point.unfit else (floats.correct - point.correct) / len(floats.prediction)


def accuracy(point: Point, samples: int) -> dict[str, Any]:
    """Accuracy with its 95 % interval (Wilson), and after each of the first T steps."""
    low, high = wilson(point.correct, samples)
    return {
        "accuracy": point.correct / samples,
        "correct": point.correct,
        "low": low,
        "high": high,
        "by_steps": [correct / samples for correct in point.correct_by_steps],
    }
