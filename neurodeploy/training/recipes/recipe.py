"""A recipe: what a paper trained, on what, and how."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec

from neurodeploy.errors import UsageError
from neurodeploy.training.config import TrainConfig

Count = Annotated[int, msgspec.Meta(ge=1)]
Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]


class Recipe(TrainConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one published training: what is trained, and with which `TrainConfig`.

    `source` names the paper; decays of the neurons, and how images are normalized, are part of `model`;
    `test_accuracy` is the paper's, in percent, None where it was not found. `missing` lists what the paper did
    and these settings do not say, so the result may be another.
    """

    source: str
    model: str
    data: str
    rule: str
    steps: Count
    epochs: Count
    preset: str = "official"
    test_accuracy: Percent | None = None
    missing: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """Those of the training loop, by their names in `TrainConfig`."""
        everything: dict[str, Any] = msgspec.to_builtins(self)
        return {name: everything[name] for name in TrainConfig.__struct_fields__}


def recipe_names() -> tuple[str, ...]:
    """The names of all recipes, in alphabetic order."""
    there = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in there if name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, or in that file ending in .toml; `UsageError` naming what there is."""
    if name.endswith(".toml"):
        try:
            return read_recipe(Path(name).read_bytes(), name)
        except OSError as error:
            raise UsageError(f"recipe {name}: {error.strerror}") from None
    if name not in recipe_names():
        raise UsageError(
            f"no recipe {name!r}. There are {', '.join(recipe_names())}, and files ending in .toml"
        )
    return read_recipe((files(__package__) / f"{name}.toml").read_bytes(), name)


def read_recipe(content: bytes, name: str) -> Recipe:
    """The recipe in a TOML text; `UsageError` naming the setting that is wrong."""
    try:
        return msgspec.toml.decode(content, type=Recipe)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"recipe {name}: {error}") from None
