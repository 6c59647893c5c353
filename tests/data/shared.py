"""Real data for tests, where a machine has them: a folder named by NEURODEPLOY_TEST_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def shared(name: str) -> Path:
    """The folder of a data set; the test is skipped where it is not there."""
    folder = Path(os.environ.get("NEURODEPLOY_TEST_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; NEURODEPLOY_TEST_DATA names another place")
    return folder
