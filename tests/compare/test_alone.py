import numpy as np
from hypothesis import given, settings

from neurodeploy.backend import get_backend
from neurodeploy.compare.alone import integer_alone, only_layer, rounded_alone
from neurodeploy.compare.dequantize import dequantized
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
    assert alone.op("fc2") == rounded.op("fc2") != lowered.op("fc2")
    assert alone.op("lif2") == rounded.op("lif2")
    assert "fc2" not in only_layer(lowered, rounded, "lif1").names


def test_nothing_rounded_is_the_exact_run():
    lowered = lower(float_graph((6, 5, 4)), [])
    whole = interpret(lowered, X, 4)
    for name in ("lif1", "lif2"):
        found = rounded_alone(lowered, lowered, name, X, 4, False)
        np.testing.assert_array_equal(found.membrane, whole.membrane[name])
