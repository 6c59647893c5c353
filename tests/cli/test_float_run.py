from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from neurodeploy.cli import float_run
from neurodeploy.data import Dataset
from neurodeploy.ir import LIF, Dense, Graph, Input, Output
from neurodeploy.ir.interpreter import interpret


@pytest.fixture
def graph() -> Graph:
    weights = np.random.default_rng(0).normal(size=(3, 4)), np.random.default_rng(1).normal(size=(2, 3))
    layers = {
        "input": Input((4,)),
        "fc1": Dense(weights[0], np.zeros(3)),
        "lif1": LIF((3,), 0.5, 1.0, "subtract", "ge"),
        "fc2": Dense(weights[1], np.zeros(2)),
        "lif2": LIF((2,), 0.5, 1.0, "subtract", "ge"),
        "output": Output(),
    }
    names = list(layers)
    return Graph(layers, list(pairwise(names)))


@pytest.mark.parametrize("time_axis", [False, True])
def test_batches_give_what_one_run_gives(
    graph: Graph, time_axis: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(2).random((7, 5, 4) if time_axis else (7, 4)).astype(np.float32)
    data = Dataset("made", "all", "made.npz", x, None, 0, time_axis, "", "")
    whole = interpret(graph, data.time_first, 5, time_axis=time_axis)
    monkeypatch.setattr(float_run, "BYTES", 1)
    done: list[tuple[int, int]] = []
    found = float_run.float_run(graph, data, 5, trace=True, progress=lambda *at: done.append(at))
    assert done == [(n, 7) for n in range(1, 8)]
    assert found.spikes["lif1"].sum() > 0
    for name in whole.membrane:
        np.testing.assert_allclose(found.membrane[name], whole.membrane[name], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.prediction, whole.prediction)
    kept = float_run.float_run(graph, data, 5, trace=False, progress=lambda *at: None)
    assert set(kept.membrane) == {found.output} == set(kept.spikes)
