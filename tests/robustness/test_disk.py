"""A full disk and folders in which nothing can be written: one line, exit code 3, and what was there stays."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neurodeploy.cli.main import main
from tests.robustness.process import COMPILE, artifact_file, data_file, net_file

LARGEST = 8192


@contextmanager
def full() -> Iterator[None]:
    """No file may grow beyond `LARGEST` bytes: writing fails in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Exit code, stdout and stderr of one command."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_compile_on_a_full_disk(tmp_path: Path, call: Call) -> None:
    model, out = net_file(tmp_path), tmp_path / "out.onnx"
    out.write_bytes(b"old")
    with full():
        ended = call("compile", model, *COMPILE, out)
    assert ended == (3, "", f"neurodeploy compile: cannot write {out}: File too large\n")
    assert out.read_bytes() == b"old"
    assert names(tmp_path) == ["m.net", "out.onnx"]


@pytest.mark.parametrize(
    ("verb", "out"),
    [("learn", "learned.onnx"), ("export", "out.nir")],
)
def test_other_verbs_on_a_full_disk(tmp_path: Path, call: Call, verb: str, out: str) -> None:
    net, data = artifact_file(tmp_path), data_file(tmp_path)
    more = ["--to", "nir"] if verb == "export" else ["--data", data]
    with full():
        code, _, err = call(verb, net, *more, "-q", "-o", tmp_path / out)
    assert code == 3, err
    assert "File too large" in err.splitlines()[-1] and str(tmp_path) in err
    left = [name for name in names(tmp_path) if name not in ("net.onnx", "data.npz")]
    assert not [name for name in left if name.endswith(".tmp")]
    assert out not in left


def test_train_on_a_full_disk(tmp_path: Path, call: Call) -> None:
    command = [
        "train",
        "--model",
        "mlp:64-64-10",
        "--data",
        data_file(tmp_path),
        "--rule",
        "ottt-a",
        "--steps",
        2,
    ]
    command += ["--epochs", 1, "-q", "-o", tmp_path / "run"]
    with full():
        code, _, err = call(*command)
    assert code == 3
    assert "File too large" in err.splitlines()[-1]
    assert call(*command)[0] == 0


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A folder in which its reader cannot make files; root may write everywhere but in the kernel's folders."""
    folder = Path("/sys/kernel") if os.getuid() == 0 else tmp_path / "closed"
    folder.mkdir(mode=0o555, exist_ok=True)
    return folder


@pytest.mark.parametrize("verb", ["compile", "learn"])
def test_read_only_folder(tmp_path: Path, call: Call, closed: Path, verb: str) -> None:
    out, before = closed / "out.onnx", sorted(closed.iterdir())
    if verb == "compile":
        command: list[object] = ["compile", net_file(tmp_path), *COMPILE, out]
    else:
        command = [verb, artifact_file(tmp_path), "--data", data_file(tmp_path), "-q", "-o", out]
    code, said, err = call(*command)
    assert (code, said) == (3, "")
    assert err.splitlines()[-1].startswith(f"neurodeploy {verb}: cannot write {out}: ")
    assert sorted(closed.iterdir()) == before


def test_train_into_a_read_only_folder(tmp_path: Path, call: Call, closed: Path) -> None:
    command = [
        "train",
        "--model",
        "mlp:64-8-10",
        "--data",
        data_file(tmp_path),
        "--rule",
        "ottt-a",
        "--steps",
        2,
    ]
    code, _, err = call(*command, "-q", "-o", closed / "run")
    assert code == 3
    assert err.splitlines()[-1].startswith(f"neurodeploy train: cannot make {closed / 'run'}: ")
