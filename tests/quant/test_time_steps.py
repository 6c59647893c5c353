"""Calibration on samples that change over time, `(T, N, *shape)`."""

from __future__ import annotations

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.compiler import CompileConfig, QuantConfig, compile_graph
from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Conv, Dense, Graph, Input, IntDense, Output
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network
from neurodeploy.passes.lower import lower
from neurodeploy.quant.moments import SAMPLES, Measured
from tests.nets import float_graph, pixels

STEPS = 5
CONFIGS = [
    QuantConfig(3, rounding="gptq"),
    QuantConfig(3, rounding="gptq", clip="mse", neurons="fit"),
    QuantConfig(3, neurons="fit"),
]


def moving(samples: int = 40) -> np.ndarray:
    """Events: every input comes in one step of a sample only, so that no two steps are alike."""
    x = np.random.default_rng(4).random((STEPS, samples, 12)) < 0.5
    return np.where(np.arange(12) % STEPS == np.arange(STEPS)[:, np.newaxis, np.newaxis], 2.0 * x, 0.0)


def net() -> Graph:
    return lower(float_graph((12, 16, 8), seed=5), [])


def compiled(x: np.ndarray, quant: QuantConfig, *, time_axis: bool = False) -> Network:
    return compile_graph(net(), x, steps=STEPS, config=CompileConfig(quant), time_axis=time_axis)


def test_second_moments_are_those_of_the_steps() -> None:
    x, graph = moving(SAMPLES + 7), net()
    measured = Measured(graph, x, STEPS, time_axis=True)
    run = interpret(graph, x[:, :SAMPLES], STEPS, time_axis=True)
    for name, sent in (("fc1", x[:, :SAMPLES]), ("fc2", run.spikes["lif1"])):
        rows = sent.reshape(-1, sent.shape[-1]).astype(np.float64)
        np.testing.assert_allclose(measured.of(name)[0], rows.T @ rows / len(rows), rtol=1e-6)
    assert measured.of("fc1")[0, 0, 1] == 0.0 and measured.of("fc2")[0, 0, 1] > 0.0


def test_second_moments_of_patches() -> None:
    conv = Conv(np.ones((2, 1, 2)), np.zeros(2), (1,), (0, 0), (1,), 1)
    ops = {"in": Input((1, 4)), "conv": conv, "lif": LIF((2, 3), 0.5, 1.0, "subtract", "ge"), "out": Output()}
    graph = Graph(ops, [("in", "conv"), ("conv", "lif"), ("lif", "out")])
    x = np.zeros((2, 1, 1, 4))
    x[0, 0, 0, 1] = x[1, 0, 0, 2] = 1.0
    found = Measured(graph, x, 2, time_axis=True).of("conv")
    np.testing.assert_allclose(found, [np.eye(2) * 2 / 6])


@pytest.mark.parametrize("quant", CONFIGS)
def test_a_picture_shown_in_every_step_is_a_static_one(quant: QuantConfig) -> None:
    x = pixels((40, 12))
    static = compiled(x, quant)
    shown = compiled(np.broadcast_to(x, (STEPS, *x.shape)), quant, time_axis=True)
    assert shown.graph == static.graph


@pytest.mark.parametrize("quant", CONFIGS)
def test_order_in_time_matters(quant: QuantConfig) -> None:
    x = moving()
    frames = compiled(x.swapaxes(0, 1).reshape(-1, 12), quant)
    assert compiled(x, quant, time_axis=True).graph != frames.graph
    assert compiled(x, quant, time_axis=True).input == frames.input


def test_the_current_is_nearer_to_float_than_with_single_frames() -> None:
    x, held_out = moving(256), moving(900)[:, 256:]
    graph = lower(float_graph((12, 64, 32), seed=5), [])
    sent = interpret(graph, held_out, STEPS, time_axis=True).spikes["lif1"].reshape(-1, 64)
    config = CompileConfig(QuantConfig(3, rounding="gptq"))

    def error(network: Network) -> float:
        made = network.graph.of(IntDense)["fc2"].weight_q * network.provenance["layers"]["fc2"]["scale"]
        return float(np.square(sent @ (made - graph.of(Dense)["fc2"].weight).T).mean())

    true = compile_graph(graph, x, steps=STEPS, config=config, time_axis=True)
    frames = compile_graph(graph, x.swapaxes(0, 1).reshape(-1, 12), steps=STEPS, config=config)
    assert error(true) < 0.8 * error(frames)


def test_the_note_names_the_steps() -> None:
    notes = [str(note) for note in compiled(moving(30), CONFIGS[0], time_axis=True).notes]
    assert (
        "network: weights rounded with the covariance of what 30 samples of 5 time steps send them" in notes
    )


@pytest.mark.parametrize("quant", [QuantConfig(), *CONFIGS])
def test_other_steps_than_the_network_runs(quant: QuantConfig) -> None:
    message = "the sample has 4 time steps; the network runs 5. Try --steps 4, or data of 5 steps"
    with pytest.raises(InputError, match=message):
        compiled(moving()[:4], quant, time_axis=True)


def test_other_steps_than_a_network_of_integers_runs() -> None:
    integers = compiled(moving(), QuantConfig(), time_axis=True).graph
    with pytest.raises(InputError, match="the sample has 4 time steps; the network runs 5"):
        compile_graph(integers, moving()[:4], steps=STEPS, time_axis=True)


def test_passes_are_checked_on_the_steps() -> None:
    x = moving()
    network = compile_graph(
        float_graph((12, 16, 8), seed=5), x, steps=STEPS, time_axis=True, check_passes=True
    )
    assert (network.input.levels, network.input.high) == (1.0, 2)


def test_compile_records_samples_and_steps() -> None:
    import torch

    x = moving(30)
    module = torch.nn.Sequential(torch.nn.Linear(12, 3))
    network = nd.compile(module, x, steps=STEPS, time_axis=True)
    assert network.provenance["calibration"] == {"samples": 30, "time_steps": STEPS}
    assert network.input.shape == (12,)


@pytest.mark.parametrize("shape", [(5, 40), (5, 0, 12), (0, 5, 12)])
def test_a_sample_without_samples_or_shape(shape: tuple[int, ...]) -> None:
    import torch

    with pytest.raises(
        InputError, match=r"the sample must be numbers \(T, N, \*shape\), not float64 of shape"
    ):
        nd.compile(torch.nn.Linear(12, 3), np.zeros(shape), steps=STEPS, time_axis=True)
