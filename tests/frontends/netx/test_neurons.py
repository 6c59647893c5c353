"""Neurons of a file: thresholds, decays, exponents, readouts; and those that are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.netx import NetxConfig
from neurodeploy.ir import IntDense, IntLIF
from tests.frontends.netx import equations
from tests.frontends.netx.files import BINARY, conv, cuba, dense, graph_of, notes_of, run, spikes

WEIGHT = [[20, -4, 8], [-6, 28, 10]]


def neuron(path: Path, config: NetxConfig = BINARY, **changes: Any) -> IntLIF:
    """The neurons of a layer that has these fields."""
    found = graph_of(path, dense(WEIGHT, neuron=cuba(**changes)), config=config).op("lif0")
    assert isinstance(found, IntLIF)
    return found


def test_units_and_reset(tmp_path: Path) -> None:
    layer = dense(WEIGHT, bias=np.float32([3, -2]), neuron=cuba(iDecay=410, vDecay=123, vThMant=80))
    assert graph_of(tmp_path, layer).op("lif0") == IntLIF((2,), 410, 123, [192, -128], 5120, "zero", "gt")


def test_decays_of_each_neuron_and_channel(tmp_path: Path) -> None:
    found = neuron(tmp_path, iDecay=np.array([0, 4096]), vDecay=np.array([7, 9]))
    assert found == IntLIF((2,), [0, 4096], [7, 9], 0, 3200, "zero", "gt")
    layer = conv(np.full((2, 1, 1, 1), 4), (2, 3, 3), neuron=cuba(vDecay=np.array([7, 9])))
    channels = graph_of(tmp_path, {"type": "input", "shape": [1, 3, 3]}, layer).op("lif1")
    assert channels == IntLIF((2, 3, 3), 3000, [[[7]], [[9]]], 0, 3200, "zero", "gt")


def test_threshold_of_zero(tmp_path: Path) -> None:
    """v > 0 is v >= 1 for integers, and thresholds of the machine begin at 1."""
    layer = dense(WEIGHT, neuron=cuba(vThMant=0))
    graph = graph_of(tmp_path, layer)
    assert (graph.op("lif0").compare, int(graph.op("lif0").threshold_q)) == ("ge", 1)  # type: ignore[attr-defined]
    x = spikes(0, 20, 3)
    np.testing.assert_array_equal(run(graph, x), equations.layer(x, WEIGHT, threshold=0))


def test_training_fields(tmp_path: Path) -> None:
    fields = cuba(type=b"LOIHI", scaleRho=1.0, tauRho=0.5, theta=50 * 64, wgtExp=0, gradedSpike=None)
    assert graph_of(tmp_path, dense(WEIGHT, neuron=fields)) == graph_of(tmp_path, dense(WEIGHT))
    notes = notes_of(tmp_path, dense(WEIGHT, neuron=fields), dense([[2, 4]], neuron=fields))
    assert (
        "layer 0 (dense), neuron; layer 1 (dense), neuron: left out, used in training only: scaleRho" in notes
    )
    assert "theta" not in notes
    assert "theta 7 is not vThMant * 64" in notes_of(tmp_path, dense(WEIGHT, neuron=cuba(theta=7)))


def test_refractory_time(tmp_path: Path) -> None:
    layer = dense(WEIGHT, neuron=cuba(refDelay=3))
    with pytest.raises(
        UnsupportedError, match=r"refDelay is 3; .* --set netx.ref_delay=hold or netx.ref_delay=ignore"
    ):
        graph_of(tmp_path, layer)
    hold, ignore = (NetxConfig(input="binary", ref_delay=how) for how in ("hold", "ignore"))
    assert neuron(tmp_path, hold, refDelay=3).refractory == 2
    assert neuron(tmp_path, ignore, refDelay=3).refractory == 0
    assert graph_of(tmp_path, layer, preset="lava-dl") == graph_of(tmp_path, layer, config=ignore)
    assert "refDelay 3: rests for 2 steps after a spike" in notes_of(tmp_path, layer, config=hold)


@pytest.mark.parametrize(
    ("exponents", "synapses", "bias"),
    [
        ({"wgtExp": 1}, 2, [64, -64]),
        ({"wgtExp": -1}, 0, [64, -64]),
        ({"weight_exp": np.float32([1])}, 0, [32, -32]),
        ({"weight_exp": np.float32([-2])}, 3, [256, -256]),
    ],
)
def test_weight_exponents(tmp_path: Path, exponents: dict[str, Any], synapses: int, bias: list[int]) -> None:
    layer = dense(WEIGHT, bias=np.float32([1, -1]), neuron=cuba(**exponents))
    with pytest.raises(UnsupportedError, match="training scaled by it, lava-dl's netx ignores it"):
        graph_of(tmp_path, layer)
    graph = graph_of(tmp_path, layer, config=NetxConfig(input="binary", weight_exp="apply"))
    assert graph.op("dense0") == IntDense(np.array(WEIGHT) // 2, synapses)
    assert graph.op("lif0").bias_q.tolist() == bias  # type: ignore[attr-defined]
    ignored = graph_of(tmp_path, layer, config=NetxConfig(input="binary", weight_exp="ignore"))
    assert ignored == graph_of(tmp_path, dense(WEIGHT, bias=np.float32([1, -1])))


def test_weight_exponents_that_would_round(tmp_path: Path) -> None:
    config = NetxConfig(input="binary", weight_exp="apply")
    with pytest.raises(UnsupportedError, match=r"weights times 2\^-2 are no integers"):
        neuron(tmp_path, config, weight_exp=2)
    with pytest.raises(InputError, match=r"weight_exp is 4; weight_exp must be in -3..3"):
        neuron(tmp_path, config, weight_exp=4)


@pytest.mark.parametrize("how", ["sum", "step"])
def test_layer_without_neurons(tmp_path: Path, how: Any) -> None:
    layer = dense(WEIGHT, neuron=None, bias=None)
    with pytest.raises(
        UnsupportedError, match=r"layer 0 \(dense\): has no neurons.*netx.readout=sum .*--from lava-dl"
    ):
        graph_of(tmp_path, layer)
    x = spikes(1, 8, 3)
    sums = 64 * x @ np.array(WEIGHT).T
    found = run(graph_of(tmp_path, layer, config=NetxConfig(input="binary", readout=how)), x)
    np.testing.assert_array_equal(found, np.cumsum(sums, axis=0) if how == "sum" else sums)


def test_threshold_out_of_reach_is_a_readout(tmp_path: Path) -> None:
    layer = dense(WEIGHT, neuron=cuba(vThMant=(1 << 18) - 1))
    graph = graph_of(tmp_path, layer)
    assert graph.op("readout0") == IntLIF((2,), 3000, 500, 0, 0, "none", "gt")
    assert "layer 0 (dense): never fires" in notes_of(tmp_path, layer)
    with pytest.raises(UsageError, match=r"netx.output=spikes: layer 0 .* never fires"):
        graph_of(tmp_path, layer, config=NetxConfig(input="binary", output="spikes"))
    hidden = graph_of(tmp_path, layer, dense([[2, 4]])).op("lif0")
    assert hidden == IntLIF((2,), 3000, 500, 0, 64 * ((1 << 18) - 1), "zero", "gt")


def test_largest_threshold_is_asked_for(tmp_path: Path) -> None:
    layer = dense(WEIGHT, neuron=cuba(vThMant=(1 << 17) - 1))
    with pytest.raises(
        UnsupportedError, match=r"vThMant 131071 is the largest threshold.*netx.output=potential"
    ):
        graph_of(tmp_path, layer)
    for how, name in (("spikes", "lif0"), ("potential", "readout0")):
        config = NetxConfig(input="binary", output=how)  # type: ignore[arg-type]
        assert graph_of(tmp_path, layer, config=config).output == name
    with pytest.raises(UsageError, match=r"netx.output=potential: layer 0 \(dense\) fires above vThMant 50"):
        neuron(tmp_path, NetxConfig(input="binary", output="potential"))


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("SDNN", "sigma-delta neurons"),
        ("RF", "resonate-and-fire"),
        ("RF_IZ", "resonate-and-fire"),
        ("ALIF", "adaptive threshold"),
        ("ADRF", "resonate-and-fire neurons with an adaptive threshold"),
        ("LSTM", "which are not known"),
    ],
)
def test_other_neurons_are_refused_by_name(tmp_path: Path, kind: str, meaning: str) -> None:
    message = rf"layer 0 \(dense\), neuron: type '{kind}', .*{meaning}.*supported are CUBA and LOIHI"
    with pytest.raises(UnsupportedError, match=message):
        graph_of(tmp_path, dense(WEIGHT, neuron={"type": kind.encode(), "vThMant": 3}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gradedSpike": True}, "gradedSpike: its spikes carry their potential"),
        ({"gradedSpike": 7}, "gradedSpike must be true or false, not 7"),
        ({"messageBits": 16}, "messageBits: its spikes carry numbers"),
        ({"iDecay": 4097}, "iDecay must be in 0..4096, not 4097..4097"),
        ({"vDecay": -1}, "vDecay must be in 0..4096, not -1..-1"),
        ({"vDecay": np.array([1, 2, 3])}, "vDecay holds 3 numbers; it must be 1 or 2, one a channel"),
        ({"vThMant": -5}, "vThMant must be in 0..16777215, not -5..-5"),
        ({"vThMant": None}, "there is no field 'vThMant'"),
        ({"vThMant": np.float32(2.5)}, "vThMant holds 1 of 1 values that are no 32-bit integers, first 2.5"),
        ({"refDelay": -1}, "refDelay must be in 0..1048575, not -1"),
        ({"refDelay": np.array([1, 2])}, "refDelay must be one integer, not 2"),
        ({"thDecay": 3}, "layer 0 .dense., neuron: unknown field 'thDecay'"),
        ({"deep": {"a": 1}}, "unknown group 'neuron/deep'"),
        ({"type": 3}, "type must be one plain word"),
    ],
)
def test_fields_that_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        neuron(tmp_path, **change)


def test_readout_without_recurrence(tmp_path: Path) -> None:
    layer = dense([[2, 4], [6, 8]], type="dense_rec", weight_rec=np.float32([[2, 2], [2, 2]]))
    with pytest.raises(UnsupportedError, match="a readout cannot have recurrence"):
        graph_of(tmp_path, {**layer, "neuron": cuba(vThMant=1 << 18)})
