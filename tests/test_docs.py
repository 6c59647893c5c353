"""Pages that are generated are as they would be generated."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_operations_page_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    assert subprocess.run(command, cwd=ROOT).returncode == 0, "run `python docs/generate.py`"
