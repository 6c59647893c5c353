"""The studies under benchmarks/ run from beginning to end, on a few random samples."""

from __future__ import annotations

import json
import shlex
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from neurodeploy.cli.main import main
from neurodeploy.data import Dataset
from neurodeploy.errors import BackendMissing
from neurodeploy.training.run_folder import read_info

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
OWN = (
    "study",
    "tables",
    "pictures",
    "gradients",
    "activity",
    "decay",
    "inference_steps",
    "batch_size",
    "training",
    "zoo",
)
MODEL = ["--model", "mlp:12-8-3", "--no-plot"]


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts import each other by name, as they do when they are run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in OWN:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data of every study."""
    draw = np.random.default_rng(0)
    x, y = draw.random((40, 3, 4), dtype=np.float32), np.arange(40) % 3
    data = Dataset("own", "all", "own.npz", x, y, 3, False, "", "")
    monkeypatch.setattr(script("study"), "splits", lambda args: (data, data.limit(10)))


def script(name: str) -> ModuleType:
    return import_module(name)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        (
            "gradients",
            [*MODEL, "--steps", "1", "2", "--decays", "0.5"],
            "decay 0.5, after one epoch of bptt at T=8",
        ),
        ("activity", ["--layers", "12-8-3", "--steps", "2", "--no-plot"], "event, "),
        ("decay", [*MODEL, "--steps", "2", "--trained", "0.2"], "trained at 0.2"),
        ("inference_steps", [*MODEL, "--steps", "1", "3"], "trained at T=4"),
        ("batch_size", [*MODEL, "--steps", "2", "--epochs", "1"], "batch size 1, "),
    ],
)
def test_study(name: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    script(name).main(arguments)
    assert said in capsys.readouterr().out


def test_costs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    training = script("training")
    monkeypatch.setattr(training, "BATCH", {"mlp": 2})
    monkeypatch.setattr(training, "contenders", lambda: ["rate-s", "bptt"])
    training.main(["--steps", "2", "3", "--rounds", "1", "--no-plot"])
    out = capsys.readouterr().out
    assert "mlp, batch 2: CPU ms per training step" in out
    assert "mlp, batch 2: MiB of tensors at most" in out
    training.main(["--steps", "2", "3", "--rounds", "1", "--no-plot", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["mebibytes"]["mlp"]["rate-s"]["2"] == found["mebibytes"]["mlp"]["rate-s"]["3"]
    assert list(found["milliseconds"]["mlp"]["bptt"]) == ["2", "3"]


@pytest.mark.parametrize(("suffix", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_picture(suffix: str, begin: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    pictures, path = script("pictures"), tmp_path / "new" / f"a.{suffix}"
    line = {1.0: 2.0, 8.0: 3.0}
    panel = pictures.Panel("a", "x", "y", {str(i): line for i in range(7)}, log_x=True, log_y=True)
    pictures.draw(path, [panel, pictures.Panel("b", "x", "y", {"b": line})])
    assert path.read_bytes().startswith(begin)
    assert f"plot: {path}" in capsys.readouterr().out


def test_a_plot_without_matplotlib_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    decay = script("decay")
    monkeypatch.setattr("pictures.find_spec", lambda name: None)
    with pytest.raises(BackendMissing, match=r"plots need matplotlib.*pip install.*or --no-plot"):
        decay.main([])


def test_errors_are_one_line_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    decay, study = script("decay"), script("study")
    with pytest.raises(SystemExit) as stopped:
        study.run(lambda: decay.main(["--data", "imagenet", "--no-plot"]))
    assert stopped.value.code == 2
    assert "no data set 'imagenet'" in capsys.readouterr().err


def test_the_command_of_a_card_trains_the_same_run_again(tmp_path: Path) -> None:
    """Every setting that differs from the usual is in it, and where one cannot be said there is none."""
    command = script("zoo")._command
    said = [
        "--rule",
        "ottt-a",
        "--steps",
        "2",
        "--epochs",
        "1",
        "--quantize",
        "4",
        "--set",
        "alpha=3.0",
    ]
    what = ["train", "--model", "mlp:64-8-10", "--data", "digits", *said, "-q"]
    assert main([*what, "-o", str(tmp_path / "one")]) == 0
    words = shlex.split(command(read_info(tmp_path / "one"), str(tmp_path / "two")))
    assert main(words[1:]) == 0
    one, two = (read_info(tmp_path / name) for name in ("one", "two"))
    assert one.files == two.files and one.config == two.config
    config = tmp_path / "f.toml"
    config.write_text('schedule = "constant"\n')
    assert main([*what, "--config", str(config), "-o", str(tmp_path / "three")]) == 0
    with pytest.raises(SystemExit, match="three: no command of one line says schedule"):
        command(read_info(tmp_path / "three"), "three")
    assert main([*what, "--start", str(tmp_path / "one"), "-o", str(tmp_path / "four")]) == 0
    with pytest.raises(SystemExit, match="four: no command of one line says the run it started with"):
        command(read_info(tmp_path / "four"), "four")
