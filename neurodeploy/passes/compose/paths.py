"""A result between two layers of neurons: a sum over paths from its sources, and a constant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from neurodeploy.ir import Shape
from neurodeploy.passes.compose.fusion import extended
from neurodeploy.passes.compose.maps import Array, Chain, Map
from neurodeploy.passes.compose.merging import merged


class Origin(NamedTuple):
    """What a path starts from: the result of `source`, `steps` steps ago."""

    source: str
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """`chain` applied to the result of `origin`; `layers` are those on the way. `is_border`: see `windows`."""

    origin: Origin
    chain: Chain
    layers: tuple[str, ...]
    is_border: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The sum of `paths` and `constants`: by d, an array of `shape` that is added from step d on."""

    shape: Shape
    paths: tuple[Path, ...]
    constants: Mapping[int, Array] = field(default_factory=dict)

    def through(self, layer: str, *maps: Map) -> Form:
        """This form behind the maps of a layer."""
        form = self if maps else replace(self, paths=tuple(_passed(path, layer) for path in self.paths))
        for one in maps:
            paths = tuple(longer for path in form.paths for longer in _through(path, layer, one))
            constants = {steps: one.push(value[np.newaxis])[0] for steps, value in form.constants.items()}
            form = Form(one.shape, summed(paths, one.shape), constants)
        return form

    def later(self, layer: str, steps: int) -> Form:
        """This form `steps` steps later: zeros come first, so that a constant starts later too."""
        delayed = tuple(
            replace(_passed(p, layer), origin=Origin(p.origin.source, p.origin.steps + steps))
            for p in self.paths
        )
        return Form(self.shape, delayed, {steps + first: value for first, value in self.constants.items()})

    def plus(self, constant: Array) -> Form:
        """This form and a constant that broadcasts to its shape."""
        return self if not constant.any() else total(self.shape, (self, Form(self.shape, (), {0: constant})))


def _passed(path: Path, layer: str) -> Path:
    return path if path.layers[-1:] == (layer,) else replace(path, layers=(*path.layers, layer))


def _through(path: Path, layer: str, one: Map) -> Iterable[Path]:
    chains = extended(path.chain, one)
    for i, chain in enumerate(chains):
        yield replace(_passed(path, layer), chain=chain, is_border=path.is_border or i > 0)


def total(shape: Shape, forms: Iterable[Form]) -> Form:
    """The sum of forms of one shape."""
    every = tuple(forms)
    constants: dict[int, Array] = {}
    for form in every:
        for steps, value in form.constants.items():
            constants[steps] = constants.get(steps, np.zeros(shape)) + value
    return Form(shape, summed((path for form in every for path in form.paths), shape), constants)


def summed(paths: Iterable[Path], shape: Shape) -> tuple[Path, ...]:
    """Paths with the same sum; those from one origin as few as `merged` can make them."""
    kept: list[Path] = []
    for path in paths:
        for i, other in enumerate(kept):
            chain = merged(other.chain, path.chain, shape) if other.origin == path.origin else None
            if chain is not None:
                kept[i] = _joined(other, path, chain)
                break
        else:
            kept.append(path)
    return tuple(kept)


def _joined(a: Path, b: Path, chain: Chain) -> Path:
    layers = (*a.layers, *(layer for layer in b.layers if layer not in a.layers))
    return Path(a.origin, chain, layers, a.is_border and b.is_border)
