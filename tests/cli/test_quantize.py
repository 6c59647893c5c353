from __future__ import annotations

import importlib.util
import json
import shlex
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.cli.main import main
from tests.cli.conftest import MODULES, Files
from tests.nets import pixels

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantize") / "run"
    options = ["--rule", "ottt-a", "--steps", "4", "--epochs", "3", "-q", "-o", str(folder)]
    assert main(["train", "--model", "mlp:64-32-10", "--data", "digits", *options]) == 0
    return folder


def quantize(call: Call, run_folder: Path, *more: object) -> tuple[int, str, str]:
    given = ["--data", "digits", "--limit", 150, "--bits", "8,4,2", "--max-drop", 0.05]
    return call("quantize", run_folder, *given, *more)


def random_model(call: Call, files: Files, *more: object) -> tuple[int, str, str]:
    options = {"--data": files.data, "--calibrate": files.data, "--steps": 4, "--max-drop": 0.9}
    given = [part for pair in options.items() if pair[0] not in more for part in pair]
    return call("quantize", f"{MODULES}:digits", *given, *more)


def test_table(call: Call, run_folder: Path) -> None:
    code, out, err = quantize(call, run_folder)
    title, columns, floats, *rows, last = out.splitlines()
    assert code == 0
    assert title.startswith(f"{run_folder} on 150 samples of digits@test, 4 steps, target loihi2, clip max")
    assert columns.split("  ")[0] == "setting"
    assert floats.startswith("float")
    assert [row.split("  ")[0].rstrip(" *") for row in rows][:3] == ["8 bits", "4 bits", "2 bits"]
    assert sum(" * " in row for row in rows) == 1
    assert last.startswith("smallest within 5.00 points below float's ")
    assert f"next: neurodeploy compile {run_folder} --set 'quant.layers=" in err


def test_next_command_compiles(
    call: Call, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--clip", "mse", "--rounding", "gptq", "--target", "loihi2-davies.toml")
    chip = files("neurodeploy.targets.chips").joinpath("loihi2.toml").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    Path("loihi2-davies.toml").write_text(chip, "utf-8")
    _, out, err = quantize(call, run_folder, "--json", *options)
    found = json.loads(out)
    (line,) = [one for one in err.splitlines() if one.startswith("next: ")]
    words = shlex.split(line.removeprefix("next: neurodeploy "))
    assert words[-2:] == ["-o", "NET.onnx"]
    assert words[words.index("--target") + 1] == "loihi2-davies.toml"
    assert call(*words[:-1], tmp_path / "n.onnx")[0] == 0
    code, out, _ = call("run", tmp_path / "n.onnx", "--data", "digits", "--limit", 150, "--json")
    assert code == 0
    assert json.loads(out)["accuracy"] == found["smallest"]["accuracy"]["accuracy"]


def test_json(call: Call, run_folder: Path) -> None:
    found = json.loads(quantize(call, run_folder, "--json")[1])
    assert found["schema"] == "neurodeploy.quantize/1"
    assert found["weights"] == {"fc1": 64 * 32, "fc2": 320}
    assert (found["samples"], found["steps"], found["max_drop"]) == (150, 4, 0.05)
    assert len(found["float"]["by_steps"]) == 4
    assert {point["kind"] for point in found["points"]} >= {"uniform", "narrow", "wide"}
    run = call("run", run_folder, "--data", "digits", "--limit", 150, "--backend", "float", "--json")
    assert found["float"]["accuracy"] == json.loads(run[1])["accuracy"]


def test_report_and_resume(call: Call, run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    code, out, err = quantize(call, run_folder, "--report", folder)
    assert code == 0
    written = json.loads((folder / "quantize.json").read_text())
    assert written["schema"] == "neurodeploy.quantize/1"
    assert f"{written['computed']} points measured now" in err
    text = (folder / "quantize.md").read_text()
    for heading in ("Settings", "Sensitivity of each layer", "Accuracy after each step", "Notes", "Again"):
        assert f"\n## {heading}\n" in text
    if importlib.util.find_spec("matplotlib"):
        assert (folder / "quantize.png").read_bytes().startswith(b"\x89PNG")
        assert "(quantize.png)" in text
    _, again, err = quantize(call, run_folder, "--report", folder)
    assert again == out
    assert "0 points measured now" in err


def test_gate_that_none_keeps(call: Call, run_folder: Path, tmp_path: Path) -> None:
    code, out, err = quantize(call, run_folder, "--bits", "2", "--max-drop", 0, "--report", tmp_path)
    assert code == 5
    assert "no setting within 0.00 points below float's " in out
    assert "the best, 2 bits, has " in err
    assert "Try --rounding gptq --clip mse, or a larger --max-drop" in err
    assert json.loads((tmp_path / "quantize.json").read_text())["smallest"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--bits", "9,8"],
            4,
            "weights of 9 bits do not fit: loihi2 has 8 bits a weight; leave them out of --bits",
        ),
        (["--bits", "1"], 2, "one or more numbers from 2 up, not 1"),
        (["--bits", "8,x"], 2, "--bits must be numbers such as 8,6,4, not '8,x'"),
        (["--bits", ""], 2, "not ''"),
        (["--max-drop", "2"], 2, "a share from 0 to below 1"),
        (["--jobs", "0"], 2, "the number of jobs must be 1 or more, not 0"),
        (["--limit", "0"], 2, "the number of samples must be 1 or more, not 0"),
        (["--set", 'quant.layers={"fc1":4}'], 2, "leave out --set quant.layers"),
        (["--set", "quant.bits=4"], 2, "leave out --set quant.bits"),
        (["--set", "quant.depth=4"], 2, "unknown field `depth`"),
        (["--target", "loihi9"], 2, "there is no target 'loihi9'"),
        (["--data", "gone.npz"], 3, "gone.npz: no such file"),
        (["--calibrate", "gone.npz"], 3, "gone.npz: no such file"),
        (["--steps", "0"], 2, "the number of time steps must be in 1.."),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    found, out, err = random_model(call, files, *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((0, 8, 8)), "y": np.zeros(0, int)}, "hold at least one value"),
        ({"x": pixels((3, 8, 8))}, "no labels"),
        ({"x": pixels((3, 8, 8)), "y": np.full(3, 12)}, "sample 0 has label 12"),
    ],
)
def test_bad_data(call: Call, files: Files, arrays: dict[str, object], message: str) -> None:
    code, out, err = random_model(call, files, "--data", files.save("bad", **arrays))
    assert (code, out) == (3, "")
    assert message in err


def test_calibration_without_spikes(call: Call, files: Files) -> None:
    dark = files.save("dark", x=np.full((3, 8, 8), -1.0))
    code, out, err = random_model(call, files, "--calibrate", dark)
    assert (code, out) == (3, "")
    assert "layer 'lif1': not one spike in 3 calibration samples of 4 steps" in err
    assert "Calibrate with data like those of training (--calibrate DATA)" in err


def test_outlier_is_noted(call: Call, files: Files) -> None:
    _, _, err = random_model(call, files, "--bits", "8", "--limit", 4)
    assert "stretch the grid" not in err
    _, _, err = call(
        "quantize", "tests.cli.outlier:model", "--data", files.data, "--calibrate", files.data, "--steps", 4,
        "--bits", 8, "--max-drop", 0.9,
    )  # fmt: skip
    assert "note: fc1: 1 of 768 weights, up to 6, stretch the grid; " in err
    assert "Try --set quant.clip=mse" in err
