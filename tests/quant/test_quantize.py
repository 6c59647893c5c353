from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.compiler import CompileConfig, InputConfig, QuantConfig, compile_graph
from neurodeploy.errors import FitError, InputError
from neurodeploy.ir import LIF, Delay, Dense, Graph, Input, Output
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Note
from neurodeploy.passes import LOWERING, run_passes
from neurodeploy.quant import InputGrid, Method, Quantize
from tests.nets import chip_file, compiled, float_graph, pixels

GRID = InputGrid(16.0, 0, 16, True)


def test_names_edges_and_shapes_stay() -> None:
    notes = list[Note]()
    graph = run_passes(float_graph((6, 5, 4), shape=(2, 3)), LOWERING, [])
    made = Quantize(GRID, Method(), load_chip("loihi2"), 4).apply(graph, notes)
    assert (made.names, made.edges) == (graph.names, graph.edges)
    assert [t.shape for t in made.types.values()] == [t.shape for t in graph.types.values()]
    assert notes[0] == Note("in", "16 levels per unit, integers 0..16, lossless for the calibration data")
    assert {note.layer for note in notes} == {"in", "fc1", "lif1", "fc2", "lif2"}


@pytest.mark.parametrize(("bits", "least"), [(8, 0.95), (4, 0.7)])
def test_spikes_are_nearly_those_of_the_float_graph(bits: int, least: float) -> None:
    graph, x = float_graph((12, 20, 8), readout=False, seed=5), pixels((200, 12))
    network = compile_graph(graph, x, steps=6, config=CompileConfig(QuantConfig(bits)))
    ours, exact = network.run(x, trace=True).traces, interpret(graph, x, 6, dtype=np.float64).spikes
    assert 0.05 < exact["lif1"].mean() < 0.95
    assert (ours["lif1"].spikes == exact["lif1"]).mean() > least


def test_more_bits_than_the_chip_has() -> None:
    with pytest.raises(
        FitError, match="weights of 9 bits do not fit: loihi2 has 8 bits a weight; try --bits 8"
    ):
        Quantize(GRID, Method(9), load_chip("loihi2"), 4).apply(float_graph(), [])


def test_bits_beyond_int8_are_not_cut(tmp_path: Path) -> None:
    chip = chip_file(tmp_path, ("weight_bits = { value = 8", "weight_bits = { value = 16"))
    graph = float_graph((6, 4), readout=False)
    with pytest.raises((InputError, FitError)):
        compile_graph(graph, pixels(), chip, steps=4, config=CompileConfig(QuantConfig(12)))


def test_two_groups_of_synapses() -> None:
    one = Dense(np.ones((1, 2)), [0.0])
    lif = LIF((1,), 0.5, 1.0, "subtract", "ge")
    ops = {"in": Input((2,)), "one": one, "lif": lif, "out": Output()}
    edges = [("in", "one"), ("one", "lif"), ("lif", "back"), ("back", "two"), ("two", "lif"), ("lif", "out")]
    graph = Graph({**ops, "back": Delay((1,), 1), "two": Dense([[-3.7]], [0.0])}, edges)
    network = compile_graph(graph, pixels((4, 2)), steps=6)
    x = np.array([[0.5, 0.25], [1.0, 1.0]])
    expected = interpret(graph, x, 6, dtype=np.float64).spikes["lif"]
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(network.run(x).spikes, expected)


def test_error_names_pass_and_layer() -> None:
    graph = float_graph().replaced({"fc2": Dense(np.zeros((4, 5)), np.zeros(4))})
    with pytest.raises(InputError, match=r"^quantize: layer 'fc2': all 20 weights are zero"):
        compile_graph(graph, pixels(), steps=2)


def test_levels_from_the_configuration() -> None:
    config = CompileConfig(input=InputConfig(32.0))
    network = compile_graph(float_graph(), pixels(), steps=2, config=config)
    assert (network.input.levels, network.input.low, network.input.high) == (32.0, 0, 32)
    assert "rounded" in str(
        compile_graph(float_graph(), pixels(), steps=2, config=CompileConfig(input=InputConfig(3.0))).notes[0]
    )


@pytest.mark.parametrize("x", [np.full((3, 6), np.nan), np.zeros((0, 6))])
def test_levels_from_the_configuration_need_data_too(x: np.ndarray) -> None:
    with pytest.raises(InputError):
        compile_graph(float_graph(), x, steps=2, config=CompileConfig(input=InputConfig(16.0)))


def test_inputs_are_not_changed() -> None:
    graph, x = float_graph(), pixels()
    before, copy = repr(graph), x.copy()
    compile_graph(graph, x, steps=2)
    assert repr(graph) == before
    np.testing.assert_array_equal(x, copy)
    assert compiled() == compiled()


def test_everything_that_was_rounded_or_assumed_is_said() -> None:
    lif = LIF((1,), 0.5, 1.0, "subtract", "ge", initial=0.123, reset_by=0.777, v_min=-0.9)
    ops = {"in": Input((2,), "event"), "fc": Dense([[0.7, -0.3]], [0.0]), "lif": lif, "out": Output()}
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    said = [str(note) for note in compile_graph(graph, steps=4).notes]
    assert (
        "in: 1 levels per unit, integers 0..255, as an input that is 'event' may be; no data were given"
        in said
    )
    for what in ("initial potential", "what a spike takes away", "least potential"):
        assert any(note.startswith(f"lif: {what} rounded by at most ") for note in said), what
    config = CompileConfig(QuantConfig(4, rounding="gptq"))
    counts = np.random.default_rng(0).poisson(1.0, (30, 2))
    assert "network: weights rounded with the covariance of what 30 samples send them" in [
        str(note) for note in compile_graph(graph, counts, steps=4, config=config).notes
    ]
