"""One node of a NIR file and its fields, typed: what is asked for is checked, and what is unknown is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.hdf5 import Group, Value

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields that a kind of node must have, and of those that it may have."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


_CONV = Fields(("weight", "stride", "padding", "dilation", "groups", "bias"), ("input_shape",))
_POOL = Fields(("kernel_size", "stride", "padding"))
KINDS = {
    "Input": Fields(("shape",)),
    "Output": Fields(("shape",)),
    "Affine": Fields(("weight", "bias")),
    "Linear": Fields(("weight",)),
    "Scale": Fields(("scale",)),
    "Conv1d": _CONV,
    "Conv2d": _CONV,
    "SumPool2d": _POOL,
    "AvgPool2d": _POOL,
    "Flatten": Fields(("start_dim", "end_dim")),
    "Delay": Fields(("delay",)),
    "Threshold": Fields(("threshold",)),
    "I": Fields(("r",)),
    "IF": Fields(("r", "v_threshold"), ("v_reset",)),
    "LI": Fields(("tau", "r", "v_leak")),
    "LIF": Fields(("tau", "r", "v_leak", "v_threshold"), ("v_reset",)),
    "CubaLI": Fields(("tau_mem", "tau_syn", "r", "v_leak"), ("w_in",)),
    "CubaLIF": Fields(("tau_mem", "tau_syn", "r", "v_leak", "v_threshold"), ("v_reset", "w_in")),
}
"""Every node of NIR 1.0.8 but NIRGraph, and its fields (nir/ir; `v_reset` since 1.0.5, `w_in` since 1.0)."""
EVERYWHERE = frozenset({"type", "metadata", "input_type", "output_type"})
"""Fields that any node may have."""
MAY_BE_INFINITE = frozenset({"tau", "tau_mem", "tau_syn", "r", "w_in"})
"""Exporters write these for a neuron without leak."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node called `name`, flat: `outer.inner` for one of a nested graph."""

    name: str
    kind: str
    values: dict[str, Value]

    def __contains__(self, field: str) -> bool:
        return field in self.values

    def __str__(self) -> str:
        return f"node '{self.name}' ({self.kind})"

    def numbers(self, field: str) -> FloatArray:
        """An array of numbers: floating types as they are, integers as float64; never NaN."""
        raw = self._array(field)
        array = raw if raw.dtype.kind == "f" else raw.astype(np.float64)
        bad = np.isnan(array) if field in MAY_BE_INFINITE else ~np.isfinite(array)
        if bad.any():
            raise self.fail(
                f"{field} holds {np.count_nonzero(bad)} of {array.size} values that are NaN or infinite"
            )
        return array

    def integers(self, field: str) -> tuple[int, ...]:
        """A few integers, in whatever number type they are stored."""
        raw = self._array(field).ravel()
        if (
            raw.size > 16
            or not np.isfinite(raw).all()
            or (np.rint(raw) != raw).any()
            or (np.abs(raw) >= 1 << 31).any()
        ):
            raise self.fail(f"{field} must be a few integers, not {raw[:16].tolist()} ({raw.size} values)")
        return tuple(int(n) for n in raw)

    def integer(self, field: str) -> int:
        """One integer."""
        found = self.integers(field)
        if len(found) != 1:
            raise self.fail(f"{field} must be one integer, not {list(found)}")
        return found[0]

    def extents(self, field: str, axes: int, least: int) -> tuple[int, ...]:
        """One integer for each of `axes` axes, given as so many, or as one for all; none below `least`."""
        found = self.integers(field)
        if len(found) not in (1, axes) or min(found, default=least) < least:
            raise self.fail(
                f"{field} must be {axes} integers of at least {least}, or one for all, not {list(found)}"
            )
        return found if len(found) == axes else found * axes

    def word(self, field: str) -> str | None:
        """The text in a field that may be one, else None."""
        raw = self.values.get(field)
        return raw if isinstance(raw, str) else None

    def shape(self, field: str) -> tuple[int, ...]:
        """A shape of positive extents."""
        found = self.integers(field)
        if not found or min(found) < 1:
            raise self.fail(f"{field} must be positive extents, not {list(found)}")
        return found

    def fail(self, problem: str) -> InputError:
        """The error of a node that is not what it must be."""
        return InputError(f"{self}: {problem}")

    def refuse(self, problem: str) -> UnsupportedError:
        """The error of a node that is understood, but cannot be taken."""
        return UnsupportedError(f"{self}: {problem}")

    def _array(self, field: str) -> npt.NDArray[Any]:
        raw = self.values[field]
        if isinstance(raw, str) or raw.dtype.kind == "U":
            raise self.fail(f"{field} must be numbers, not text")
        if raw.size == 0:
            raise self.fail(f"{field} is empty (shape {raw.shape})")
        return raw


def make_node(name: str, kind: str, group: Group) -> Node:
    """The node in a group, after its fields were checked by name."""
    node = Node(name, kind, dict(group.values))
    if kind not in KINDS:
        raise node.refuse(f"this kind of node is not read; read are {', '.join(KINDS)} and NIRGraph")
    known = {*KINDS[kind].needed, *KINDS[kind].optional, *EVERYWHERE}
    for field in group.names:
        if field not in known:
            raise node.refuse(f"field '{field}' is unknown; what it means is not known")
        if field in group.groups and field not in EVERYWHERE:
            raise node.fail(f"field '{field}' must be an array, not a group")
    for field in KINDS[kind].needed:
        if field not in group.values:
            raise node.fail(f"field '{field}' is missing")
    return node
