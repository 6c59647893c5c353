"""Two processes that write the same output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.main import main
from neurodeploy.errors import UsageError
from neurodeploy.training.run_folder import held
from tests.robustness.process import COMPILE, data_file, environment, net_file


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "neurodeploy", *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)


def test_compile_leaves_one_whole_file(tmp_path: Path) -> None:
    model, out = net_file(tmp_path), tmp_path / "out.onnx"
    both = [start("compile", model, *COMPILE, out) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert load(out).steps == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.net", "out.onnx"]


def test_one_process_trains_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = data_file(tmp_path), tmp_path / "run"
    command = [
        "train",
        "--model",
        "mlp:64-8-10",
        "--data",
        data,
        "--rule",
        "ottt-a",
        "--steps",
        2,
        "--epochs",
        1,
    ]
    with held(run, begins=True):
        assert main([*map(str, command), "-q", "-o", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"another process trains into {run}. Wait for it, or choose another with -o RUN" in said
    assert not run.exists()


def test_the_folder_is_free_again(tmp_path: Path) -> None:
    for begins in (True, False):
        with held(tmp_path / "run", begins):
            (tmp_path / "run" / "kept").touch()
    first = held(tmp_path / "run", begins=False)
    with (
        first,
        pytest.raises(UsageError, match="another process trains into"),
        held(tmp_path / "run", begins=False),
    ):
        pass
