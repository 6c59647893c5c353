import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.backend import get_backend
from neurodeploy.compare import backends, diff, layers
from neurodeploy.compiler import CompileConfig, InputConfig, compile_graph
from neurodeploy.errors import BackendMissing, InputError, UsageError
from neurodeploy.frontends import Imported
from neurodeploy.ir import LIF, Add, Delay, Dense, Graph, Input, Output, Readout
from neurodeploy.ir.interpreter import interpret
from tests.compare.test_backends import Wrong
from tests.nets import float_graph, pixels

STEPS = 5
X = pixels((20, 6))
LABELS = np.arange(20) % 4


class GraphModel:
    """A model whose graph is given."""

    origin, steps, data = "graph", STEPS, None

    def __init__(self, graph):
        self.graph = graph

    def read(self, sample, steps):
        return Imported(self.graph, ())


def pair(graph=None, x=X, **settings):
    graph = graph or float_graph((6, 12, 8, 4))
    return GraphModel(graph), compile_graph(graph, x, steps=STEPS, config=CompileConfig(**settings))


def quant(**settings):
    return {"quant": nd.compiler.QuantConfig(**settings)}


@pytest.fixture(scope="module")
def coarse():
    model, net = pair(**quant(bits=4))
    return model, net, nd.diff(model, net, X, LABELS)


def at(found, layer, stage):
    return next(one for one in found.layers if (one.layer, one.stage) == (layer, stage))


def test_every_layer_at_every_stage_in_order(coarse):
    found = coarse[2]
    stages = ("lowered", "input", "weights", "integer")
    expected = [(layer, stage) for layer in ("lif1", "lif2", "lif3") for stage in stages]
    assert [(one.layer, one.stage) for one in found.layers] == expected
    assert [one.name for one in found.stages] == ["float", *stages]
    assert (found.samples, found.steps) == (20, STEPS)


def test_float_and_integer_are_the_runs_themselves(coarse):
    model, net, found = coarse
    real, integer = interpret(model.graph, X, STEPS), net.run(X, trace=True)
    for name in ("lif1", "lif2"):
        one = at(found, name, "integer").compared
        differs = real.spikes[name] != integer.traces[name].spikes
        assert one.mismatch_percent == pytest.approx(100 * differs.mean())
        unit = net.provenance["layers"][name]["unit"]
        error = real.membrane[name].astype(float) - unit * integer.traces[name].membrane
        power = (real.membrane[name].astype(float) ** 2).sum()
        assert one.sqnr_db == pytest.approx(10 * np.log10(power / (error**2).sum()))
    stages = {one.name: one for one in found.stages}
    assert stages["float"].accuracy == (real.prediction == LABELS).mean()
    assert stages["integer"].accuracy == (integer.prediction == LABELS).mean()
    assert stages["integer"].changed_predictions == (real.prediction != integer.prediction).sum()


def test_weights_are_what_four_bits_cost(coarse):
    model, _, found = coarse
    assert found.worst.stage == "weights"
    assert found.worst.own_sqnr_db == min(one.own_sqnr_db for one in found.layers)
    assert found.advice.settings["quant.layers"][f"fc{found.worst.layer[-1]}"] == 8
    better = compile_graph(
        model.graph, X, steps=STEPS, config=CompileConfig(**quant(bits=4, layers={"fc1": 8}))
    )
    assert (
        at(nd.diff(model, better, X), "lif1", "weights").own_sqnr_db
        > at(found, "lif1", "weights").own_sqnr_db
    )


def test_an_outlier_is_found_and_the_advice_mends_it():
    graph = float_graph((6, 40, 30, 4))
    op = graph.op("fc2")
    weight = op.weight.copy()
    weight[0, 0] = 8.0
    model, net = pair(graph.replaced({"fc2": replace(op, weight=weight)}), **quant(bits=4))
    found = nd.diff(model, net, X)
    assert (found.worst.layer, found.worst.stage) == ("lif2", "weights")
    assert (
        found.advice.settings == {"quant.clip": "mse"} and "times their root mean square" in found.advice.why
    )
    _, mended = pair(model.graph, **quant(bits=4, clip="mse"))
    again = at(nd.diff(model, mended, X), "lif2", "weights")
    assert again.own_sqnr_db > found.worst.own_sqnr_db + 3


def test_a_loss_is_not_blamed_on_later_layers():
    """Two bits in the first layer: later layers differ from the float model, and are exact by themselves."""
    model, net = pair(**quant(layers={"fc1": 2}))
    found = nd.diff(model, net, X)
    assert (found.worst.layer, found.worst.stage) == ("lif1", "weights")
    later = at(found, "lif2", "weights")
    assert later.sqnr_db + 10 < later.own_sqnr_db


def test_a_coarse_input_is_a_stage_of_its_own():
    model, net = pair(input=InputConfig(levels=2.0))
    found = nd.diff(model, net, X)
    assert (found.worst.layer, found.worst.stage) == ("lif1", "input")
    assert found.advice.settings == {"input.levels": 8.0}
    assert at(found, "lif2", "input").own_sqnr_db == float("inf") > at(found, "lif2", "input").sqnr_db


