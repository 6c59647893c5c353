"""The studies under benchmarks/ run from beginning to end, on a few random samples."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from neurodeploy.data import Dataset
from neurodeploy.errors import BackendMissing

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
