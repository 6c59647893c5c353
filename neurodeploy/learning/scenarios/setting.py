"""The network and the base training that go with each data set: a table."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.data.spec import parse
from neurodeploy.errors import UsageError


@dataclass(frozen=True, slots=True)
class Setting:
    """The network of a data set and how much of the data is used.

    `model` is a notation of `neurodeploy.models`; `steps` time steps T; `epochs` of base training; `stream` samples
    are learned on the chip; at most `base` samples train and at most `held_out` judge. `levels` are those of the
    image sensor, 0 where there is none.
    """

    model: str
    classes: int
    steps: int
    epochs: int
    stream: int
    base: int
    held_out: int
    levels: int


SETTINGS = {
    "digits": Setting("mlp:64-128-10", 10, 8, 20, 400, 900, 497, 16),
    "fashion-mnist": Setting("mlp:784-256-10", 10, 8, 3, 500, 10000, 1000, 255),
    "mnist": Setting("mlp:784-256-10", 10, 8, 3, 500, 10000, 1000, 255),
    "myo": Setting("mlp:8-128-8", 8, 8, 10, 500, 10000, 10000, 0),
}
"""By the name of the data set."""


def setting_of(data: str, allowed: tuple[str, ...]) -> Setting:
    """The setting of a specification NAME[:FOLDER]; `UsageError` unless NAME is one of `allowed`."""
    name = parse(data).name
    if name not in allowed:
        raise UsageError(
            f"data {data!r}: this scenario runs on {', '.join(allowed)}. Write --data {allowed[0]}"
        )
    return SETTINGS[name]


def split_spec(data: str, split: str) -> str:
    """The specification of one split of NAME[:FOLDER]; `UsageError` where a split is named already."""
    if "@" in data:
        raise UsageError(
            f"data {data!r}: a scenario divides the data itself. Leave out '@{data.rpartition('@')[2]}'"
        )
    return f"{data}@{split}"
