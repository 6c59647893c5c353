"""kill -9: a few of the many that `python -m tests.robustness.kill all --kills 100` makes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.robustness.process import ROOT, environment


@pytest.mark.parametrize("verb", ["compile", "train"])
def test_nothing_is_lost(verb: str) -> None:
    command = [sys.executable, "-m", "tests.robustness.kill", verb, "--kills", "2"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{verb}: " in done.stdout and "; 0 losses" in done.stdout
    assert not done.stdout.startswith(f"{verb}: 0 kills hit")
