"""The groups of synapses into one layer of neurons: the fewest connections that are exactly the given paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Conv, Dense, Shape
from neurodeploy.passes.compose.maps import Array, Chain, MatrixMap, Placing, WindowMap, pointwise
from neurodeploy.passes.compose.merging import as_windows
from neurodeploy.passes.compose.paths import Form, Origin, Path, summed
from neurodeploy.passes.compose.synapses import conv, dense
from neurodeploy.passes.compose.unrolling import unrolled
from neurodeploy.passes.compose.windows import widened

LARGEST_MATRIX = 1 << 25
"""Most weights of a multiplied-out matrix: more than 128 cores of 192 KiB hold at 8 bits."""
LARGEST_UNROLLED = 1 << 28
"""Most multiplications a step for a multiplied-out matrix in the form of a convolution, with those on padding."""
ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Synapses without bias from `origin`, flattened first where `is_flat`; `layers` are those they stand for.

    `is_border`: they take away what another group does too much at a border. `is_matrix`: they are multiplied out,
    because no shared kernel does the same, or because several that do are larger.
    """

    origin: Origin
    op: Dense | Conv
    is_flat: bool
    layers: tuple[str, ...]
    synapses: int
    is_border: bool = False
    is_matrix: bool = False


def groups(form: Form, sources: Mapping[str, Shape]) -> Iterator[Group]:
    """Groups whose summed currents are the paths of `form`; `sources` are the shapes of the origins.

    Raises `UnsupportedError` where a matrix would be too large.
    """
    by_origin: dict[Origin, list[Path]] = {}
    for path in form.paths:
        by_origin.setdefault(path.origin, []).append(path)
    for origin, paths in by_origin.items():
        given = sources[origin.source]
        yield from (
            _dense(paths, given, form.shape) if len(form.shape) == 1 else _shared(paths, given, form.shape)
        )


def _dense(paths: list[Path], given: Shape, shape: Shape) -> Iterator[Group]:
    is_matrix = any(isinstance(one, WindowMap) for path in paths for one in path.chain)
    if is_matrix:
        _check(paths, given, shape, 1, LARGEST_MATRIX, "weights")
    weight = _matrix(paths, given, shape)
    yield Group(
        paths[0].origin, dense(weight), len(given) > 1, _layers(paths), weight.size, is_matrix=is_matrix
    )


def _shared(paths: list[Path], given: Shape, shape: Shape) -> Iterator[Group]:
    """Convolutions; one that is a matrix where a path has no shared kernel, or where several would be more."""
    kept = _windows(paths, given, shape)
    if not kept or _exceed_matrix([window for _, window in kept], given, shape):
        yield _unrolled(paths, given, shape)
        return
    for path, window in kept:
        yield Group(path.origin, conv(window), False, path.layers, window.synapses, path.is_border)


def _exceed_matrix(windows: list[WindowMap], given: Shape, shape: Shape) -> bool:
    """True where several convolutions have more synapses and more weights than the matrix that they add up to."""
    matrix = prod(shape) * prod(given)
    synapses, weights = (
        sum(sizes) for sizes in zip(*((w.synapses, w.weight.size) for w in windows), strict=True)
    )
    return (
        len(windows) > 1 and matrix < min(synapses, weights) and matrix * prod(shape[1:]) <= LARGEST_UNROLLED
    )


def _windows(paths: list[Path], given: Shape, shape: Shape) -> list[tuple[Path, WindowMap]]:
    """Every path as one convolution, merged again; none at all where a path is no convolution."""
    found = [(path, _window(path.chain, given)) for path in paths]
    every = [replace(path, chain=(window,)) for path, window in found if window is not None]
    if len(every) < len(found):
        return []
    kept = summed(every, shape)
    return [(path, one) for path in kept for one in path.chain if isinstance(one, WindowMap)]


def _window(chain: Chain, given: Shape) -> WindowMap | None:
    if chain and isinstance(chain[-1], Placing):
        inner = _window(chain[:-1], given)
        return None if inner is None else _placed(inner, chain[-1])
    if len(chain) > 1:
        return None
    return as_windows(chain[0] if chain else pointwise(1.0, given))


def _placed(inner: WindowMap, placing: Placing) -> WindowMap:
    rows = widened(inner.weight, inner.groups, 1)
    weight = np.zeros((placing.channels, *rows.shape[1:]))
    weight[placing.taken] = rows
    return replace(inner, weight=weight, groups=1)


def _unrolled(paths: list[Path], given: Shape, shape: Shape) -> Group:
    if len(given) not in (2, 3):
        raise UnsupportedError(
            f"synapses take (channel, axis) or (channel, axis, axis), not {given}; flatten it"
        )
    _check(paths, given, shape, prod(shape[1:]), LARGEST_UNROLLED, "multiplications a step")
    weight = _matrix(paths, given, shape)
    op = conv(unrolled(weight, given, shape))
    return Group(paths[0].origin, op, False, _layers(paths), weight.size, is_matrix=True)


def _check(paths: list[Path], given: Shape, shape: Shape, times: int, limit: int, unit: str) -> None:
    needed = prod(shape) * prod(given) * times
    if needed > limit:
        raise UnsupportedError(
            f"the path from '{paths[0].origin.source}' through {', '.join(_layers(paths))} is no convolution, and as a "
            f"matrix of {prod(shape)} x {prod(given)} it needs {needed} {unit}; the limit is {limit} "
            f"({needed / limit:.2g} times as many). Put neurons between these layers, flatten behind the neurons, "
            "or pool without padding"
        )


def _matrix(paths: list[Path], given: Shape, shape: Shape) -> Array:
    """The sum of all paths as a matrix `(size of shape, size of given)`."""
    total = np.zeros((prod(shape), prod(given)))
    for path in paths:
        for begin in range(0, len(total), ROWS_AT_ONCE):
            end = min(begin + ROWS_AT_ONCE, len(total))
            total[begin:end] += _rows(path.chain, begin, end, shape).reshape(end - begin, -1)
    return total


def _rows(chain: Chain, begin: int, end: int, shape: Shape) -> Array:
    if chain and isinstance(chain[-1], MatrixMap):
        rows, chain = chain[-1].weight[begin:end], chain[:-1]
    else:
        rows = np.eye(end - begin, prod(shape), begin).reshape(-1, *shape)
    for one in reversed(chain):
        rows = one.pull(rows)
    return rows


def _layers(paths: list[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(layer for path in paths for layer in path.layers))
