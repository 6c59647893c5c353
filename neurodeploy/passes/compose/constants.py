"""Constants of linear layers: biases of the neurons where that is the same, else currents of a pacemaker.

    u[t] = decay v[t-1] + j[t] + bias,    j[t] = current_decay j[t-1] + I[t]

A constant in I is a bias only where current_decay is 0 and if it is there from step 0 on. A pacemaker spikes in
every step, so a weight from it is a constant current; from a delayed pacemaker, one that starts later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import LIF, Conv, Dense, Readout, Shape
from neurodeploy.passes.compose.maps import Array, WindowMap, compact
from neurodeploy.passes.compose.synapses import conv, dense
from neurodeploy.passes.compose.unrolling import constants


@dataclass(frozen=True, slots=True, eq=False)
class Constants:
    """`neurons` with the constants that are biases, and the others by the step from which on they are added."""

    neurons: LIF | Readout
    currents: Mapping[int, Array]


def divided(neurons: LIF | Readout, given: Mapping[int, Array]) -> Constants:
    """Put the constants where they belong; `given` by the step from which on they are added, each `shape`."""
    if not given:
        return Constants(neurons, {})
    keeps = np.broadcast_to(neurons.current_decay > 0, neurons.shape)
    now = np.broadcast_to(given.get(0, np.zeros(())), neurons.shape)
    bias = compact(np.broadcast_to(neurons.bias + np.where(keeps, 0.0, now), neurons.shape))
    currents = {**given, 0: np.where(keeps, now, 0.0)}
    return Constants(
        replace(neurons, bias=bias),
        {
            steps: np.broadcast_to(currents[steps], neurons.shape)
            for steps in sorted(currents)
            if currents[steps].any()
        },
    )


def pacemaker(shape: Shape) -> LIF:
    """Neurons without synapses that spike in every step."""
    return LIF(shape, 0.0, 1.0, "zero", "ge", bias=1.0)


def from_pacemaker(values: Array) -> tuple[Shape, Dense | Conv]:
    """Shape of a pacemaker, and synapses from it whose current is `values` in every step.

    - `(n,)`: a pacemaker `(1,)` and a matrix of one column;
    - `(C, *spatial)`: a pacemaker `(1, *spatial)` and `border_kernels`: 1x1 if values differ by channel alone;
    - where these do not do, a pacemaker of one neuron and a kernel of which each place sees one element.
    """
    if values.ndim == 1:
        return (1,), dense(values[:, np.newaxis])
    if values.ndim > 3:
        raise UnsupportedError(
            f"no synapses carry a constant of {values.ndim - 1} spatial axes {values.shape}; flatten it"
        )
    one = border_kernels(values) or constants(values)
    return one.given, conv(one)


def border_kernels(values: Array) -> WindowMap | None:
    """A convolution of ones `(1, *spatial)` that gives `values` `(C, *spatial)`, if they differ at borders alone.

    Along an axis, let v be the same from b to n - 1 - b. A kernel w of 2 b + 1 taps with padding b sees all ones in
    there, and loses w[0] + ... + w[b - 1 - y] at y < b. So w[j] = v[b - j] - v[b - 1 - j] for j < b, likewise from
    the other end, and w[b] = v[b] - the others. None if an axis is too short.
    """
    given, kernel = (1, *values.shape[1:]), values
    padding = tuple(_border(values, axis) for axis in range(1, values.ndim))
    if any(2 * b >= n for b, n in zip(padding, given[1:], strict=True)):
        return None
    for axis, b in enumerate(padding, 1):
        kernel = np.moveaxis(_taps(np.moveaxis(kernel, axis, 0), b), 0, axis)
    ones = (1,) * len(padding)
    return WindowMap(kernel[:, np.newaxis], ones, (*padding, *padding), ones, 1, given)


def _border(values: Array, axis: int) -> int:
    """Least b such that the values are equal from b to n - 1 - b along an axis."""
    along = np.moveaxis(values, axis, 0)
    middle = along[len(along) // 2]
    differs = np.flatnonzero((along != middle).reshape(len(along), -1).any(axis=1))
    return max((min(int(i), len(along) - 1 - int(i)) + 1 for i in differs), default=0)


def _taps(v: Array, b: int) -> Array:
    first, last = np.diff(v[: b + 1], axis=0)[::-1], np.diff(v[::-1][: b + 1], axis=0)
    middle = v[b] - first.sum(axis=0) - last.sum(axis=0)
    return np.concatenate([first, middle[np.newaxis], last])
