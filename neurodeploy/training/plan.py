"""What a run is to be: a recipe, over it a file of settings, over that what was said on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodeploy.errors import UsageError
from neurodeploy.training.config import TrainConfig, make_config, read_settings
from neurodeploy.training.recipes import Recipe, load_recipe
from neurodeploy.training.rule import OptionValue
from neurodeploy.training.run_folder import read_info

NEEDED = ("model", "data", "rule", "steps")
"""What must be said, by a recipe or by hand."""

EPOCHS = 10
_OF_THE_RULE = ("preset", "options", "learning_rate")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train, on what and how; `notes` say what of a recipe's paper will be otherwise."""

    model: str
    data: str
    rule: str
    steps: int
    epochs: int
    config: TrainConfig
    notes: tuple[str, ...] = ()


def make_plan(
    said: Mapping[str, Any],
    settings: Mapping[str, Any],
    options: Mapping[str, OptionValue],
    recipe: str | None = None,
    config: Path | None = None,
    start: Path | None = None,
) -> Plan:
    """The plan of what was `said` (of `NEEDED`, and epochs), the `settings` of a config and `options` of the rule.

    What is None was not said. Where nothing else tells them, model, data, rule and steps are those of the run to
    `start` from. Raises `UsageError` naming what is missing or wrong.
    """
    said = {name: value for name, value in said.items() if value is not None}
    settings = {name: value for name, value in settings.items() if value is not None}
    chosen = load_recipe(recipe) if recipe else None
    of_file = read_settings(config) if config else {}
    base, notes = _from_recipe(chosen, said.get("rule")) if chosen else ({}, ())
    merged = {**base, **of_file, **settings}
    merged["options"] = {**base.get("options", {}), **of_file.get("options", {}), **options}
    of_start = read_info(start) if start else None
    what: dict[str, Any] = {name: getattr(of_start, name) for name in NEEDED} if of_start else {}
    what |= {**({name: getattr(chosen, name) for name in (*NEEDED, "epochs")} if chosen else {}), **said}
    missing = [f"--{name}" for name in NEEDED if name not in what]
    if missing:
        raise UsageError(f"{', '.join(missing)} must be given, or --recipe NAME or --start RUN")
    return Plan(**{"epochs": EPOCHS, **what}, config=make_config(merged, "options"), notes=notes)


def _from_recipe(recipe: Recipe, rule: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings of a recipe, those of its rule only where no other is wanted, and what is to be noted."""
    settings, notes = recipe.settings(), [f"not as in the paper: {text}" for text in recipe.missing]
    if rule not in (None, recipe.rule):
        notes.append(f"the recipe's {', '.join(_OF_THE_RULE)} are those of {recipe.rule} and left out")
        settings = {name: value for name, value in settings.items() if name not in _OF_THE_RULE}
    if recipe.test_accuracy is not None:
        notes.append(f"test accuracy in the paper: {recipe.test_accuracy:g} %")
    return settings, tuple(notes)
