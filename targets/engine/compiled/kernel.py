"""The machine's code: compiled once for a processor, kept on disk, loaded without numba.

A file holds an object file behind its digest. Its name is a digest of all that the code depends on: our source, the
versions and settings of the compilers, the processor. So nothing old is ever loaded, and processes that compile at the
same time write the same file. Loading a file marks it as used; who writes one removes those that nobody used for
`UNUSED_DAYS`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from ctypes import CFUNCTYPE, byref, c_int32, c_int64, c_void_p, cast, memmove, memset
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from time import time
from typing import Any

import numpy as np
from llvmlite import binding

from neurodeploy.errors import InputError
from neurodeploy.files import write_atomic
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, DECAY_BITS
from neurodeploy.targets.engine.compiled.processor import processor

ENTRY = "neurodeploy_execute"
"""Name of the function in an object file."""
UNUSED_DAYS = 30
"""Files of other versions and processors are kept as long after their last use."""
SOURCES = ("emit", "dot", "lif", "pointers", "processor", "table", "synapses", "neurons", "execute")
"""Files of this folder that the code is made from."""

SETTINGS = tuple(
    f"NUMBA_{name}" for name in ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO")
)
"""Variables by which numba makes other code."""

EXTERNAL: dict[str, Any] = {"memset": memset, "memmove": memmove, "memcpy": memmove}
"""Functions of the C library that it calls."""

_log = logging.getLogger("neurodeploy.engine")
_lock = Lock()
_loaded: dict[str, Kernel] = {}


def kernel(number: np.dtype[Any]) -> Kernel:
    """What executes tables of currents and potentials of this type; says so where it must be compiled first."""
    with _lock:
        if number.name not in _loaded:
            _loaded[number.name] = Kernel(_found(number) or _made(number))
        return _loaded[number.name]


def is_compiled(number: np.dtype[Any]) -> bool:
    """True where `kernel` need not compile."""
    return number.name in _loaded or _found(number) is not None


def _found(number: np.dtype[Any]) -> bytes | None:
    """The object file on disk, unless it is damaged."""
    path = _path(number)
    try:
        content = path.read_bytes() if path else b""
    except OSError:
        return None
    if path is None or content[:32] != hashlib.sha256(content[32:]).digest():
        return None
    with suppress(OSError):  # a file that may only be read
        os.utime(path)
    return content[32:]


def _made(number: np.dtype[Any]) -> bytes:
    """The object file, compiled now, and kept where that is possible."""
    path = _path(number)
    kept = f"kept in {path.parent}" if path else "not kept: no folder for caches (set XDG_CACHE_HOME)"
    _log.warning("compiling the engine for this processor, some 10 s; %s", kept)
    content = _compiled(number)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, hashlib.sha256(content).digest() + content)
            _remove_unused(path.parent)
        except (OSError, InputError) as error:
            _log.warning("the compiled engine is not kept: %s", error)
    return content


def _remove_unused(folder: Path) -> None:
    """Remove what no process loaded or wrote for `UNUSED_DAYS`; one that still runs has its code in memory."""
    oldest = time() - UNUSED_DAYS * 24 * 3600
    for path in folder.glob("*.object*"):
        with suppress(OSError):  # another process may be removing it, too
            if path.stat().st_mtime < oldest:
                path.unlink()


def _compiled(number: np.dtype[Any]) -> bytes:
    from neurodeploy.targets.engine.compiled.emit import object_file

    return object_file(number)


class Kernel:
    """The function of an object file, called with the numbers of `execute.assembly`; keeps the code while it lives."""

    def __init__(self, content: bytes) -> None:
        library = binding.JITLibraryBuilder().add_object_img(content).export_symbol(ENTRY)
        for name, function in EXTERNAL.items():
            library.import_symbol(name, cast(function, c_void_p).value)
        self._library = library.link(binding.create_lljit_compiler(processor().machine()), "neurodeploy")
        self._entry = CFUNCTYPE(c_int32, c_void_p, c_void_p, *[c_int64] * 7)(self._library[ENTRY])

    def __call__(self, *numbers: int) -> None:
        """Run a window."""
        nothing = c_void_p()
        self._entry(byref(nothing), byref(nothing), *numbers)


def _path(number: np.dtype[Any]) -> Path | None:
    folder = _folder()
    return folder and folder / f"{_digest(number.name)}.object"


def _folder() -> Path | None:
    """The user's caches; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurodeploy" / "engine"
    except RuntimeError:
        return None


@cache
def _digest(number: str) -> str:
    """Of all that the code depends on."""
    made_for = processor()
    parts = [number, made_for.triple, made_for.name, made_for.features, version("numba"), version("llvmlite")]
    parts += [f"{DECAY_BITS} {CURRENT_SHIFT}", *(f"{name}={os.environ.get(name)}" for name in SETTINGS)]
    sources = [(Path(__file__).parent / f"{name}.py").read_bytes() for name in SOURCES]
    return hashlib.sha256(b"\0".join([*(part.encode() for part in parts), *sources])).hexdigest()[:32]