def test_eight_bits_are_followed_by_gptq():
    model, net = pair()
    assert nd.diff(model, net, X).advice.settings == {"quant.rounding": "gptq"}


def test_batches_change_nothing(coarse, monkeypatch):
    model, net, whole = coarse
    monkeypatch.setattr(layers, "TRACED_ELEMENTS", 2000)
    found = nd.diff(model, net, X, LABELS)
    assert found.stages == whole.stages
    for one, other in zip(found.layers, whole.layers, strict=True):
        assert one.compared.first == other.compared.first
        assert one.compared.mismatch_percent == other.compared.mismatch_percent
        if one.stage != "lowered":  # its error is float rounding, which the size of a batch changes
            assert one.own_sqnr_db == pytest.approx(other.own_sqnr_db)


def test_a_time_axis_gives_the_same_as_a_static_input(coarse):
    model, net, static = coarse
    moving = nd.diff(model, net, np.repeat(X[np.newaxis], STEPS, axis=0), LABELS, time_axis=True)
    assert [one.compared.mismatch_percent for one in moving.layers] == [
        one.compared.mismatch_percent for one in static.layers
    ]


def test_back_ends_must_equal_the_engine(coarse, monkeypatch):
    model, net, _ = coarse
    found = nd.diff(model, net, X, LABELS, backends=("engine", "onnxruntime"))
    assert found.equal and found.backends == ("onnxruntime",)
    assert found.stages[-1].name == "onnxruntime" and found.stages[-1].accuracy == found.stages[-2].accuracy
    monkeypatch.setattr(backends, "get_backend", lambda name: Wrong())
    monkeypatch.setattr(layers, "TRACED_ELEMENTS", 2000)
    wrong = nd.diff(model, net, X, backends=("wrong",))
    assert not wrong.equal and len(wrong.mismatches) == 1
    first = wrong.mismatches[0]
    assert (first.second_backend, first.layer, first.step, first.sample, first.neuron) == (
        "wrong",
        "lif1",
        2,
        1,
        3,
    )


def test_recurrence_and_two_groups():
    rng = np.random.default_rng(0)
    ops = {
        "in": Input((6,)),
        "fc": Dense(rng.normal(size=(8, 6)), np.zeros(8)),
        "late": Delay((8,), 1),
        "loop": Dense(rng.normal(size=(8, 8)) / 2, np.zeros(8)),
        "sum": Add(),
        "lif": LIF((8,), 0.5, 1.0, "subtract", "ge"),
        "last": Dense(rng.normal(size=(4, 8)), np.zeros(4)),
        "readout": Readout((4,), 1.0),
        "out": Output(),
    }
    edges = [("in", "fc"), ("lif", "late"), ("late", "loop"), ("fc", "sum"), ("loop", "sum"), ("sum", "lif")]
    edges += list(pairwise(("lif", "last", "readout", "out")))
    model, net = pair(Graph(ops, edges), **quant(bits=6))
    found = nd.diff(model, net, X)
    assert at(found, "lif", "lowered").sqnr_db > 100
    assert 10 < at(found, "lif", "weights").own_sqnr_db < 100
    assert at(found, "lif", "integer").own_sqnr_db > at(found, "lif", "weights").own_sqnr_db


def test_nothing_is_lost_where_all_numbers_are_on_the_grid():
    ops = {
        "in": Input((2,)),
        "fc": Dense(np.array([[127.0, -2], [1, 4]]), np.zeros(2)),
        "lif": LIF((2,), 0.0, 8.0, "zero", "ge"),
        "out": Output(),
    }
    x = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    graph = Graph(ops, pairwise(ops))
    model, net = pair(graph, x)
    found = nd.diff(model, net, x)
    assert found.worst.own_sqnr_db == float("inf") and found.worst.compared.first is None
    assert all(one["exact"] and one["own_exact"] for one in found.to_dict()["layers"])


def test_plain_values_are_json(coarse):
    found = json.loads(json.dumps(coarse[2].to_dict(), allow_nan=False))
    assert found["worst"] == {"layer": coarse[2].worst.layer, "stage": "weights"}
    assert {"own_sqnr_db", "sqnr_db", "cosine", "mismatch_percent", "rate_emd", "first"} <= set(
        found["layers"][0]
    )


def test_refusals(coarse):
    model, net, _ = coarse
    with pytest.raises(InputError, match=r"one class for each of 20 samples, not an array \(3,\)"):
        nd.diff(model, net, X, [0, 1, 2])
    with pytest.raises(InputError, match=r"layer 'lif1'.*do not belong together"):
        nd.diff(GraphModel(float_graph((6, 13, 8, 4))), net, X)
    with pytest.raises(UsageError, match="there is no back end 'gpu'"):
        nd.diff(model, net, X, backends=("gpu",))


def test_a_back_end_that_is_not_installed_is_said_before_any_run(coarse, monkeypatch):
    model, net, _ = coarse

    class Missing(Wrong):
        def missing(self):
            return "wrong is not installed: pip install wrong"

    monkeypatch.setattr(
        backends, "get_backend", lambda name: Missing() if name == "wrong" else get_backend(name)
    )
    with pytest.raises(BackendMissing, match="pip install wrong"):
        diff(model, net, X, backends=("wrong",))
