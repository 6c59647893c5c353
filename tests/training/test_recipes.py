from __future__ import annotations

import msgspec
import pytest

from neurodeploy.errors import UsageError
from neurodeploy.models import build
from neurodeploy.training.augment import Crop, Erase, Flip
from neurodeploy.training.augment import check as check_changes
from neurodeploy.training.config import TrainConfig
from neurodeploy.training.event import EventOptions
from neurodeploy.training.recipes import load_recipe, recipe_names
from neurodeploy.training.recipes.recipe import read_recipe
from neurodeploy.training.rules import find_rule


@pytest.mark.parametrize("name", recipe_names())
def test_model_rule_and_options_exist(name: str) -> None:
    recipe = load_recipe(name)
    spec = build(recipe.model, device="meta").spec
    check_changes(recipe.augment, spec.input_shape)
    find_rule(recipe.rule).choose(recipe.preset, recipe.options)
    if recipe.rule == "event":
        assert EventOptions(**recipe.options).wanted(recipe.steps)[0] == recipe.options["desired"]
    assert name.startswith(recipe.rule)


@pytest.mark.parametrize("name", recipe_names())
def test_settings_are_those_of_a_run(name: str) -> None:
    recipe = load_recipe(name)
    config = msgspec.convert(recipe.settings(), TrainConfig)
    for field in TrainConfig.__struct_fields__:
        assert getattr(config, field) == getattr(recipe, field)


def test_one_recipe_in_full() -> None:
    recipe = load_recipe("ottt-a-cifar10")
    assert (recipe.model, recipe.data, recipe.steps, recipe.epochs) == (
        "vgg-sws:decay=0.5,normalize=cifar10",
        "cifar10",
        6,
        300,
    )
    assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("sgd", 0.1, "cosine")
    assert (recipe.options, recipe.weight_decay, recipe.test_accuracy) == ({"eta": 0.05}, 0.0, 93.52)
    assert recipe.augment == (Crop(4), Erase(), Flip())


def test_unknown_name() -> None:
    with pytest.raises(
        UsageError, match=r"no recipe '../config'. There are event-fashion-mnist, event-mnist"
    ):
        load_recipe("../config")


GOOD = """source = "s"\nmodel = "mlp:4-2"\ndata = "digits"\nrule = "ottt-a"\nsteps = 4\nepochs = 1
optimizer = "adam"\nlearning_rate = 0.1\nbatch_size = 8\n"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed = 3", "recipe own: Object contains unknown field `speed`"),
        ("momentum = 2.0", r"Expected `float` < 1.0 - at `\$.momentum`"),
        ('schedule = "linear"', "Invalid enum value 'linear'"),
        ('[[augment]]\nkind = "spin"', "Invalid value 'spin'"),
        ("=", "recipe own: "),
    ],
)
def test_strict(text: str, message: str) -> None:
    assert read_recipe(GOOD.encode(), "own").batch_size == 8
    with pytest.raises(UsageError, match=message):
        read_recipe(f"{GOOD}{text}\n".encode(), "own")
