import numpy as np
from hypothesis import given, settings

from neurodeploy.backend import get_backend
from neurodeploy.compare.alone import integer_alone, only_layer, rounded_alone
from neurodeploy.compare.dequantize import dequantized
from neurodeploy.ir import LIF, Delay, Dense, Graph, Input, Output
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes.lower import lower
from tests.nets import compiled, float_graph, pixels, runs

X = pixels((8, 6))


@settings(max_examples=25)
@given(runs(wide=False))
def test_with_the_engines_own_spikes_every_layer_does_what_it_did_there(run):
    network, stimulus = run
    traces = get_backend("engine").run(network, stimulus, trace=True).traces
    spikes = {name: trace.spikes for name, trace in traces.items()}
    for name, trace in traces.items():
        found = integer_alone(network, name, stimulus, spikes, 0.5)
        np.testing.assert_array_equal(found.spikes.reshape(trace.spikes.shape), trace.spikes)
        np.testing.assert_array_equal(found.membrane.reshape(trace.membrane.shape), 0.5 * trace.membrane)


def test_a_layer_alone_is_rounded_and_those_before_it_are_not():
    graph = float_graph((6, 5, 4))
    lowered, net = lower(graph, []), compiled(graph)
    rounded = dequantized(lowered, net)
    alone = only_layer(lowered, rounded, "lif2")
    assert alone.op("fc1") == lowered.op("fc1") and alone.op("lif1") == lowered.op("lif1")
    assert alone.op("alone.fc2") == rounded.op("fc2") != lowered.op("fc2")
    assert alone.op("alone.lif2") == rounded.op("lif2")
    assert "fc2" not in alone.names and "lif2" not in alone.names
    assert "fc2" not in only_layer(lowered, rounded, "lif1").names


def test_a_layer_that_is_fed_back_to_gets_the_spikes_of_the_exact_loop():
    """Its own lost spikes do not come back to it: they are no inputs of the layer alone."""
    draw = np.random.default_rng(0)
    ops = {
        "in": Input((6,)),
        "fc1": Dense(draw.normal(0.2, 0.5, (12, 6)), np.zeros(12)),
        "lif1": LIF((12,), 0.5, 1.0, "subtract", "ge"),
        "back": Delay((12,), 1),
        "fc2": Dense(draw.normal(0.0, 0.5, (12, 12)), np.zeros(12)),
        "out": Output(),
    }
    edges = [
        ("in", "fc1"),
        ("fc1", "lif1"),
        ("lif1", "back"),
        ("back", "fc2"),
        ("fc2", "lif1"),
        ("lif1", "out"),
    ]
    exact = Graph(ops, edges)
    rounded = exact.replaced({"fc2": Dense(np.round(ops["fc2"].weight), np.zeros(12))})
    whole, found = interpret(exact, X, 4), rounded_alone(exact, rounded, "lif1", X, 4, False)
    given = np.concatenate([np.zeros_like(whole.spikes["lif1"][:1]), whole.spikes["lif1"][:-1]])
    current = X @ ops["fc1"].weight.T + given @ rounded.op("fc2").weight.T
    v = np.zeros((8, 12))
    for t in range(4):
        v = 0.5 * v + current[t]
        s = v >= 1.0
        v = v - s
        np.testing.assert_array_equal(found.spikes[t], s)
        np.testing.assert_allclose(found.membrane[t], v, atol=1e-5)
    assert (found.spikes.reshape(whole.spikes["lif1"].shape) != whole.spikes["lif1"]).any()


def test_nothing_rounded_is_the_exact_run():
    lowered = lower(float_graph((6, 5, 4)), [])
    whole = interpret(lowered, X, 4)
    for name in ("lif1", "lif2"):
        found = rounded_alone(lowered, lowered, name, X, 4, False)
        np.testing.assert_array_equal(found.membrane, whole.membrane[name])
