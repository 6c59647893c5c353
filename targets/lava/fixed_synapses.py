"""Synapses whose weights stay, as Lava's own processes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodeploy.targets.lava.process_graph import LavaSignMode, Process

DENSE, SPARSE = "lava.proc.dense.process:Dense", "lava.proc.sparse.process:Sparse"
DELAYED = {
    DENSE: "lava.proc.dense.process:DelayDense",
    SPARSE: "lava.proc.sparse.process:DelaySparse",
}


def fixed_synapses(weights: Any, exponent: int, low: int, high: int, wait: int = 0) -> Process:
    """a = shift(weights x, exponent), one time step later, or 1 + `wait`.

    `weights` `(out, in)` int32, an array or a `csr_matrix`; low <= x <= high.
    """
    # Lava drops the lowest bit of 8-bit weights of mixed sign: twice the weight, half the result is exact.
    # Its own choice of the sign mode would clip -256 in a matrix without positive weights.
    dense = isinstance(weights, np.ndarray)
    kind = DENSE if dense else SPARSE
    # No message bits means 0 or 1, for which Dense adds up columns; Sparse is faster with a product.
    binary = dense and low >= 0 and high <= 1
    arguments = {
        **({"delays": _delays(weights, wait)} if wait else {}),
        "weights": 2 * weights,
        "weight_exp": exponent - 1,
        "sign_mode": LavaSignMode("MIXED"),
        "num_message_bits": 0 if binary else max(1, -low, high).bit_length(),
    }
    return Process(DELAYED[kind] if wait else kind, arguments)


def _delays(weights: Any, wait: int) -> Any:
    """The delay of every synapse, in the form of the weights."""
    if isinstance(weights, np.ndarray):
        return np.full(weights.shape, wait, np.int64)
    delays = weights.astype(np.int64)
    delays.data[:] = wait
    return delays
