"""The watch itself sees what it is there for."""

from __future__ import annotations

import os
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurodeploy.errors import InputError
from tests.fuzz import campaign as campaigns
from tests.fuzz.campaign import attempt, campaign
from tests.fuzz.readers import READERS, Reader


def reader(read: Callable[[Path], object]) -> Reader:
    return Reader(lambda: [{"f": b"abc"}], read, {})


def fails(folder: Path) -> None:
    raise struct.error("unpack")


def takes_memory(folder: Path) -> None:
    bytearray(3 << 30)


def writes(folder: Path) -> None:
    Path(os.devnull).write_bytes(b"")


def reads_elsewhere(folder: Path) -> None:
    Path("/etc/hostname").exists() and Path("/etc/passwd").read_bytes()


def says_nothing(folder: Path) -> None:
    raise InputError("one\ntwo")


@pytest.mark.parametrize(
    ("read", "place"),
    [
        (fails, "error "),
        (takes_memory, "MemoryError "),
        (writes, "trespass"),
        (reads_elsewhere, "trespass"),
        (says_nothing, "message "),
    ],
)
def test_sees(read: Callable[[Path], None], place: str) -> None:
    found = attempt(reader(read), {"f": b"abc"})
    assert found is not None and found.place.startswith(place)


def test_refusing_is_no_fault() -> None:
    def refuse(folder: Path) -> None:
        raise InputError((folder / "f").read_text())

    assert attempt(reader(refuse), {"f": b"abc"}) is None


def test_a_crash_and_a_hang_end_one_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(folder: Path) -> None:
        run = (folder / "f").read_bytes()
        if run == b"2":
            os.kill(os.getpid(), signal.SIGKILL)
        if run == b"3":
            time.sleep(60)
        if run == b"4":
            raise struct.error("unpack")

    monkeypatch.setitem(READERS, "weak", reader(read))
    monkeypatch.setattr(campaigns, "case", lambda name, reader, seeds, seed, run: {"f": str(run).encode()})
    monkeypatch.setattr("tests.fuzz.watch.SECONDS", 1)
    found = campaign("weak", 6, tell=lambda text: None)
    assert found.runs == 6
    seen = {place.split()[0]: run for place, (run, _) in found.faults.items()}
    assert seen == {"SIGKILL": 2, "SIGALRM": 3, "error": 4}


def test_a_change_that_hangs_ends_one_run_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(name: str, reader: Reader, seeds: object, seed: int, run: int) -> dict[str, bytes]:
        time.sleep(60 if run == 1 else 0)
        return {"f": b"abc"}

    monkeypatch.setitem(READERS, "slow", reader(lambda folder: None))
    monkeypatch.setattr(campaigns, "case", change)
    monkeypatch.setattr("tests.fuzz.watch.SECONDS", 1)
    found = campaign("slow", 3, tell=lambda text: None)
    assert found.runs == 3
    assert found.counts == {"SIGALRM": 1}
