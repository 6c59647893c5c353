from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from neurodeploy.artifact import load
from neurodeploy.errors import InputError
from neurodeploy.files import remove_unfinished, write_atomic
from tests.nets import chain


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_mode_is_that_of_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomic(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("step", ["replace", "fsync", "chmod", "fdopen"])
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "n.onnx"
    chain(seed=0).save(path)
    before = path.read_bytes()

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    for place in (os, Path):
        if hasattr(place, step):
            monkeypatch.setattr(place, step, refuse)
    with pytest.raises(InputError, match=r"cannot write .*n\.onnx: No space left on device"):
        chain(seed=1).save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["n.onnx"]
    assert load(path) == chain(seed=0)


def test_interrupted_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def interrupt(fd: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*gone/a: No such file or directory"):
        write_atomic(tmp_path / "gone" / "a", b"x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"):
        write_atomic(tmp_path / "a", b"x")


def test_target_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_atomic(tmp_path / "a", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_pipe_is_written_to_not_replaced(tmp_path: Path) -> None:
    pipe, received = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomic(pipe, b"x")
    reader.join(10)
    assert received == [b"x"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    (tmp_path / "folder").symlink_to("folder")
    write_atomic(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"
    with pytest.raises(InputError, match="Too many levels of symbolic links"):
        write_atomic(tmp_path / "folder" / "b", b"x")


def test_name_too_long(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="File name too long"):
        write_atomic(tmp_path / ("a" * 300), b"x")


LEFT = (".a.k1l2m3n4.tmp", ".a.k1l2m3n5.tmp")
OTHERS = (".a.mine.tmp", ".a.b.k1l2m3n4.tmp", ".b.k1l2m3n4.tmp", "a.k1l2m3n4.tmp")


def test_what_killed_writers_left_goes_and_nothing_else(tmp_path: Path) -> None:
    for name in (*LEFT, *OTHERS):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / ".a.k1l2m3n6.tmp").symlink_to(tmp_path / OTHERS[0])
    write_atomic(tmp_path / "a", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*OTHERS, ".a.k1l2m3n6.tmp", "a"])


WRITER = """
import os, sys
from pathlib import Path
from neurodeploy import files

def waiting(descriptor):
    print("ready", flush=True)
    sys.stdin.readline()

files.os.fsync = waiting
files.write_atomic(Path(sys.argv[1]), b"first")
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has written its temporary file for `a` and waits for a line before it goes on."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_another_process_may_be_writing(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    write_atomic(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert len(list(tmp_path.iterdir())) == 2
    writer.communicate("go on\n")
    assert writer.returncode == 0
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_another_process_was_killed(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    writer.kill()
    writer.wait()
    assert len(list(tmp_path.iterdir())) == 1
    write_atomic(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_taken_for_left_over_before_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, names = tempfile.mkstemp, list[str]()

    def make_and_lose(**where: Any) -> tuple[int, str]:
        made = make(**where)
        names.append(made[1])
        if len(names) == 1:
            remove_unfinished(tmp_path / "a")
        return made

    monkeypatch.setattr(tempfile, "mkstemp", make_and_lose)
    write_atomic(tmp_path / "a", b"x")
    assert len(names) == 2
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"x")]


def test_where_files_cannot_be_locked_all_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / LEFT[0]).touch()
    write_atomic(tmp_path / "a", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == [LEFT[0], "a"]


def test_a_pipe_is_written_to_directly() -> None:
    reader, writer = os.pipe()
    try:
        write_atomic(Path(f"/dev/fd/{writer}"), b"whole")
        assert os.read(reader, 10) == b"whole"
    finally:
        os.close(reader)
        os.close(writer)
