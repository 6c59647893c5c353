"""The options of a model's notation: `NAME=VALUE`, separated by commas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from neurodeploy.errors import UsageError

MAX_SIZE = 1 << 20
"""Largest extent of any layer."""

_MAX_THRESHOLD = 1e30
Read = Callable[[str], Any]
"""Reads a value; `ValueError` saying what it must be."""


def parse_options(model: str, options: Sequence[str], readers: Mapping[str, Read]) -> dict[str, Any]:
    """The values of `options` by name; `UsageError` naming `model`, the option and what there is."""
    chosen: dict[str, Any] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in readers:
            raise UsageError(f"model {model}: no option {option!r}. There are {', '.join(readers)}")
        if name in chosen:
            raise UsageError(f"model {model}: option {name} is given twice")
        try:
            chosen[name] = readers[name](value)
        except ValueError as error:
            raise UsageError(f"model {model}: {name} must be {error}, not {value!r}") from None
    return chosen


def shape(text: str) -> tuple[int, ...]:
    """`CxHxW` or `HxW`."""
    parts = text.split("x")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() and len(p) <= 7 for p in parts):
        raise ValueError("CHANNELSxHEIGHTxWIDTH, such as 3x32x32")
    extents = tuple(map(int, parts))
    if not 0 < min(extents) <= max(extents) <= MAX_SIZE:
        raise ValueError(f"extents of 1..{MAX_SIZE}")
    return extents


def image_shape(text: str) -> tuple[int, ...]:
    """`CxHxW`."""
    extents = shape(text)
    if len(extents) != 3:
        raise ValueError("CHANNELSxHEIGHTxWIDTH, such as 3x32x32")
    return extents


def count(text: str) -> int:
    """A number of channels or classes, 1 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= 7 and 0 < int(text) <= MAX_SIZE):
        raise ValueError(f"an integer of 1..{MAX_SIZE}")
    return int(text)


def padding(text: str) -> int:
    """Rows and columns of zeros around an image."""
    return 0 if text == "0" else count(text)


def decay(text: str) -> float:
    """The share of the potential kept per step, in [0, 1]."""
    return _number(text, 0.0, 1.0, "in [0, 1]")


def probability(text: str) -> float:
    """A share of neurons, 0 or more and below 1."""
    value = _number(text, 0.0, 1.0, "0 or more and below 1")
    if value == 1.0:
        raise ValueError("0 or more and below 1")
    return value


def threshold(text: str) -> float:
    """A firing threshold."""
    return _number(text, 5e-324, _MAX_THRESHOLD, f"positive and at most {_MAX_THRESHOLD:g}")


def _number(text: str, low: float, high: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number " + wanted) from None
    if not (isfinite(value) and low <= value <= high):
        raise ValueError(wanted)
    return value


def choice(*values: str) -> Read:
    """One of these words."""

    def read(text: str) -> str:
        if text not in values:
            raise ValueError(" or ".join(values))
        return text

    return read
