"""What a scenario leaves in a folder."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from neurodeploy.errors import InputError
from neurodeploy.files import write_atomic
from neurodeploy.learning.scenarios.run import ScenarioOutcome
from neurodeploy.learning.scenarios.table import table

RECORD, TABLE, PICTURE = "scenario.json", "scenario.md", "scenario.png"


def write(outcome: ScenarioOutcome, folder: Path) -> list[str]:
    """Write scenario.json and scenario.md, with matplotlib scenario.png too; the names of what was written.

    Raises `InputError` where the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    content = {
        RECORD: (json.dumps(outcome.record, indent=1, allow_nan=False) + "\n").encode(),
        TABLE: table(outcome.record).encode(),
    }
    if find_spec("matplotlib"):
        from neurodeploy.learning.scenarios.plot import draw

        content[PICTURE] = draw(outcome.results)
    for name, data in content.items():
        write_atomic(folder / name, data)
    return list(content)
