"""A recipe: what a paper trained, on what, and how."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec

from neurodeploy.errors import UsageError
from neurodeploy.training.augment import Augmentation

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]
_TRAINING = (
    "optimizer",
    "learning_rate",
    "batch_size",
    "preset",
    "options",
    "schedule",
    "momentum",
    "weight_decay",
)


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one published training; decays of the neurons are part of `model`.

    `source` names the paper; `options` are those of the rule, over its `preset`; `augment` is what is done to
    the images, in this order; `test_accuracy` the paper's, in percent, None where it was not found. `missing`
    lists what the paper did and these settings do not say, so the result may be another.
    """

    source: str
    model: str
    data: str
    rule: str
    steps: Count
    epochs: Count
    optimizer: Literal["adam", "adamw", "sgd"]
    learning_rate: Annotated[float, msgspec.Meta(gt=0)]
    batch_size: Count
    preset: str = "official"
    options: dict[str, bool | int | float | str] = {}
    schedule: Literal["constant", "cosine"] = "cosine"
    momentum: Share = 0.0
    weight_decay: Share = 0.0
    augment: tuple[Augmentation, ...] = ()
    test_accuracy: Percent | None = None
    missing: tuple[str, ...] = ()

    def training(self) -> dict[str, Any]:
        """The settings of the training loop, by their names in `neurodeploy.training.TrainConfig`."""
        return {name: getattr(self, name) for name in _TRAINING}


def recipe_names() -> tuple[str, ...]:
    """The names of all recipes, in alphabetic order."""
    there = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in there if name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """The recipe of that name; `UsageError` naming what there is for an unknown one."""
    if name not in recipe_names():
        raise UsageError(f"no recipe {name!r}. There are {', '.join(recipe_names())}")
    return read_recipe((files(__package__) / f"{name}.toml").read_bytes(), name)


def read_recipe(content: bytes, name: str) -> Recipe:
    """The recipe in a TOML text; `UsageError` naming the setting that is wrong."""
    try:
        return msgspec.toml.decode(content, type=Recipe)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {name}: {error}") from None
