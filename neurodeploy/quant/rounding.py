"""From weights on a real grid to integers: nearest, stochastic, truncating, or with compensation (GPTQ).

Every function takes `x` `(out, in)`, weights in units of the grid's step, and the largest integer m, and returns
integers of magnitude at most m as float64.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rounding = Literal["nearest", "gptq", "stochastic", "truncate"]
DAMPING = 0.01
"""Share of the mean variance that is added to every input's, so that the covariance can be inverted."""
BLOCK = 128
"""Columns whose errors are passed on together."""


def nearest(x: Array, most: int) -> Array:
    """Half to even."""
    return _clipped(np.rint(x), most)


def truncate(x: Array, most: int) -> Array:
    """Toward zero, as Lava's weights lose their low bits."""
    return _clipped(np.trunc(x), most)


def stochastic(x: Array, most: int, rng: np.random.Generator) -> Array:
    """Up with the probability of the fraction: right on average."""
    low = np.floor(x)
    return _clipped(low + (rng.random(x.shape) < x - low), most)


def gptq(x: Array, most: int, moments: Array) -> Array:
    """Nearest, one input after the other; the inputs that follow make up for the error of each.

    With H = E[s s^T] of the inputs s, the weights q minimise approximately E |(x - q) s|^2: after input i is rounded,

        x[:, j] -= (x[:, i] - q[:, i]) U[i, j] / U[i, i]   for j > i,      U upper triangular with U^T U = H^-1

    Inputs are taken in the order of their power, largest first, so that the many rare ones make up for the few
    frequent ones. `moments` H `(in, in)`. Source: Frantar et al., GPTQ, ICLR 2023, algorithm 1, with the
    covariance of spikes in place of activations.
    """
    power = np.diag(moments)
    order = np.argsort(-power, kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(len(power)) * max(DAMPING * float(power.mean()), 1e-12)
    upper = inverse_factor(damped)
    left = x[:, order].astype(np.float64)
    rounded = np.empty_like(left)
    for first in range(0, len(power), BLOCK):
        block = slice(first, min(first + BLOCK, len(power)))
        errors = _round_block(left, rounded, upper, block, most)
        left[:, block.stop :] -= errors @ upper[block, block.stop :]
    result = np.empty_like(rounded)
    result[:, order] = rounded
    return result


def inverse_factor(h: Array) -> Array:
    """The upper triangular U with U^T U = H^-1, of a positive definite H.

    H = R R^T with R upper triangular is the Cholesky factorization of H with its axes reversed; U = R^-1.
    """
    return _inverse(np.linalg.cholesky(h[::-1, ::-1])[::-1, ::-1])


def _inverse(r: Array) -> Array:
    """The inverse of an upper triangular matrix, by halves: [[A, B], [0, D]] -> [[A', -A' B D'], [0, D']]."""
    if len(r) <= BLOCK:
        small: Array = np.triu(np.linalg.inv(r))
        return small
    half = len(r) // 2
    result = np.zeros_like(r)
    result[:half, :half], result[half:, half:] = _inverse(r[:half, :half]), _inverse(r[half:, half:])
    result[:half, half:] = -result[:half, :half] @ (r[:half, half:] @ result[half:, half:])
    return result


def _round_block(left: Array, rounded: Array, upper: Array, block: slice, most: int) -> Array:
    errors = np.empty((len(left), block.stop - block.start))
    for i in range(block.start, block.stop):
        rounded[:, i] = nearest(left[:, i], most)
        error = (left[:, i] - rounded[:, i]) / upper[i, i]
        left[:, i + 1 : block.stop] -= np.outer(error, upper[i, i + 1 : block.stop])
        errors[:, i - block.start] = error
    return errors


def _clipped(x: Array, most: int) -> Array:
    clipped: Array = np.clip(x, -most, most)
    return clipped
