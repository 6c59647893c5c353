"""One layer of a `.net` file, as it is read."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.frontends.netx.fields import Fields


@dataclass(frozen=True, slots=True)
class Layer:
    """Its place in the file, its type, its fields, and those of its neurons; `last` where no other follows."""

    index: int
    kind: str
    fields: Fields
    neuron: Fields | None
    last: bool

    @property
    def where(self) -> str:
        """How errors and notes call it."""
        return self.fields.where
