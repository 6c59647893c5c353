from __future__ import annotations

from pathlib import Path

import pytest

from neurodeploy.errors import UsageError
from neurodeploy.training import TrainConfig, make_config, read_config


def written(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text)
    return path


def test_file_and_what_goes_before_it(tmp_path: Path) -> None:
    path = written(tmp_path, 'optimizer = "sgd"\nlearning_rate = 0.1\nbatch_size = 32\n')
    assert read_config(path, batch_size=16) == TrainConfig(optimizer="sgd", learning_rate=0.1, batch_size=16)


def test_cosine_falls_and_constant_does_not() -> None:
    cosine = make_config({"learning_rate": 1.0}, "test")
    assert [round(cosine.rate(epoch, 4), 3) for epoch in range(4)] == [1.0, 0.854, 0.5, 0.146]
    assert make_config({"learning_rate": 1.0, "schedule": "constant"}, "test").rate(3, 4) == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "lr = 0.1",
            "train.toml: Object contains unknown field `lr`. The settings are optimizer, learning_rate",
        ),
        ('optimizer = "lion"', r"Invalid enum value 'lion' - at `\$.optimizer`"),
        ("learning_rate = -1", r"`float` > 0.0 - at `\$.learning_rate`"),
        ("batch_size = 1.5", r"`int`, got `float` - at `\$.batch_size`"),
        ("[options]\neta = [1]", r"at `\$.options\[...\]`"),
        ("optimizer = ", "not TOML"),
    ],
)
def test_refuses(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_config(written(tmp_path, text))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_config(tmp_path / "none.toml")
