"""Scenario: the sensor drifts after deployment."""

from __future__ import annotations

from dataclasses import replace

from neurodeploy.data import Dataset, Drift, drift
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.images import image_parts

DRIFTS = {
    "gain": Drift(rotation_degrees=0.0, gain=0.3, offset=0.0),
    "offset": Drift(rotation_degrees=0.0, gain=1.0, offset=0.4),
    "dead pixels": Drift(rotation_degrees=0.0, gain=1.0, offset=0.0, dead=0.25),
    "rotation": Drift(rotation_degrees=30.0, gain=1.0, offset=0.0),
    "all": Drift(rotation_degrees=20.0, gain=0.7, offset=0.1, dead=0.1),
}
"""What happens to the sensor, by name."""


def courses(data: str, seed: int) -> list[Course]:
    """One course a drift: the base is clean, the stream and the held-out samples are drifted.

    Old and new held-out samples are the same images, seen by the sensor before and after.
    """
    setting, parts = image_parts(data, seed)

    def seen(images: Dataset, change: Drift) -> Dataset:
        return replace(images, x=drift(images.x, replace(change, dead_seed=seed), setting.levels))

    return [
        Course(
            name,
            parts.base,
            parts.held_out,
            (Lesson(name, seen(parts.stream, change), seen(parts.held_out, change)),),
            drifted=True,
        )
        for name, change in DRIFTS.items()
    ]
