"""The parts of an image set that every scenario on images divides further."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.data import Dataset, first_and_rest, load
from neurodeploy.learning.scenarios.setting import Setting, setting_of, split_spec

IMAGES = ("digits", "fashion-mnist", "mnist")


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Disjoint parts: `stream` and `base` drawn from the training split by the seed, `held_out` of the test split."""

    base: Dataset
    stream: Dataset
    held_out: Dataset


def image_parts(data: str, seed: int) -> tuple[Setting, Images]:
    """The setting and the parts."""
    setting = setting_of(data, IMAGES)
    train, test = (load(split_spec(data, split)) for split in ("train", "test"))
    learned, rest = first_and_rest(train, setting.stream, seed)
    return setting, Images(rest.limit(setting.base), learned, test.limit(setting.held_out))
