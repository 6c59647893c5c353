"""The guided runs: how libFuzzer is given the files of a case, and a short run where atheris is installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fuzz import guided
from tests.fuzz.readers import READERS
from tests.robustness.process import ROOT, environment

COMMAND = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.guided"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["config", "events"])
def test_cases_come_back(name: str) -> None:
    for case in READERS[name].seeds():
        assert guided.unpack(guided.pack(case)) == case


@pytest.mark.parametrize("data", [b"", b"\n", b"\xc1", guided.pack({}), guided.pack({"f": b"abc"})[:-1]])
def test_other_bytes_are_no_case(data: bytes) -> None:
    assert guided.unpack(data) is None


def test_without_atheris(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    monkeypatch.setattr(sys, "argv", ["guided", "config"])
    assert guided.main() == 6
    assert capsys.readouterr().err == "python -m tests.fuzz.guided needs atheris: pip install atheris\n"


def test_runs_and_reaches_code() -> None:
    pytest.importorskip("atheris")
    ended = run("graph", "--seconds", "1")
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert " NEW " in ended.stderr and "stat::number_of_executed_units" in ended.stderr
