"""What a reader must not do: raise anything but our errors, touch other files, take memory or time without end."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurodeploy.errors import NeurodeployError
from tests.fuzz.readers import Reader
from tests.fuzz.seeds import Case

MEMORY = 1 << 30
"""Bytes that reading one small file may take on top."""
SECONDS = 10
LONGEST_MESSAGE = 20_000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FORBIDDEN = (
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate"),
    *(
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "subprocess.Popen",
        "socket.connect",
        "pickle.find_class",
    ),
)
OF_PYTHON = tuple(
    str(Path(place).resolve()) for place in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])
)
"""Modules may be imported while a file is read."""


class Trespass(Exception):
    """A reader did something that reading a file does not need."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong; two faults with the same `place` are the same."""

    place: str
    text: str


class Guard:
    """Notes what is done to files outside of `folder` while it is set; there is one in a process."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in FORBIDDEN and not str(arguments[0]).startswith(self.folder):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            path, writes = os.path.realpath(os.fsdecode(arguments[0])), bool((arguments[2] or 0) & WRITING)
            own = path.startswith((self.folder, *OF_PYTHON)) and not writes
            if not own:
                self.seen.append(f"opened {path}{' for writing' if writes else ''}")


GUARD = Guard()


def write(folder: Path, case: Case) -> None:
    """The files of a case, into an empty folder."""
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def fault(reader: Reader, folder: Path) -> Fault | None:
    """Read the files in `folder`; what was wrong with how that was done, None where nothing was."""
    GUARD.folder, GUARD.seen = str(folder.resolve()), []
    try:
        reader.read(folder)
    except NeurodeployError as error:
        text = str(error)
        if not text.strip() or "\n" in text or len(text) > LONGEST_MESSAGE:
            return Fault(f"message {_place(error)}", f"not one line: {text[:2000]!r}")
    except Exception as error:
        return Fault(f"{type(error).__name__} {_place(error)}", "".join(traceback.format_exception(error)))
    finally:
        GUARD.folder = None
    return Fault("trespass", "; ".join(GUARD.seen)) if GUARD.seen else None


def _place(error: BaseException) -> str:
    """The last line of our own code that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "neurodeploy" in f.filename and "site-packages" not in f.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].name}"


@contextmanager
def limited() -> Iterator[None]:
    """At most `MEMORY` more bytes of address space; longer than `SECONDS` ends the process by SIGALRM."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, before[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, before)
