from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurodeploy.compare.dequantize import check_same, dequantized, units
from neurodeploy.compiler import CompileConfig, NeuronConfig, compile_graph
from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Conv, Dense, Flatten, Graph, Input, IntConv, IntSynapses, Output, Readout
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes.lower import lower
from tests.nets import compiled, float_graph, pixels, renamed


@pytest.fixture(scope="module")
def pair():
    graph = float_graph((6, 5, 4))
    return lower(graph, []), compiled(graph)


def test_weights_are_scale_times_integer_on_any_exponent(pair):
    graph, net = pair
    meant = dequantized(graph, net)
    for name in ("fc1", "fc2"):
        scale = net.provenance["layers"][name]["scale"]
        weight_q = net.graph.op(name).weight_q
        np.testing.assert_allclose(meant.op(name).weight, scale * weight_q, rtol=1e-6)
        assert np.abs(meant.op(name).weight - graph.op(name).weight).max() <= scale / 2 * 1.0001


def test_parameters_of_neurons_are_what_their_integers_stand_for(pair):
    graph, net = pair
    meant, unit = dequantized(graph, net), net.provenance["layers"]["lif1"]["unit"]
    real, q = meant.op("lif1"), net.graph.op("lif1")
    assert real.threshold == pytest.approx(unit * q.threshold_q) == pytest.approx(1.0, abs=unit)
    np.testing.assert_allclose(real.bias, unit * q.bias_q)
    assert real.decay == 0.5 and real.reset == "subtract"
    assert meant.op("lif2").decay == 1.0


def test_groups_of_one_layer_have_one_unit():
    """A scale is unit * 64 * levels * 2^exponent, also where sums are shifted."""
    graph = float_graph((30, 20, 4), scale=3.0)
    net = compiled(graph)
    for name, group in (("lif1", "fc1"), ("lif2", "fc2")):
        record = net.provenance["layers"]
        levels = net.input.levels if group == "fc1" else 1
        expected = record[name]["unit"] * 64 * levels * 2.0 ** net.graph.op(group).exponent
        assert record[group]["scale"] == pytest.approx(expected)


def test_without_record_the_unit_is_that_of_the_threshold(pair):
    graph, net = pair
    recorded = units(graph, net)
    only_spikes = float_graph((6, 5, 4), readout=False)
    other = compiled(only_spikes)
    bare = replace(other, provenance={})
    found = units(lower(only_spikes, []), bare)
    assert found["lif1"] == 1.0 / int(other.graph.op("lif1").threshold_q)
    assert recorded["lif1"] == pytest.approx(found["lif1"], rel=1e-3)


def test_a_readout_without_record_is_refused(pair):
    graph, net = pair
    with pytest.raises(InputError, match=r"layer 'lif2': nothing records.*compile the model again"):
        units(graph, replace(net, provenance={}))


@pytest.mark.parametrize("unit", [0, -1.0, "much", float("nan")])
def test_a_record_that_makes_no_sense_is_refused(pair, unit):
    graph, net = pair
    with pytest.raises(InputError, match="layer 'lif2': the recorded unit of its potential must be positive"):
        units(graph, replace(net, provenance={"layers": {"lif2": {"unit": unit}}}))


def test_another_model_is_refused(pair):
    graph, net = pair
    with pytest.raises(InputError, match=r"layer 'lif1'.*lif\[9\].*lif\[5\].*do not belong together"):
        check_same(lower(float_graph((6, 9, 4)), []), net)
    shorter = float_graph((6, 5, 4), readout=False)
    with pytest.raises(InputError, match="no layer 'lif3'; is it the one this network was compiled from"):
        check_same(lower(shorter, []), compiled(float_graph((6, 5, 4, 4))))
    with pytest.raises(
        InputError, match=r"layer 'fc1': the float model has dense\[5, 7\], the network int_dense\[5, 6\]"
    ):
        check_same(lower(float_graph((7, 5, 4)), []), net)
    with pytest.raises(InputError, match="layer 'first': the float model has no such layer"):
        check_same(graph, renamed(net, "fc1", "first"))


def test_convolutions():
    rng = np.random.default_rng(0)
    ops = {
        "in": Input((1, 6, 6)),
        "conv": Conv(rng.normal(size=(3, 1, 3, 3)), rng.normal(size=3), (1, 1), (1, 1, 1, 1), (1, 1)),
        "lif": LIF((3, 6, 6), 0.5, 1.0, "subtract", "ge"),
        "flat": Flatten(),
        "fc": Dense(rng.normal(size=(4, 108)), np.zeros(4)),
        "readout": Readout((4,), 1.0),
        "out": Output(),
    }
    graph = Graph(ops, pairwise(ops))
    net = compiled(graph)
    meant = dequantized(lower(graph, []), net)
    for name, op in net.graph.of(IntSynapses).items():
        scale = net.provenance["layers"][name]["scale"]
        np.testing.assert_allclose(meant.op(name).weight, scale * op.weight_q, rtol=1e-6)
    assert isinstance(net.graph.op("conv"), IntConv) and meant.op("conv").padding == (1, 1, 1, 1)
    assert meant.op("lif").bias.shape == (3, 1, 1)


def test_neurons_compare_as_the_machine_does():
    """Integer weights and leaks of all or nothing: potentials meet the rounded threshold, and nothing else is lost."""
    weight = np.random.default_rng(0).integers(-127, 128, (40, 6)).astype(float)
    weight[:, 0] = 127
    ops = {
        "in": Input((6,), "binary"),
        "fc": Dense(weight, np.zeros(40)),
        "lif": LIF((40,), 0.0, 100.0, "zero", "ge"),
        "out": Output(),
    }
    graph, x = lower(Graph(ops, pairwise(ops)), []), np.rint(pixels((500, 6)))
    net = compile_graph(graph, x, steps=1, config=CompileConfig(neurons=NeuronConfig(threshold_step=64)))
    meant, result = dequantized(graph, net), net.run(x, trace=True)
    assert meant.op("lif").compare == net.graph.op("lif").compare == "gt"
    at_threshold = interpret(replaced_by_readout(meant), x, 1).membrane["lif"] == meant.op("lif").threshold
    assert at_threshold.any()
    np.testing.assert_array_equal(interpret(meant, x, 1).spikes["lif"], result.spikes)


def replaced_by_readout(graph):
    return graph.replaced({"lif": Readout((40,), 0.0)})
