"""The commands that are printed can be pasted, where paths have spaces, quotes and letters beyond ASCII."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import MODULES, Files

Call = Callable[..., tuple[int, str, str]]
FILLED = {"DATA": "it's näme.npz", "TRAINING-DATA": "it's näme.npz"}
BACKENDS = {"verify": ("--backends", "engine,onnxruntime")}


@pytest.fixture
def here(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    shutil.copy(files.net, folder / "my net.onnx")
    shutil.copy(files.data, folder / FILLED["DATA"])
    monkeypatch.chdir(folder)
    return folder


def printed(text: str) -> list[str]:
    """The words that a shell makes of the last command after `next:`."""
    return shlex.split(re.findall(r"next: (neurodeploy .+)", text)[-1])[1:]


NET, DATA = "my net.onnx", FILLED["DATA"]
MEASURE = ("--calibrate", DATA, "--steps", "4", "--bits", "8,2", "--max-drop", "0.99")


@pytest.mark.parametrize(
    "words",
    [
        ("run", NET, "--data", DATA),
        ("run", f"{MODULES}:digits", "--data", DATA, "--backend", "float", "--steps", "4"),
        ("verify", NET, "--data", DATA, *BACKENDS["verify"]),
        ("inspect", NET),
        ("inspect", f"{MODULES}:digits", "--data", DATA, "--steps", "4", "--set", "quant.bits=6"),
        ("compile", f"{MODULES}:digits", "--calibrate", DATA, "--steps", "4", "-o", "out of it.onnx"),
        ("learn", NET, "--data", DATA, "--evaluate", DATA, "-o", "more than that.onnx"),
        ("report", NET, "--data", DATA, "-o", "one page"),
        ("quantize", f"{MODULES}:digits", "--data", DATA, *MEASURE),
        ("diff", f"{MODULES}:digits", NET, "--data", DATA),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_next_command_runs(call: Call, here: Path, words: tuple[str, ...]) -> None:
    code, out, err = call(*words)
    assert code == 0, err
    following = [FILLED.get(word, word) for word in printed(out + err)]
    assert not {"DATA", "TRAINING-DATA"} & set(following)
    code, _, err = call(*following, *BACKENDS.get(following[0], ()))
    assert code == 0, (following, err)


def test_a_missing_artefact_names_the_command_that_makes_it(call: Call, here: Path) -> None:
    code, _, err = call("run", "no such net.onnx", "--data", DATA)
    assert code == 3
    assert "`neurodeploy compile MODEL -o 'no such net.onnx'` makes one" in err


def test_a_report_says_how_it_is_made_again(call: Call, here: Path) -> None:
    assert call("report", NET, "--data", DATA, "--limit", 3, "-o", "one page")[0] == 0
    assert "neurodeploy report 'my net.onnx' --data 'it'\"'\"'s näme.npz'" in (
        here / "one page/report.md"
    ).read_text("utf-8")
