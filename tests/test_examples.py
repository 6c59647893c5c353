"""Every example runs to its end and prints the number it teaches; notebooks print what they hold."""

from __future__ import annotations

import contextlib
import io
import json
import re
import runpy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.snippets import ROOT, first_missing

EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))
NUMBERS = {
    "closed_loop.py": (r"([\d.]+) steps on average", 1.5, 6),
    "fewest_bits.py": (r"([\d.]+) times smaller than 8 bits, within one point", 1.9, 4),
    "learn_on_the_chip.py": (r"online learning won back ([\d.]+) points", 6, 25),
    "through_nir.py": (r"(\d+) spikes changed on the way through the file", 0, 0),
    "train_and_deploy.py": (r"the integers cost (-?[\d.]+) points", -1, 1),
    "widest_layer.py": (r"widest hidden layers: (\d+) on loihi1, \d+ on loihi2", 2500, 3000),
}
"""The last line of each example, and the range of its number."""
NEEDED = ("torch", "sklearn")
NEEDED_TOO = {"through_nir.py": ("nir", "h5py")}
MOST_LINES = 80


def require(*packages: str) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


def test_every_example_is_listed() -> None:
    assert sorted(NUMBERS) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_example(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    require(*NEEDED, *NEEDED_TOO.get(name, ()))
    path = EXAMPLES / name
    assert len(path.read_text("utf-8").splitlines()) < MOST_LINES
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    last = capsys.readouterr().out.splitlines()[-1]
    pattern, low, high = NUMBERS[name]
    found = re.search(pattern, last)
    assert found, last
    assert low <= float(found[1]) <= high, last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require(*NEEDED, "matplotlib")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in cells)
    for number, cell in enumerate(cells):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"{path.name}[{number}]", "exec"), names)
        stored = "".join("".join(out["text"]) for out in cell["outputs"] if out["output_type"] == "stream")
        missing = first_missing(stored.splitlines(), printed.getvalue().splitlines())
        assert missing is None, f"{path.name}[{number}] does not print {missing!r}:\n{printed.getvalue()}"
