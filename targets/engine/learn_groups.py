"""Groups of synapses of several streams side by side, each stream with weights of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Graph, IntSynapses
from neurodeploy.semantics import ThreeFactorRule, shift
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning import Columns
from neurodeploy.semantics.synapses import float_type

Array = npt.NDArray[Any]


class StreamSynapses:
    """One group: `matrix` holds W as whole numbers `(B, G, out/G, K)`, or B = 1 for weights that all streams share.

    Sums are exact: the float type is chosen by the largest weight and the largest input.
    """

    def __init__(self, graph: Graph, name: str, largest_weight: int, largest_input: int) -> None:
        op = graph.of(IntSynapses)[name]
        arriving = graph.sources(name)[0]
        self.columns = Columns(op, graph.types[arriving].shape, graph.types[name].shape)
        self._exponent = op.exponent
        self._dtype = float_type(self.columns.kernel * largest_weight * largest_input)
        self.write(op.weight_q[np.newaxis].astype(np.int64))

    def write(self, weight: Int64Array) -> None:
        """Take weights `(B, *W)`."""
        self.weight = weight
        self.matrix: Array = self.columns.matrix(weight).astype(self._dtype)

    def current(self, arriving: Int64Array) -> Int64Array:
        """a `(B, *made)` of what arrives `(B, *given)`."""
        sums = self.matrix @ self.columns.unfold(arriving.astype(self._dtype))
        return shift(sums.reshape(len(sums), *self.columns.made).astype(np.int64), self._exponent)


def largest_weight(rule: ThreeFactorRule, name: str, op: IntSynapses) -> int:
    """Largest magnitude that a weight of group `name` has or can learn."""
    given = int(np.abs(op.weight_q.astype(np.int64)).max(initial=0))
    return max(given, rule.synapses[name].weight_max) if name in rule.synapses else given
