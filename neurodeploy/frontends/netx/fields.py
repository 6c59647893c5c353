"""The fields of one layer, typed: each is taken once, and what is left over was not understood."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.hdf5 import Group, Value
from neurodeploy.ir.op import Int64Array

LONGEST_WORD = 100


class Fields:
    """Fields by name; `where` says which layer of which file this is, for errors and notes.

    Every method raises `InputError` naming the field, what it holds and what it must hold.
    """

    def __init__(self, where: str, values: Mapping[str, Value]) -> None:
        self.where = where
        self._left = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def integers(self, name: str) -> Int64Array:
        """A required array of integers, whatever number type they are stored in."""
        raw = self._take(name)
        if isinstance(raw, str) or raw.dtype.kind == "U":
            raise self.fail(f"{name} must be numbers, not a text")
        if raw.size == 0:
            raise self.fail(f"{name} is empty (shape {raw.shape})")
        bad = ~np.isfinite(raw)
        if bad.any():
            raise self.fail(
                f"{name} holds {np.count_nonzero(bad)} of {raw.size} values that are NaN or infinite"
            )
        bad = (np.rint(raw) != raw) | (np.abs(raw.astype(np.float64)) >= 1 << 31)
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.fail(
                f"{name} holds {np.count_nonzero(bad)} of {raw.size} values that are no 32-bit integers, first "
                f"{raw[first]:g}{f' at {list(first)}' if first else ''}; lava-dl would cut them off. "
                "Export a quantized network"
            )
        return raw.astype(np.int64)

    def integer(self, name: str) -> int:
        """A required single integer."""
        values = self.integers(name)
        if values.size != 1:
            raise self.fail(f"{name} must be one integer, not {values.size}")
        return int(values.ravel()[0])

    def pair(self, name: str) -> tuple[int, int]:
        """Two integers, (height, width), or one that stands for both."""
        values = self.integers(name).ravel()
        if values.size not in (1, 2) or values.min() < 0:
            raise self.fail(f"{name} must be two integers that are not negative, not {values.tolist()[:8]}")
        return int(values[0]), int(values[-1])

    def shape(self) -> tuple[int, ...]:
        """The field `shape`: one extent, or channels, height and width."""
        values = self.integers("shape").ravel()
        if values.size not in (1, 3) or values.min() < 1:
            raise self.fail(f"shape must be 1 or 3 positive extents, not {values.tolist()[:8]}")
        return tuple(values.tolist())

    def truth(self, name: str) -> bool:
        """A required yes or no."""
        value = self.integer(name)
        if value not in (0, 1):
            raise self.fail(f"{name} must be true or false, not {value}")
        return bool(value)

    def word(self, name: str) -> str:
        """A required text, alone or in an array of one."""
        text = single_text(self._take(name))
        if text is None:
            raise self.fail(f"{name} must be one plain word")
        return text

    def drop(self, *names: str) -> list[str]:
        """Take fields that do not matter here; returns those that were there."""
        there = [name for name in names if name in self._left]
        for name in there:
            self._take(name)
        return there

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._left:
            raise UnsupportedError(
                f"{self.where}: unknown field {', '.join(map(repr, sorted(self._left)))}; what it means is not known"
            )

    def fail(self, problem: str) -> InputError:
        """The error of a field that is not what it must be."""
        return InputError(f"{self.where}: {problem}")

    def _take(self, name: str) -> Value:
        if name not in self._left:
            raise self.fail(f"there is no field {name!r}")
        return self._left.pop(name)


def single_text(value: Value | None) -> str | None:
    """The text, alone or in an array of one, if that is what the value is and it is a plain word."""
    if isinstance(value, np.ndarray):
        value = str(value.ravel()[0]) if value.dtype.kind == "U" and value.size == 1 else None
    return value if value is not None and len(value) <= LONGEST_WORD and value.isprintable() else None


def layer_fields(where: str, group: Group) -> tuple[Fields, Fields | None]:
    """The fields of a layer and those of its neurons, if it has any; refuses groups that are neither."""
    for name in sorted(set(group.groups) - {"neuron"}):
        parts = group.groups[name]
        if name == "weight" and "imag" in parts.values:
            raise UnsupportedError(
                f"{where}: its weights are complex (resonate-and-fire neurons), which is not supported"
            )
        raise UnsupportedError(f"{where}: unknown group {name!r}; what it means is not known")
    neuron = group.groups.get("neuron")
    if neuron is not None and neuron.groups:
        raise UnsupportedError(
            f"{where}: unknown group 'neuron/{sorted(neuron.groups)[0]}'; what it means is not known"
        )
    fields = Fields(where, group.values)
    return fields, None if neuron is None else Fields(f"{where}, neuron", neuron.values)
