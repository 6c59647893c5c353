"""Makes lava-nc 0.10.0 importable on Python 3.11 to 3.13 and numpy 2.4.

`missing` looks for Lava without importing it; `prepare` imports Lava's core with its two faults repaired
and must run before any other import of Lava. Importing Lava sets the start method of multiprocessing to
'fork' for the whole program, which is why only the worker process does it.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

LAVA_VERSION = "0.10.0"
_NEEDED = ("scipy", "asteval")
_UNHASHABLE = "lava.magma.compiler.var_model"
_PORTS = "lava.magma.core.process.ports.ports"
_FIX = "run: neurodeploy doctor --fix"


def missing() -> str | None:
    """None when Lava can run here, else what is missing and the command that installs it."""
    if sys.platform == "win32":
        return "Lava runs on Linux and macOS only; use the engine, or Windows' Subsystem for Linux"
    try:
        found = version("lava-nc")
    except PackageNotFoundError:
        return f"lava-nc {LAVA_VERSION} is not installed; {_FIX}"
    if found != LAVA_VERSION:
        return f"lava-nc is {found}, but {LAVA_VERSION} is needed; {_FIX}"
    absent = [name for name in _NEEDED if find_spec(name) is None]
    return f"lava-nc needs what is not installed: {', '.join(absent)}; {_FIX}" if absent else None


def prepare() -> None:
    """Import Lava's core, repaired; doing it again changes nothing."""
    _import_var_model()
    _repair_reshape_ports()


def _import_var_model() -> None:
    # Python 3.11 refuses a dataclass default whose class has no hash, and a dataclass with == has none.
    if _UNHASHABLE in sys.modules:
        return
    original = dataclasses.dataclass
    dataclasses.dataclass = partial(_hashable_dataclass, original)
    try:
        importlib.import_module(_UNHASHABLE)
    finally:
        dataclasses.dataclass = original


def _hashable_dataclass(original: Callable[..., Any], cls: type | None = None, /, **options: Any) -> Any:
    """The decorator `dataclass`; classes of the one faulty module also get their identity as hash."""

    def decorate(decorated: type) -> type:
        made: type = original(**options)(decorated)
        if made.__module__ == _UNHASHABLE and made.__hash__ is None:
            made.__hash__ = object.__hash__
        return made

    return decorate if cls is None else decorate(cls)


def _repair_reshape_ports() -> None:
    # numpy 2.4 dropped the keyword `newshape` that these two methods use.
    port = importlib.import_module(_PORTS).ReshapePort
    port.get_transform_func_fwd = lambda self: partial(_reshape, shape=self.shape)
    port.get_transform_func_bwd = lambda self: partial(_reshape, shape=self.old_shape)


def _reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return np.reshape(x, shape)
