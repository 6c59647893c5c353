"""Every number of run.json against a small computation of its own."""

import numpy as np
import pytest

from neurodeploy.backend import get_backend
from neurodeploy.compiler import lowered_model
from neurodeploy.data import check_labels
from neurodeploy.frontends.model import TorchModel
from neurodeploy.ir import IntDense
from neurodeploy.ir.interpreter import interpret
from neurodeploy.report import report
from neurodeploy.report.accuracy import change, confusion, wilson
from tests.report.conftest import STEPS, dataset


@pytest.fixture(scope="module")
def result(network):
    return get_backend("engine").run(network, network.stimulus(dataset().x), trace=True)


def test_accuracy_of_both_networks(made, network, module, result):
    labels = check_labels(dataset(), 5)
    found = made.run["verdict"]["accuracy"]
    graph, _ = lowered_model(TorchModel(module, "test"), dataset().x, STEPS)
    real = interpret(graph, dataset().x, STEPS)
    right, was_right = result.prediction == labels, real.prediction == labels
    assert found["integer"]["accuracy"] == made.accuracy == right.mean()
    assert found["float"]["accuracy"] == was_right.mean()
    assert found["change"]["points"] == pytest.approx(100 * (right.mean() - was_right.mean()))
    assert found["change"]["better"] == sum(a and not b for a, b in zip(right, was_right, strict=True))
    assert found["change"]["predictions_differ"] == (result.prediction != real.prediction).sum()


def test_accuracy_against_time_steps(made, result):
    labels = check_labels(dataset(), 5)
    for t, row in enumerate(made.run["accuracy_by_steps"]):
        winner = [int(np.argmax(v)) for v in result.membrane[t]]
        assert row["steps"] == t + 1
        assert row["integer"]["correct"] == sum(a == b for a, b in zip(winner, labels, strict=True))


def test_layer_table(made, network, result):
    for row in made.run["layers"]:
        op, trace = network.neurons[row["layer"]], result.traces[row["layer"]]
        weight = network.graph.op(row["synapses"][0]["layer"]).weight_q
        assert row["synapses"][0]["weights"] == weight.size == np.prod(row["synapses"][0]["shape"])
        assert row["synapses"][0]["bits"] == 4 and np.abs(weight).max() == 7
        assert row["weights_at_ends"] == np.isin(weight, (-7, 7)).sum()
        assert row["overflows"] == result.overflows[row["layer"]]
        before = trace.membrane + op.threshold_q * trace.spikes
        assert [row["membrane_low"], row["membrane_high"]] == [before.min(), before.max()]
        if row["op"] == "lif":
            fired = trace.spikes.sum(axis=(0, 1))
            assert row["rate"] == pytest.approx(trace.spikes.mean())
            assert row["dead"] == (fired == 0).sum()
            assert row["always_on"] == (fired == STEPS * 40).sum()


def test_scale_and_sqnr_of_weights_are_the_ones_of_the_float_model(made, network, module):
    layer = made.run["layers"][0]["synapses"][0]
    weight = dict(module.named_parameters())[f"{layer['layer']}.weight"].detach().numpy()
    integer = network.graph.op(layer["layer"]).weight_q
    scale = np.abs(weight).max() / 7
    error = ((weight - scale * integer) ** 2).sum()
    assert layer["scale"] == pytest.approx(scale, rel=1e-4)
    assert layer["sqnr_db"] == pytest.approx(10 * np.log10((weight**2).sum() / error), abs=0.06)
    assert layer["clipped"] == 0


def test_operations_by_counting_synapse_by_synapse(made, network, result):
    x = network.stimulus(dataset().x).x.reshape(40, -1)
    names = list(network.neurons)
    inputs = [np.repeat(x[np.newaxis], STEPS, axis=0), *(result.traces[n].spikes for n in names[:-1])]
    work = made.run["operations"]
    for i, (row, op) in enumerate(zip(work["layers"], network.graph.of(IntDense).values(), strict=True)):
        used = (op.weight_q != 0)[np.newaxis, np.newaxis] & (inputs[i] != 0)[:, :, np.newaxis]
        kind = "Effective_MACs" if i == 0 else "Effective_ACs"
        other = "Effective_ACs" if i == 0 else "Effective_MACs"
        assert row[kind] == pytest.approx(used.sum() / 40) and row[other] == 0
        assert row["Dense"] == op.weight_q.size * STEPS
    spikes = np.concatenate([result.traces[n].spikes.reshape(-1) for n in names[:-1]])
    weights = np.concatenate([op.weight_q.reshape(-1) for op in network.graph.of(IntDense).values()])
    assert work["ActivationSparsity"] == pytest.approx((spikes == 0).mean())
    assert work["ConnectionSparsity"] == pytest.approx((weights == 0).mean())
    assert work["Footprint"] == weights.size + 8 * (24 + 12 + 5)
    assert work["weights_packed_bytes"] == weights.size / 2
    energy = work["energy"]
    assert (energy["chip"], energy["calibrated"], energy["static_joules"]) == ("loihi2", False, None)
    assert energy["dynamic_joules"] == pytest.approx(sum(cost["joules"] for cost in energy["costs"]))
    assert energy["samples"] == 16 and energy["counts"]["spikes"] > 0


