"""The rows of the table that the compiled engine executes: one a layer, 64-bit integers and addresses."""

from __future__ import annotations

import numpy as np

LANES = 16
"""Neurons of one vector of sums."""
INPUTS = 4
"""Inputs of one product."""
BLOCK_ROWS = 6
"""Most rows of input of a block: with four vectors of neurons they fill 24 of the 32 registers."""
BLOCK_WIDTH = 4 * LANES
"""Most neurons of a block."""

DOT, CHANNELS, DIRECT, NEURONS, ADD, GATHER, DELAY = range(7)
"""Kinds of rows: synapses by products of bytes, of each channel alone, or one by one; neurons; sums of two groups;
another order of the neurons; a delay line."""

SUBTRACT, ZERO, NONE = range(3)
UNCHECKED, SATURATE, WRAP = range(3)

_COMMON = ("kind", "once", "moving", "source", "target", "size", "wide", "overflows")
"""`once`: computed in the first window only; `moving`: 1 if the source differs from step to step;
`size`: numbers of one sample in the source (ADD, GATHER, DELAY, NEURONS: and in the target); `wide`: the signal is
int64, not bytes."""
_SYNAPSES = (
    *("out", "exponent", "offset", "weight", "start", "segments", "quads", "offsets"),
    *("scratch", "padded", "zero", "at_once", "bases", "sums", "active", "sparse_below"),
    *("rows", "columns", "height", "width", "channels", "top", "left", "padded_width"),
    *("stride_y", "stride_x", "kernel_y", "kernel_x", "dilation_y", "dilation_x", "groups", "dense"),
)
_NEURONS = (
    *("u", "v", "waiting", "membrane", "driven"),
    *("keep_u", "keep_v", "bias", "fire_at", "subtracts", "v_min"),
    *("remembers", "clears", "reset", "max_spikes", "refractory", "floors"),
    *("check_u", "low_u", "high_u", "check_v", "low_v", "high_v"),
    *("by_vectors", "floor_u", "ceiling_u", "mask_u", "base_u", "floor_v", "ceiling_v", "mask_v", "base_v"),
    *("to_zero", "clears_mask"),
)
_OTHER = ("second", "second_moving", "order", "delay")

ROW = np.dtype([(name, np.int64) for name in (*_COMMON, *_SYNAPSES, *_NEURONS, *_OTHER)])
STAGE = np.dtype([(name, np.int64) for name in ("first", "last", "cyclic")])
