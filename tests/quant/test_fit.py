"""Bias, decay and threshold chosen together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from neurodeploy.compiler import CompileConfig, QuantConfig, compile_graph
from neurodeploy.errors import UsageError
from neurodeploy.ir import LIF, Delay, Dense, Graph, Input, IntLIF, Output, Readout
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network
from neurodeploy.quant.fit import FURTHEST, Layer, run, scaled
from neurodeploy.quant.layer import Limits
from neurodeploy.semantics import Registers
from tests.nets import float_graph, pixels

STEPS = 8
HIDDEN = 24


def graph(decay: float = 0.5) -> Graph:
    draw = np.random.default_rng(3)
    ops = {
        "in": Input((20,)),
        "fc1": Dense(draw.normal(0.1, 0.3, (HIDDEN, 20)), np.zeros(HIDDEN)),
        "lif1": LIF((HIDDEN,), decay, 1.0, "subtract", "ge"),
        "fc2": Dense(draw.normal(0.0, 0.3, (5, HIDDEN)), np.zeros(5)),
        "readout": Readout((5,), 1.0),
        "out": Output(),
    }
    return Graph(ops, pairwise(ops))


def compiled(net: Graph, bits: int = 2, samples: int = 128, **quant: str) -> Network:
    config = CompileConfig(QuantConfig(bits, clip="mse", **quant))  # type: ignore[arg-type]
    return compile_graph(net, pixels((samples, 20), seed=1), steps=STEPS, config=config)


@pytest.mark.parametrize("decay", [0.3, 0.8])
def test_rates_and_readout_come_nearer_to_float(decay: float) -> None:
    net, held_out = graph(decay), pixels((400, 20), seed=2)
    real = interpret(net, held_out, STEPS)

    def errors(network: Network) -> tuple[float, float]:
        traces = network.run(held_out, trace=True).traces
        counts = traces["lif1"].spikes.sum(0) - real.spikes["lif1"].sum(0)
        membrane = traces["readout"].membrane[-1] * network.provenance["layers"]["readout"]["unit"]
        return float(np.square(counts).mean()), float(
            np.square(membrane - real.membrane["readout"][-1]).mean()
        )

    (rounded, far), (fitted, near) = (errors(compiled(net, neurons=how)) for how in ("nearest", "fit"))
    assert fitted < 0.9 * rounded and near < 0.9 * far


def test_the_record_says_what_rounding_alone_would_have_done() -> None:
    plain, network = compiled(graph()), compiled(graph(), neurons="fit")
    fit = network.provenance["layers"]["lif1"]["fit"]
    was, now = plain.neurons["lif1"], network.neurons["lif1"]
    assert (fit["rounded"]["dv"], fit["rounded"]["threshold_q"]) == (was.dv, was.threshold_q)
    assert (fit["chosen"]["dv"], fit["chosen"]["threshold_q"]) == (now.dv, now.threshold_q)
    assert fit["chosen"]["error"] < fit["rounded"]["error"]
    assert fit["bias"] > 0 and set(network.provenance["layers"]["readout"]["fit"]) == {"bias"}
    real = interpret(graph(), pixels((128, 20), seed=1), STEPS).spikes["lif1"]
    ours = plain.run(pixels((128, 20), seed=1), trace=True).traces["lif1"].spikes
    assert fit["rate"] == pytest.approx(real.mean())
    assert fit["rounded"]["rate"] == pytest.approx(ours.mean())
    assert fit["rounded"]["error"] == pytest.approx(np.square(ours.sum(0) - real.sum(0)).mean())
    note = next(str(n) for n in network.notes if n.layer == "lif1" and "squared error" in n.what)
    assert f"threshold {was.threshold_q} -> {now.threshold_q}" in note


def test_what_is_exact_stays() -> None:
    """Integer weights, and a decay and threshold that integers hold: nothing was lost."""
    ops = {
        "in": Input((20,), "binary"),
        "fc1": Dense(np.random.default_rng(0).integers(-1, 2, (HIDDEN, 20)), np.zeros(HIDDEN)),
        "lif": LIF((HIDDEN,), 0.5, 2.0, "subtract", "ge"),
        "out": Output(),
    }
    x = np.random.default_rng(1).integers(0, 2, (64, 20)).astype(np.float32)
    net = Graph(ops, pairwise(ops))
    one, two = (
        compile_graph(net, x, steps=4, config=CompileConfig(QuantConfig(2, neurons=how)))  # type: ignore[arg-type]
        for how in ("nearest", "fit")
    )
    np.testing.assert_array_equal(one.neurons["lif"].threshold_q, two.neurons["lif"].threshold_q)
    np.testing.assert_array_equal(one.neurons["lif"].dv, two.neurons["lif"].dv)
    assert np.abs(two.neurons["lif"].bias_q).max() <= 1


def test_the_pair_that_spikes_were_made_with_is_found_again() -> None:
    a = np.random.default_rng(4).integers(-20, 60, (STEPS, 50, 30))
    plain = IntLIF((30,), 4096, 2048, 0, 4000, "subtract")
    wanted = scaled(plain, 1 + 1 / 32, 1 - 1 / 64)
    layer = Layer(run(wanted, a, Registers()), a, Registers())
    found = layer.nearest(plain)
    assert layer.firing(wanted).error == 0
    assert layer.firing(found).error < 0.1 * layer.firing(plain).error
    assert abs(int(found.threshold_q) / 4000 - 1) <= FURTHEST + 1e-3


def test_a_threshold_beyond_what_the_target_holds_is_not_taken() -> None:
    a = np.random.default_rng(4).integers(-20, 60, (STEPS, 50, 30))
    plain = IntLIF((30,), 4096, 2048, 0, 4000, "subtract")
    layer = Layer(run(scaled(plain, 1 + 1 / 32, 1.0), a, Registers()), a, Registers())
    free, bound = (layer.nearest(plain, Limits(0, most)) for most in (1 << 20, 4010))
    assert int(free.threshold_q) > 4010 >= int(bound.threshold_q)
    assert layer.firing(bound).error < layer.firing(plain).error


@pytest.mark.parametrize("dv", [0, 4096])
def test_neurons_that_keep_all_or_nothing_stay_so(dv: int) -> None:
    assert int(scaled(IntLIF((3,), 4096, dv, 0, 100, "zero"), 1.05, 0.95).dv) == dv


def test_recurrent_layers_can_be_fitted() -> None:
    ops = {
        "in": Input((20,)),
        "fc1": Dense(np.random.default_rng(3).normal(0.1, 0.3, (6, 20)), np.zeros(6)),
        "lif": LIF((6,), 0.5, 1.0, "subtract", "ge"),
        "back": Delay((6,), 1),
        "fc2": Dense(np.random.default_rng(4).normal(0, 0.5, (6, 6)), np.zeros(6)),
        "out": Output(),
    }
    edges = [("in", "fc1"), ("fc1", "lif"), ("lif", "back"), ("back", "fc2"), ("fc2", "lif"), ("lif", "out")]
    network = compiled(Graph(ops, edges), neurons="fit")
    assert network.provenance["layers"]["lif"]["fit"]["rate"] > 0


def test_without_data_it_says_what_is_missing() -> None:
    net = float_graph((6, 4)).replaced({"in": Input((6,), "binary")})
    with pytest.raises(UsageError, match=r"quant\.neurons=fit needs real input: give --calibrate DATA"):
        compile_graph(net, steps=2, config=CompileConfig(QuantConfig(neurons="fit")))