def test_input_of_zeros_and_ones_makes_accumulates(module):
    import neurodeploy as nd

    data = dataset()
    binary = (data.x > 0.5).astype(np.float32)
    net = nd.compile(module, binary, steps=STEPS)
    given = type(data)("b", "all", "b.npz", binary, data.y, 5, False, "b", "b")
    work = report(net, given).run["operations"]
    assert work["Effective_MACs"] == 0 and work["layers"][0]["Effective_ACs"] > 0


def test_weight_histogram_counts_every_weight(made, network):
    for row in made.run["weights"]:
        weight = network.graph.op(row["layer"]).weight_q
        counted = {row["low"] + i: n for i, n in enumerate(row["counts"]) if n}
        assert counted == {int(v): int((weight == v).sum()) for v in np.unique(weight)}


def test_raster_holds_the_spikes_of_the_samples(made, result):
    samples = [one["sample"] for one in made.run["pictures"]["samples"]]
    for row in made.run["pictures"]["raster"]:
        for number, events in zip(samples, row["samples"], strict=True):
            step, neuron = np.nonzero(result.traces[row["layer"]].spikes[:, number])
            assert (events["step"], events["neuron"]) == (step.tolist(), neuron.tolist())


def test_potentials_of_single_neurons(made, network, result):
    sample = made.run["pictures"]["samples"][0]["sample"]
    for row in made.run["pictures"]["membrane"]:
        op, trace = network.neurons[row["layer"]], result.traces[row["layer"]]
        for one in row["neurons"]:
            s, v = (values[:, sample, one["neuron"]] for values in (trace.spikes, trace.membrane))
            assert one["potential"] == (v + op.threshold_q * s).tolist()
            assert one["spikes"] == np.flatnonzero(s).tolist()
            assert len(one["float_potential"]) == STEPS


def test_ranges_hold_what_was_seen(made):
    seen = {row["layer"]: max(-row["membrane_low"], row["membrane_high"]) for row in made.run["layers"]}
    assert all(row["v"] >= seen[row["layer"]] for row in made.run["ranges"])


def test_data_with_a_time_axis(network, module):
    moving = dataset(time_axis=True)
    found = report(network, moving, model=module)
    direct = network.run(np.swapaxes(moving.x, 0, 1), time_axis=True)
    assert found.accuracy == (direct.prediction == moving.y).mean()
    assert found.run["operations"]["Effective_MACs"] > 0


def test_limit_uses_the_first_samples(network):
    found = report(network, dataset(), limit=7).run
    assert found["data"]["samples"] == found["verdict"]["accuracy"]["integer"]["samples"] == 7


@pytest.mark.parametrize(
    ("correct", "samples", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_against_newcombe_1998(correct, samples, low, high):
    assert wilson(correct, samples) == pytest.approx((low, high), abs=5e-5)


def test_change_interval_holds_the_change_and_shrinks_with_samples():
    rng = np.random.default_rng(0)
    widths = []
    for samples in (100, 10000):
        labels = np.zeros(samples, np.int64)
        integer, floats = (rng.random((2, samples)) > 0.9).astype(np.int64)
        found = change(integer, floats, labels)
        assert found["low"] <= found["points"] <= found["high"]
        widths.append(found["high"] - found["low"])
    assert widths[1] < widths[0] / 5


def test_confusion_matrix():
    found = confusion(np.array([0, 2, 2, 1]), np.array([0, 1, 1, 1]), 3)
    assert found["counts"] == [[1, 0, 0], [0, 1, 2], [0, 0, 0]]
    assert found["most"] == [{"true": 1, "predicted": 2, "samples": 2}]
