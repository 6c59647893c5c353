"""A number, or a property, with where it comes from and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

ValueT = TypeVar("ValueT")
Text = Annotated[str, msgspec.Meta(min_length=1)]
Grade = Literal["certain", "approx", "unknown"]
Basis = Literal["spec", "silicon-fit", "simulated", "scaled", "derived"]


class Quantity(msgspec.Struct, Generic[ValueT], frozen=True, forbid_unknown_fields=True):
    """A known number with its unit ('1' where it has none).

    `grade`: 'certain' is public and sure, 'approx' second-hand or conflicting. `basis`: what the number was made
    from. `source`: the document, or the file of open code, that states it.
    """

    value: ValueT
    unit: Text
    grade: Literal["certain", "approx"]
    basis: Basis
    source: Text


class Limit(msgspec.Struct, Generic[ValueT], frozen=True, forbid_unknown_fields=True):
    """A number like `Quantity`, or one that is not public: grade 'unknown' and no value."""

    unit: Text
    grade: Grade
    basis: Basis
    source: Text
    value: ValueT | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.grade == "unknown"):
            raise ValueError(
                "a number of grade 'certain' or 'approx' must have a value, one of grade 'unknown' none"
            )


class Property(msgspec.Struct, Generic[ValueT], frozen=True, forbid_unknown_fields=True):
    """A word, or several, out of a fixed set: what a chip does, not how much of it."""

    value: ValueT
    grade: Literal["certain", "approx"]
    basis: Basis
    source: Text


def number(entry: Quantity[Any] | Limit[Any] | Property[Any]) -> str:
    """Value and unit as text: '8192 neurons', '3.55e-11 J', 'unknown'."""
    if entry.value is None:
        return "unknown"
    unit = "" if isinstance(entry, Property) or entry.unit == "1" else f" {entry.unit}"
    return f"{_plain(entry.value)}{unit}"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"({_plain(one)})" if isinstance(one, tuple) else _plain(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
