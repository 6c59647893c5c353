import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from neurodeploy.backend import LayerTrace, Result, get_backend
from neurodeploy.compare.duplicates import duplicates
from neurodeploy.compare.health import Activity, LayerActivity, activity, health, potential
from neurodeploy.errors import UsageError
from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Output, verify
from neurodeploy.network import Network
from neurodeploy.semantics import Register, Registers, signed_bits
from neurodeploy.semantics.reference import run_sample

STEPS, SAMPLES = 6, 5


def network(reset="subtract", registers=None):
    rng = np.random.default_rng(3)
    first = rng.integers(-60, 100, (7, 4)).astype(np.int8)
    first[2] = -100  # this neuron is dead
    bias = np.zeros(7, np.int64)
    bias[4] = 60000  # this one always fires
    ops = {
        "input": IntInput((2, 2), 4.0, 0, 4),
        "flatten": Flatten(),
        "fc1": IntDense(first, 0),
        "lif1": IntLIF((7,), 4096, 2048, bias, 9000, reset, "gt"),
        "fc2": IntDense(rng.integers(-127, 128, (3, 7)), -1),
        "readout": IntLIF((3,), 4096, 0, np.array([5, 0, -5]), 0, "none"),
        "output": Output(),
    }
    names = list(ops)
    graph = verify(Graph(ops, itertools.pairwise(names)))
    return Network(graph, STEPS, "loihi2", registers or Registers())


def data():
    return np.random.default_rng(1).integers(0, 5, (SAMPLES, 2, 2)) / 4


def by_hand(net):
    """Spikes and potentials before the reset, `(T, N, n)`, from the plain Python machine."""
    spikes, values = {}, {}
    for frame in np.rint(data() * 4).astype(int):
        trace = run_sample(net.graph, net.registers, [frame.reshape(-1).tolist()] * STEPS)
        for name, op in net.neurons.items():
            s, v = np.array(trace.spikes[name]), np.array(trace.membrane[name])
            spikes.setdefault(name, []).append(s)
            values.setdefault(name, []).append(v + s * op.threshold_q if op.reset == "subtract" else v)
    return {n: np.stack(s, 1) for n, s in spikes.items()}, {n: np.stack(v, 1) for n, v in values.items()}


def test_numbers_are_those_of_the_plain_machine():
    net = network()
    found = health(net, net.run(data(), trace=True))
    spikes, values = by_hand(net)
    for one in found.layers:
        s, v = spikes[one.layer], values[one.layer]
        assert (one.membrane_low, one.membrane_high) == (v.min(), v.max())
        assert one.headroom_bits == pytest.approx(np.log2((2**23 - 1) / np.abs(v).max()))
        if one.spiking:
            assert one.rate == pytest.approx(s.mean())
            assert set(one.dead) == set(np.flatnonzero(~s.any(axis=(0, 1))))
            assert set(one.always_on) == set(np.flatnonzero(s.all(axis=(0, 1))))


def test_dead_and_always_on_neurons_are_found_and_named():
    net = network()
    first, readout = health(net, net.run(data(), trace=True)).layers
    assert 2 in first.dead and 4 in first.always_on
    assert readout.dead == readout.always_on == () and readout.rate is None


def test_neurons_that_fire_several_times_a_step_are_not_always_on_by_their_number_of_spikes():
    """Two spikes in every other step are as many as one in each; two in each are more."""
    net = network()
    many = net.graph.replaced({"lif1": replace(net.graph.op("lif1"), max_spikes=2)})
    spikes = np.zeros((STEPS, SAMPLES, 7), np.int64)
    spikes[::2, :, 0], spikes[:, :, 1] = 2, 2
    none = np.zeros((STEPS, SAMPLES, 3), np.int64)
    traces = {"lif1": LayerTrace(spikes, 0 * spikes), "readout": LayerTrace(none, none)}
    result = Result("by hand", none, none, 0.0, traces)
    first, _ = health(replace(net, graph=many), result).layers
    assert first.always_on == (1,)


def test_two_halves_add_up_to_the_whole():
    net = network()
    stimulus, engine = net.stimulus(data()), get_backend("engine")
    parts = [engine.run(net, stimulus.select(slice(*p)), trace=True) for p in ((0, 2), (2, SAMPLES))]
    whole = health(net, engine.run(net, stimulus, trace=True))
    assert health(net, activity(net, parts[0]) + activity(net, parts[1])) == whole


def test_overflow_is_a_warning_with_a_remedy():
    net = network(registers=Registers(Register(24, "wrap"), Register(16, "saturate")))
    result = net.run(data(), trace=True)
    found = health(net, result)
    assert [one.overflows for one in found.layers] == [result.overflows[n] for n in net.neurons]
    warning = next(w for w in found.warnings if w.kind == "saturated")
    assert str(result.overflows[warning.layer]) in warning.what and "--bits" in warning.remedy


