"""Composed maps as operations of the graph: here, and only here, their weights are rounded to float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodeploy.ir import Conv, Dense
from neurodeploy.passes.compose.maps import Array, WindowMap


def dense(weight: Array) -> Dense:
    """Synapses of a matrix `(out, in)`, without bias."""
    rounded: Any = weight
    return Dense(rounded, np.zeros(len(weight), np.float32))


def conv(window: WindowMap) -> Conv:
    """Synapses of a convolution, without bias."""
    rounded: Any = window.weight
    zeros = np.zeros(len(window.weight), np.float32)
    return Conv(rounded, zeros, window.stride, window.padding, window.dilation, window.groups)
