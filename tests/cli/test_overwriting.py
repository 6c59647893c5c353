"""No verb writes over what it reads, by whatever path the file is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Files

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "output", "option"),
    [
        (["run", "net.onnx", "--data", "data.npz"], "net.onnx", "-o"),
        (["run", "net.onnx", "--data", "data.npz"], "data.npz", "-o"),
        (["export", "net.onnx", "--to", "onnx-step"], "net.onnx", "-o"),
        (["learn", "net.onnx", "--data", "data.npz"], "net.onnx", "-o"),
        (["learn", "net.onnx", "--data", "data.npz"], "net.onnx", "--log"),
        (["learn", "net.onnx", "--data", "data.npz", "--evaluate", "more.npz"], "more.npz", "--log"),
        (["learn", "net.onnx", "--data", "data.npz", "-o", "new.onnx"], "new.onnx", "--log"),
        (["learn", "net.onnx", "--data", "data.npz", "--log", "log"], "log", "--resume"),
        (["compile", "net.onnx"], "net.onnx", "-o"),
        (["inspect", "net.onnx", "--data", "data.npz", "--map"], "data.npz", "--svg"),
    ],
)
def test_is_refused(
    call: Call,
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    output: str,
    option: str,
) -> None:
    monkeypatch.chdir(files.more)
    shutil.copy(files.net, "net.onnx")
    for name in ("data.npz", "more.npz"):
        shutil.copy(files.data, name)
    Path("link").symlink_to(files.more)
    before = {path.name: path.read_bytes() for path in files.more.glob("*.*")}
    code, out, err = call(*arguments, option, f"link/{output}")
    assert (code, out) == (2, "")
    assert f"cannot write link/{output}: it is read or written here already; name another file" in err
    assert {path.name: path.read_bytes() for path in files.more.glob("*.*")} == before


def test_an_older_output_is_written_over(call: Call, files: Files) -> None:
    out = files.more / "out.npz"
    out.write_bytes(b"old")
    assert call("run", files.net, "--data", files.data, "-o", out)[0] == 0
    assert len(np.load(out)["prediction"]) == 12


@pytest.mark.parametrize("path", ["a.txt", "-"])
@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["report", "net.onnx", "--data", "data.npz"], "-o"),
        (["export", "net.onnx", "--to", "lava"], "-o"),
        (["quantize", "a run", "--data", "data.npz"], "--report"),
    ],
)
def test_a_folder_is_no_file(
    call: Call, files: Files, monkeypatch: pytest.MonkeyPatch, arguments: list[str], option: str, path: str
) -> None:
    monkeypatch.chdir(files.more)
    shutil.copy(files.net, "net.onnx")
    Path("a.txt").write_text("mine")
    code, out, err = call(*arguments, option, path)
    assert (code, out) == (2, "")
    assert f"{option} must be a folder for several files, not '{path}'" in err
    assert Path("a.txt").read_text() == "mine"