def test_a_layer_without_spikes_is_called_silent():
    net = network()
    result = net.run(np.zeros((2, 2, 2)), trace=True)
    quiet = {n: LayerTrace(np.zeros_like(t.spikes), t.membrane) for n, t in result.traces.items()}
    found = health(net, Result("engine", result.spikes, result.membrane, 0.0, quiet, None))
    assert [w.kind for w in found.warnings if w.layer == "lif1"] == ["silent"]
    assert found.layers[0].overflows is None


def test_warnings_name_numbers_and_samples():
    net = network()
    texts = {w.kind: str(w) for w in health(net, net.run(data(), trace=True)).warnings}
    assert "of 7 neurons never fire in 5 samples of 6 steps" in texts["dead"]
    assert "1 of 7 neurons fire in every step" in texts["always-on"]


def test_weights_that_pile_up_at_the_ends_are_a_warning():
    net = network()
    weight = np.where(np.arange(28).reshape(7, 4) % 3, 127, 5).astype(np.int8)
    clipped = Network(net.graph.replaced({"fc1": IntDense(weight, 0)}), STEPS, "loihi2")
    found = health(clipped, clipped.run(data(), trace=True))
    assert found.layers[0].weights_at_ends == (weight == 127).sum()
    assert any(w.kind == "at-ends" and w.layer == "lif1" for w in found.warnings)


def test_clipped_weights_are_a_warning_above_one_in_a_hundred():
    net = network()
    for clipped, warned in ((0, False), (1, True)):
        made = replace(net, provenance={"layers": {"fc1": {"clipped": clipped}}})
        found = health(made, made.run(data(), trace=True))
        assert [one.weights_clipped for one in found.layers] == [clipped, 0]
        texts = [str(w) for w in found.warnings if w.kind == "clipped"]
        assert bool(texts) is warned and all(
            "1 of 28 weights were clipped" in t and "quant.clip" in t for t in texts
        )


def twins(bias=0):
    """`network` whose neurons 1 and 5 have the same weights, and biases that differ by `bias`."""
    net = network()
    fc1, lif1 = net.graph.op("fc1"), net.graph.op("lif1")
    weight, biases = fc1.weight_q.copy(), lif1.bias_q.copy()
    weight[5] = weight[1]
    biases[5] = biases[1] + bias
    changed = {"fc1": replace(fc1, weight_q=weight), "lif1": replace(lif1, bias_q=biases)}
    return replace(net, graph=net.graph.replaced(changed))


def test_duplicate_neurons_are_found_and_fire_alike():
    net = twins()
    result = net.run(data(), trace=True)
    found = health(net, result)
    assert found.layers[0].duplicates == ((1, 5),) and found.layers[1].duplicates == ()
    spikes = result.traces["lif1"].spikes
    assert np.array_equal(spikes[..., 1], spikes[..., 5])
    warning = next(w for w in found.warnings if w.kind == "duplicate")
    assert "1 neurons or channels are copies" in warning.what and "outgoing weights" in warning.remedy


def test_another_bias_or_other_inputs_make_no_duplicates():
    assert duplicates(twins(bias=1), "lif1") == ()
    weight = np.ones((4, 1, 2, 2), np.int8)
    ops = {
        "in": IntInput((2, 4, 4), 1.0, 0, 3),
        "conv": IntConv(weight, 0, (1, 1), (0, 0, 0, 0), (1, 1), 2),
        "lif": IntLIF((4, 3, 3), 4096, 0, np.array([0, 0, 0, 7]).reshape(4, 1, 1), 99, "zero"),
        "out": Output(),
    }
    assert duplicates(Network(Graph(ops, itertools.pairwise(ops)), 2, "any"), "lif") == ((0, 1),)


def test_potential_for_reset_to_zero_is_the_value_after_it():
    net = network("zero")
    trace = net.run(data(), trace=True).traces["lif1"]
    assert np.array_equal(potential(net.neurons["lif1"], trace), trace.membrane)


def test_a_run_without_traces_is_refused():
    net = network()
    with pytest.raises(UsageError, match="no trace of layer 'lif1'; run with trace=True"):
        health(net, net.run(data()))


@pytest.mark.parametrize(
    ("weights", "bits"), [([127, -127], 8), ([-128], 8), ([1, -1], 2), ([0], 1), ([31], 6), ([-32], 6)]
)
def test_bits_that_weights_need(weights, bits):
    assert signed_bits(np.array([weights], np.int8)) == bits


def test_plain_values_hold_no_infinity():
    net = network()
    layers = {
        name: LayerActivity(*np.zeros((2, *op.shape), np.int64), 0, 0) for name, op in net.neurons.items()
    }
    silent = Activity(1, STEPS, layers, None)
    found = health(net, silent)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["layers"][0]["layer"] == "lif1"
