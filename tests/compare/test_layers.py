import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.compare import layers
from neurodeploy.compare.layers import compare_layers
from neurodeploy.compiler import float_graph
from neurodeploy.errors import InputError
from neurodeploy.frontends.model import Model
from neurodeploy.ir import LIF, Dense, Graph, Input, IntDense, IntInput, IntLIF, Output, verify
from neurodeploy.ir.interpreter import interpret
from neurodeploy.models import build
from neurodeploy.network import Network

X = np.random.default_rng(0).integers(0, 17, (20, 4, 4)) / 16


def pair(spec="mlp:16-24-5", bits=4):
    module = build(spec, seed=2)
    for parameter in module.parameters():
        parameter.data *= 3  # enough drive for spikes in every layer
    net = nd.compile(module, X, steps=6, bits=bits)
    graph, _, _ = float_graph(Model(module, "test"), X, 6)
    return graph, net


@pytest.fixture(scope="module")
def compiled():
    return pair()


def test_spiking_layer_against_whole_arrays(compiled):
    graph, net = compiled
    floats, integer = interpret(graph, X, 6), net.run(X, trace=True)
    name, op = next(iter(net.neurons.items()))
    found = compare_layers(graph, net, X)[0]
    differs = floats.spikes[name] != integer.traces[name].spikes
    assert found.mismatch_percent == pytest.approx(100 * differs.mean())
    assert differs.any() and found.mismatch_by_step == pytest.approx(100 * differs.mean(axis=(1, 2)))
    assert (found.rate_float, found.rate_integer) == pytest.approx(
        (floats.spikes[name].mean(), integer.traces[name].spikes.mean())
    )
    unit = graph.op(name).threshold / op.threshold_q
    v = floats.membrane[name].astype(float)
    error = v - unit * integer.traces[name].membrane
    assert found.sqnr_db == pytest.approx(10 * np.log10((v**2).sum() / (error**2).sum()))


def test_first_divergence_is_the_earliest_step_then_sample_then_neuron(compiled):
    graph, net = compiled
    floats, integer = interpret(graph, X, 6), net.run(X, trace=True)
    name = next(iter(net.neurons))
    places = np.argwhere(floats.spikes[name] != integer.traces[name].spikes)
    first = compare_layers(graph, net, X)[0].first
    assert [first.step, first.sample, first.neuron] == places[0].tolist()
    assert first.float_spike != first.integer_spike
    assert (first.float_potential >= first.threshold) == bool(first.float_spike)
    assert (first.integer_potential >= first.threshold) == bool(first.integer_spike)


def test_unit_of_a_readout_is_the_least_squares_factor(compiled):
    graph, net = compiled
    floats, integer = interpret(graph, X, 6), net.run(X, trace=True)
    found = compare_layers(graph, net, X)[-1]
    a = integer.traces[found.layer].membrane.reshape(-1, 1).astype(float)
    b = floats.membrane[found.layer].reshape(-1).astype(float)
    (unit,), (residual,), *_ = np.linalg.lstsq(a, b, rcond=None)
    assert found.unit == pytest.approx(unit)
    assert found.sqnr_db == pytest.approx(10 * np.log10((b**2).sum() / residual))
    assert found.mismatch_percent is None and found.first is None


def test_batches_change_nothing(compiled, monkeypatch):
    graph, net = compiled
    whole = compare_layers(graph, net, X)
    monkeypatch.setattr(layers, "TRACED_ELEMENTS", 400)
    for one, other in zip(whole, compare_layers(graph, net, X), strict=True):
        assert other.first == one.first and other.mismatch_percent == one.mismatch_percent
        assert other.sqnr_db == pytest.approx(one.sqnr_db)


def test_time_axis_gives_the_same_as_a_static_input(compiled):
    graph, net = compiled
    over_time = np.repeat(X[np.newaxis], 6, axis=0)
    moving, static = compare_layers(graph, net, over_time, time_axis=True), compare_layers(graph, net, X)
    assert [one.mismatch_percent for one in moving] == [one.mismatch_percent for one in static]


def test_a_lossless_network_is_exact():
    weight = np.array([[3, -2], [1, 4]])
    float_ops = {
        "input": Input((2,)),
        "fc": Dense(weight, np.zeros(2)),
        "lif": LIF((2,), 0.5, 8.0, "subtract", "ge"),
    }
    integer_ops = {
        "input": IntInput((2,), 1.0, 0, 3),
        "fc": IntDense(weight, 0),
        "lif": IntLIF((2,), 4096, 2048, [0, 0], 8 * 64, "subtract"),
    }
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "output")]
    graph = verify(Graph(float_ops | {"output": Output()}, edges))
    net = Network(verify(Graph(integer_ops | {"output": Output()}, edges)), 4, "loihi2")
    (found,) = compare_layers(graph, net, np.array([[1.0, 2.0], [3.0, 0.0]]))
    assert found.mismatch_percent == 0 and found.first is None and found.sqnr_db == float("inf")
    assert found.to_dict()["exact"] is True and found.to_dict()["sqnr_db"] is None


def test_another_model_is_refused(compiled):
    graph, _ = compiled
    _, other = pair("mlp:16-12-5")
    with pytest.raises(InputError, match=r"layer 'lif1'.*lif\[24\].*lif\[12\].*do not belong together"):
        compare_layers(graph, other, X)
    _, deeper = pair("mlp:16-24-24-5")
    with pytest.raises(InputError, match="no layer 'lif2'; is it the one this network was compiled from"):
        compare_layers(graph, deeper, X)
