from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Dense, Graph, Input, Output, Readout
from neurodeploy.ir.interpreter import FloatResult, interpret
from tests.nets import float_graph, pixels


def plain_loop(graph: Graph, frames: np.ndarray) -> dict[str, list[list[float]]]:
    """Potentials of one sample in plain Python, from the equations in the docstrings of the ops."""
    kept: dict[str, list[float]] = {}
    seen: dict[str, list[list[float]]] = {}
    for frame in frames:
        values: dict[str, list[float]] = {}
        for name in graph.names:
            op = graph.op(name)
            x = values[graph.sources(name)[0]] if graph.sources(name) else frame.ravel().tolist()
            if isinstance(op, Dense):
                rows = zip(op.weight.tolist(), op.bias.tolist(), strict=True)
                values[name] = [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in rows]
            elif isinstance(op, (LIF, Readout)):
                before = kept.get(name, [0.0] * len(x))
                u = [op.decay * v + i for v, i in zip(before, x, strict=True)]
                fired = [False] * len(u)
                if isinstance(op, LIF):
                    fired = [v >= op.threshold if op.compare == "ge" else v > op.threshold for v in u]
                    rest = [v - op.threshold if op.reset == "subtract" else 0.0 for v in u]
                    u = [r if s else v for s, r, v in zip(fired, rest, u, strict=True)]
                kept[name] = u
                seen.setdefault(name, []).append(u)
                values[name] = [float(s) for s in fired] if isinstance(op, LIF) else u
            else:
                values[name] = x
    return seen


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("compare", ["ge", "gt"])
@pytest.mark.parametrize("readout", [True, False])
def test_equals_a_plain_loop(reset: str, compare: str, readout: bool) -> None:
    graph = float_graph((6, 5, 4), shape=(2, 3), readout=readout, reset=reset, compare=compare, scale=0.75)
    x = pixels((7, 3, 2, 3))
    result = interpret(graph, x, 7, time_axis=True, dtype=np.float64)
    for n in range(3):
        for name, expected in plain_loop(graph, x[:, n]).items():
            np.testing.assert_allclose(result.membrane[name][:, n], expected, rtol=0, atol=1e-12)
    assert result.spikes["lif1"].sum() > 0


def test_static_input_is_the_same_in_every_step() -> None:
    graph, x = float_graph(), pixels((4, 6))
    once = interpret(graph, x, 3)
    often = interpret(graph, np.stack([x] * 3), 3, time_axis=True)
    np.testing.assert_array_equal(once.membrane["lif2"], often.membrane["lif2"])
    assert once.membrane["lif2"].dtype == np.float32


def at_threshold(compare: str) -> FloatResult:
    ops = {
        "in": Input((1,)),
        "fc": Dense([[1.0]], [0.0]),
        "lif": LIF((1,), 0.0, 0.75, "subtract", compare),  # type: ignore[arg-type]
        "out": Output(),
    }
    return interpret(Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")]), [[0.75]], 1)


def test_equality_fires_with_ge_alone() -> None:
    assert at_threshold("ge").spikes["lif"].tolist() == [[[1.0]]]
    assert at_threshold("gt").spikes["lif"].tolist() == [[[0.0]]]


def test_prediction() -> None:
    membrane = {"r": np.array([[[9.0, 0.0, 0.0]], [[1.0, 2.0, 2.0]]])}
    spikes = {"r": np.array([[[0, 1, 0]], [[0, 0, 1]]])}
    assert FloatResult("r", spikes, membrane, True).prediction.tolist() == [1]
    assert FloatResult("r", spikes, membrane, False).prediction.tolist() == [1]


@pytest.mark.parametrize(
    ("shape", "steps", "time_axis"),
    [((4, 5), 2, False), ((6,), 2, False), ((3, 4, 6), 2, True), ((4, 6), 2, True)],
)
def test_input_of_another_shape(shape: tuple[int, ...], steps: int, time_axis: bool) -> None:
    with pytest.raises(InputError, match=r"takes 2 steps of shape \(6,\), not an array"):
        interpret(float_graph(), np.zeros(shape), steps, time_axis=time_axis)
