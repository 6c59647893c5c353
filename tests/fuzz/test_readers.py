"""A small part of the long runs (`python -m tests.fuzz READER --runs 100000`), and all that these have found."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from neurodeploy.errors import InputError, UsageError
from tests.fuzz.campaign import attempt, case
from tests.fuzz.found import files, found
from tests.fuzz.readers import READERS, Reader

RUNS = 40
SILENT = {"point"}
"""Readers for which a damaged file is one that is not there."""
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


@pytest.mark.parametrize("name", READERS)
def test_changed_files(name: str) -> None:
    reader = READERS[name]
    seeds = reader.seeds()
    for seed in seeds:
        assert attempt(reader, seed) is None
    for run in range(RUNS):
        fault = attempt(reader, case(name, reader, seeds, 0, run))
        assert fault is None, f"python -m tests.fuzz {name} --first {run} --runs 1\n{fault.text}"


@pytest.mark.parametrize("name", READERS)
def test_valid_files_are_read(name: str, tmp_path: Path) -> None:
    for number, seed in enumerate(READERS[name].seeds()):
        folder = tmp_path / str(number)
        for file, content in seed.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        READERS[name].read(folder)


@pytest.mark.parametrize("folder", found(), ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_found(folder: Path) -> None:
    reader = READERS[folder.parent.name]
    assert attempt(reader, files(folder)) is None
    if folder.parent.name not in SILENT:
        with pytest.raises((InputError, UsageError)):
            reader.read(folder)


def test_a_run_can_be_had_again() -> None:
    reader = READERS["config"]
    seeds = reader.seeds()
    assert case("config", reader, seeds, 1, 7) == case("config", reader, seeds, 1, 7)
    assert case("config", reader, seeds, 1, 7) != case("config", reader, seeds, 1, 8)
    assert reader.mutate(seeds[0], Random(0)) != seeds[0]


def test_a_file_is_changed_by_its_library_before_it_is_damaged() -> None:
    """HDF5 may not come back from changing a damaged file."""
    seen = []

    def change(content: bytes, draw: Random) -> bytes:
        seen.append(content)
        return content + b"+"

    reader = Reader(lambda: [{"f.x": b"abc"}], lambda folder: None, {".x": (change,)})
    changed = [reader.mutate({"f.x": b"abc"}, Random(i))["f.x"] for i in range(200)]
    assert {content.rstrip(b"+") for content in seen} == {b"abc"}
    assert any(not content.startswith(b"abc") for content in changed)
