from __future__ import annotations

import numpy as np
from hypothesis import given

from neurodeploy.ir import Graph
from tests.nets import rngs
from tests.passes.lowering import assert_same, float_graphs, frames


@given(float_graphs(), rngs())
def test_lowered_graphs_compute_the_same(graph: Graph, rng: np.random.Generator) -> None:
    assert_same(graph, frames(graph, rng))
