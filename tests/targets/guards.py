"""Guard bytes around every buffer of the compiled engine: what machine code must not touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.targets.engine.compiled import memory, pack, program
from neurodeploy.targets.engine.compiled import run as compiled_run

GUARD = 128
PATTERN = 0xA5


@contextmanager
def guarded() -> Iterator[Callable[[], int]]:
    """Within it, buffers of the engine lie between guard bytes; the function counts buffers whose guards changed.

    The bytes behind a buffer that may be read hold the pattern, too, so that a result that depends on them shows.
    """
    whole: list[tuple[npt.NDArray[np.uint8], int, int]] = []

    def buffer(elements: int, dtype: npt.DTypeLike, fill: int = 0) -> npt.NDArray[Any]:
        number = np.dtype(dtype)
        size = elements * number.itemsize
        raw = np.full(size + 2 * GUARD + memory.ALIGNMENT, PATTERN, np.uint8)
        first = GUARD + -(raw.ctypes.data + GUARD) % memory.ALIGNMENT
        whole.append((raw, first, first + size))
        found = raw[first : first + size].view(number)
        found[:] = fill
        return found

    def broken() -> int:
        return sum(bool((raw[:a] != PATTERN).any() or (raw[b:] != PATTERN).any()) for raw, a, b in whole)

    with pytest.MonkeyPatch.context() as patch:
        for module in (memory, pack, program):
            patch.setattr(module, "buffer", buffer)
        patch.setattr(compiled_run, "_ready", [])
        yield broken
