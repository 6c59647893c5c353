"""Writing files so that a reader never meets half of one, and none stays behind."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neurodeploy.errors import InputError

_RANDOM = r"[a-z0-9_]{8}"
"""What `tempfile` puts into names."""


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, flush it to disk, then rename it over `path`.

    What killed writers of `path` left goes first. A link is followed; a device or pipe is written to directly. Raises
    `InputError` where the folder is missing or cannot be written; `path` is then as it was.
    """
    try:
        if path.exists() and not path.is_file():  # before links are followed: a pipe's leads nowhere
            path.write_bytes(content)
            return
        path = Path(os.path.realpath(path))  # `Path.resolve` raises RuntimeError for links in a circle
        remove_unfinished(path)
        with _temporary(path) as (descriptor, temporary):
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def is_unfinished(path: Path, name: str) -> bool:
    """True where `path` is named as `write_atomic` names the temporary files of a file `name`."""
    return re.fullmatch(rf"\.{re.escape(name)}\.{_RANDOM}\.tmp", path.name) is not None


def remove_unfinished(path: Path) -> None:
    """Remove the temporary files of writers of `path` that were killed; those of living ones are locked and stay."""
    with suppress(OSError):
        for left in path.parent.iterdir():
            if left.name.startswith(f".{path.name}.") and is_unfinished(left, path.name):
                _remove_unlocked(left)


def _remove_unlocked(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, Path]]:
    """A new file beside `path`, locked until it is renamed or goes. One that was taken for left over is made again."""
    made = False
    while not made:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with suppress(OSError):  # where nothing can be locked, nothing is known to be left over: all stay
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            made = os.fstat(descriptor).st_nlink > 0
            if made:
                yield descriptor, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
