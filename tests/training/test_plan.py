"""What goes before what: options, the file of settings, the recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodeploy.errors import UsageError
from neurodeploy.training import TrainConfig, make_plan
from neurodeploy.training.recipes import load_recipe

OWN = """source = "mine"\nmodel = "mlp:64-32-10,normalize=0.3:0.4"\ndata = "digits"\nrule = "ottt-a"\nsteps = 4
epochs = 2\noptimizer = "sgd"\nlearning_rate = 0.1\nbatch_size = 32\nmissing = ["dropout"]\ntest_accuracy = 97.5
[options]\neta = 0.2\nerror_delay = 1\n[[augment]]\nkind = "crop"\npadding = 1\n"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.toml").write_text(OWN)
    return str(tmp_path / "own.toml")


def test_a_recipe_alone() -> None:
    recipe = load_recipe("ottt-a-cifar10")
    plan = make_plan({}, {}, {}, "ottt-a-cifar10")
    assert (plan.model, plan.data, plan.rule) == ("vgg-sws:decay=0.5,normalize=cifar10", "cifar10", "ottt-a")
    assert (plan.steps, plan.epochs, plan.config.augment) == (6, 300, recipe.augment)
    assert plan.notes == ("test accuracy in the paper: 93.52 %",)


def test_a_recipe_in_a_file(own: str) -> None:
    plan = make_plan({}, {}, {}, own)
    assert (plan.config.options, plan.config.momentum) == ({"eta": 0.2, "error_delay": 1}, 0.9)
    assert plan.notes == ("not as in the paper: dropout", "test accuracy in the paper: 97.5 %")


def test_what_goes_before_what(own: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('batch_size = 8\noptimizer = "adam"\n[options]\nerror_delay = 2\n')
    plan = make_plan(
        {"epochs": 7, "model": None, "steps": 5},
        {"optimizer": "adamw", "preset": None},
        {"eta": 0.5},
        own,
        file,
    )
    assert (plan.epochs, plan.steps, plan.model) == (7, 5, "mlp:64-32-10,normalize=0.3:0.4")
    config = plan.config
    assert (config.optimizer, config.batch_size, config.learning_rate) == ("adamw", 8, 0.1)
    assert config.options == {"eta": 0.5, "error_delay": 2}


def test_another_rule_does_not_take_the_recipes_options(own: str) -> None:
    plan = make_plan({"rule": "bptt"}, {}, {}, own)
    assert (plan.rule, plan.config.options, plan.config.preset) == ("bptt", {}, "recommended")
    assert plan.config.learning_rate is None and plan.config.batch_size == 32
    assert "the recipe's preset, options, learning_rate are those of ottt-a and left out" in plan.notes


def test_without_a_recipe() -> None:
    said = {"model": "mlp:64-10", "data": "digits", "rule": "bptt", "steps": 2, "epochs": None}
    plan = make_plan(said, {"batch_size": None}, {})
    assert (plan.epochs, plan.config, plan.notes) == (10, TrainConfig(), ())


def test_refuses(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--model, --steps must be given, or --recipe NAME"):
        make_plan({"data": "digits", "rule": "bptt"}, {}, {})
    with pytest.raises(UsageError, match=r"recipe .*none\.toml: No such file"):
        make_plan({}, {}, {}, str(tmp_path / "none.toml"))
    file = tmp_path / "settings.toml"
    file.write_text("options = 3\n")
    with pytest.raises(UsageError, match=r"--config .*settings\.toml: Expected `object`"):
        make_plan({}, {}, {}, "ottt-a-cifar10", file)
    (tmp_path / "bad.toml").write_text(OWN + "speed = 3\n")
    with pytest.raises(UsageError, match="unknown field `speed`"):
        make_plan({}, {}, {}, str(tmp_path / "bad.toml"))
