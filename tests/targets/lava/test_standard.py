"""Networks on Lava's own processes: the engine's numbers where they run, every reason where they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.main import main
from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.model import Reading
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.picture import draw
from neurodeploy.targets.lava.plan import plan
from neurodeploy.targets.lava.script import write_script
from neurodeploy.targets.lava.standard import lif_arguments, no_overflows, one_by_one, require_standard
from neurodeploy.targets.lava.target import BATCHED, LAVA, STANDARD
from tests.data.shared import shared
from tests.nets import assert_equal, stimulus
from tests.targets.lava.networks import NEEDS_LAVA

RNG = np.random.default_rng
Build = Callable[[], Network]


def lif(size: int | tuple[int, ...], **changes: Any) -> IntLIF:
    """Neurons that are Lava's own; `changes` replaces fields."""
    shape = (size,) if isinstance(size, int) else size
    fields: dict[str, Any] = {"du": 4096, "dv": 500, "bias_q": 0, "threshold_q": 6400, "compare": "gt"}
    return IntLIF(shape, **{"reset": "zero", **fields, **changes})


def dense(out: int, inputs: int, seed: int = 0) -> IntDense:
    return IntDense(RNG(seed).integers(-60, 100, (out, inputs)), 0)


def branched() -> Network:
    """A convolution, dense layers, and the input past both of them into a readout; biases, both memories."""
    ops: dict[str, Op] = {
        "x": IntInput((1, 6, 6), 16.0, -3, 16),
        "conv": IntConv(RNG(1).integers(-60, 90, (3, 1, 3, 3)), -1, (1, 1), (1, 1, 1, 1), (1, 1)),
        "n0": lif((3, 6, 6), bias_q=120, du=3000),
        "flat": Flatten(),
        "fc1": dense(8, 108),
        "n1": lif(8, threshold_q=30_017, compare="ge", bias_q=RNG(2).integers(-50, 60, 8) * 8),
        "pixels": Flatten(),
        "past": dense(5, 36),
        "fc2": dense(5, 8),
        "n2": lif(5, reset="none", threshold_q=0, dv=4096),
        "out": Output(),
    }
    edges = [
        *(("x", "conv"), ("conv", "n0"), ("n0", "flat"), ("flat", "fc1"), ("fc1", "n1"), ("n1", "fc2")),
        *(("fc2", "n2"), ("x", "pixels"), ("pixels", "past"), ("past", "n2"), ("n2", "out")),
    ]
    # 30017 for 'ge' is no multiple of 64 and one: 469 * 64 + 1.
    return Network(Graph(ops, edges), 6, "loihi2")


def recurrent(**changes: Any) -> Network:
    """A layer that feeds itself, and one behind it; `changes` are the first layer's."""
    ops: dict[str, Op] = {
        "x": IntInput((6,), 1.0, 0, 1),
        "fc0": dense(8, 6),
        "n0": lif(8, **{"bias_q": -64, **changes}),
        "back": Delay((8,), 1),
        "own": dense(8, 8, seed=3),
        "fc1": dense(4, 8),
        "n1": lif(4),
        "out": Output(),
    }
    edges = [
        *(("x", "fc0"), ("fc0", "n0"), ("n0", "back"), ("back", "own"), ("own", "n0")),
        *(("n0", "fc1"), ("fc1", "n1"), ("n1", "out")),
    ]
    return Network(Graph(ops, edges), 5, "loihi2")


def kinds(network: Network) -> set[str]:
    """The processes that are not the source and the sinks."""
    made = plan(Path("FOLDER"), Job(network, network.steps, 1, standard=True))
    names = {process.kind.rpartition(":")[2] for process in made.processes.values()}
    assert draw(made).count("<rect") == len(made.processes)
    return names - {"Source", "Sink", "Probe"}


@pytest.mark.parametrize("build", [branched, recurrent])
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_every_value_is_the_engines(build: Build) -> None:
    network = build()
    given = stimulus(network, RNG(4), samples=3, static=build is branched)
    expected = ENGINE.run(network, given, trace=True, current=True)
    assert all(trace.spikes.any() for name, trace in expected.traces.items() if name != "n2")
    found = STANDARD.run(network, given, trace=True, current=True)
    assert_equal(found, network, expected.traces)
    for name, trace in expected.traces.items():
        np.testing.assert_array_equal(found.traces[name].current, trace.current, name)
    assert found.backend == "lava-standard" and found.overflows == expected.overflows


@pytest.mark.parametrize("backend", [LAVA, BATCHED], ids=lambda backend: backend.name)
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_currents_are_the_engines(backend: Any) -> None:
    network = recurrent(du=2000, clear_current=True, reset="subtract", bias_q=500)
    given = stimulus(network, RNG(5), samples=4, static=False)
    expected = ENGINE.run(network, given, trace=True, current=True).traces
    found = backend.run(network, given, trace=True, current=True).traces
    for name, trace in expected.items():
        np.testing.assert_array_equal(found[name].current, trace.current, name)
        assert trace.current is not None and trace.current.any()
    assert backend.run(network, given, trace=True).traces["n0"].current is None


def test_only_lavas_own_processes_are_planned() -> None:
    assert kinds(branched()) == {"LIFReset", "Sparse", "Dense", "DelayDense"}
    assert kinds(recurrent()) == {"LIFReset", "Dense"}
    assert (one_by_one(branched()), one_by_one(recurrent())) == (False, True)


def test_a_threshold_is_one_less_than_what_fires() -> None:
    for compare, threshold in (("gt", 6400), ("ge", 6401)):
        assert lif_arguments(lif(2, compare=compare, threshold_q=threshold))["vth"] == 100


def test_a_bias_is_a_mantissa_and_the_least_exponent() -> None:
    fields = lif_arguments(lif(2, bias_q=np.array([8190, -6])))
    assert (fields["bias_mant"].tolist(), fields["bias_exp"]) == ([4095, -3], 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"threshold_q": 6401}, "it fires above 6401; .* the nearest is 6400. .*neurons.threshold_step=64"),
        ({"threshold_q": 6400, "compare": "ge"}, "it fires above 6399; .* the nearest is 6400"),
        ({"threshold_q": 64 * 131_072}, "its threshold 8388608 is beyond Lava's 8388544"),
        ({"threshold_q": np.arange(1, 9) * 64}, r"thresholds differ between neurons \(65..513\)"),
        ({"reset": "subtract"}, "a spike subtracts the threshold; .* Train with reset 'zero'"),
        ({"reset": "subtract", "max_spikes": 3}, "it fires up to 3 times a step"),
        ({"du": 0}, r"its current never decays \(du 0\)"),
        ({"dv": np.arange(8)}, r"dv differs between neurons \(0..7\)"),
        ({"clear_current": True}, "a spike clears the current"),
        ({"initial_q": -7}, "its potential starts at up to 7"),
        ({"v_min_q": -100}, r"its potential has a least value \(-100\)"),
        ({"refractory": 2}, "it rests 2 steps after a spike"),
        ({"bias_q": -4097}, "biases of up to 4097 are no mantissa of up to 4095"),
    ],
    ids=str,
)
def test_neurons_that_are_not_lavas(changes: dict[str, Any], reason: str) -> None:
    require_standard(recurrent())
    with pytest.raises(UnsupportedError, match=rf"(?s)own processes:\n.*layer 'n0': {reason}") as refused:
        require_standard(recurrent(**changes))
    assert "layer 'n1'" not in str(refused.value)


def test_a_bias_before_the_first_step_cannot_be_held_back() -> None:
    with pytest.raises(
        UnsupportedError, match="synapses 'own': spikes arrive 1 steps late, and a bias of up to 5"
    ):
        require_standard(recurrent(bias_q=5))


def test_a_stream_cannot_part_samples_of_delayed_spikes(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"synapses 'own': .* in the next sample of a stream"):
        write_script(recurrent(), tmp_path, standard=True)
    assert not list(tmp_path.iterdir())


def test_feedback_to_an_earlier_layer_needs_neurons_that_wait() -> None:
    network = recurrent()
    graph = network.graph
    ops = {name: graph.op(name) for name in graph.names} | {"late": Delay((4,), 1), "long": dense(8, 4)}
    edges = [*graph.edges, ("n1", "late"), ("late", "long"), ("long", "n0")]
    with pytest.raises(
        UnsupportedError, match="synapses 'long': a later layer feeds an earlier one: a step takes 2"
    ):
        require_standard(replace(network, graph=Graph(ops, edges)))


def test_registers_that_do_not_end_where_lavas_do() -> None:
    wide = recurrent(du=1)
    require_standard(wide)
    narrow = replace(wide, registers=Registers(Register(13, "wrap"), Register(14, "saturate")))
    with pytest.raises(
        UnsupportedError, match=r"(?s)'n0': u could reach \d+ .* past 4095 .*'n0': v could .* 8191"
    ):
        require_standard(narrow)
    # What saturates as Lava's v does runs, but Lava does not count.
    falling = replace(recurrent(dv=0), steps=600)
    require_standard(falling)
    assert no_overflows(wide) == {"n0": 0, "n1": 0} and no_overflows(falling) is None


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_a_trained_network_of_lava_dl(tmp_path: Path) -> None:
    from neurodeploy.compiler import compile

    folder = shared("netx") / "mnist_tutorial"
    network = compile(
        str(folder / "trained_mnist_network.net"),
        steps=8,
        reading=Reading(None, {"netx": {"input": "binary"}}),
    )
    x = np.load(folder / "lava_run.npz")["input"].T[:8, np.newaxis]
    given = network.stimulus(np.concatenate([x, x[::-1]], axis=1), time_axis=True)
    expected = ENGINE.run(network, given, trace=True)
    assert_equal(STANDARD.run(network, given, trace=True), network, expected.traces)
    assert expected.spikes.any()


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_thresholds_rounded_by_the_compiler_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = RNG(6).random((12, 8, 8)).astype(np.float32)
    data, net = str(tmp_path / "d.npz"), str(tmp_path / "net.onnx")
    np.savez(data, x=x)
    model = [
        "compile",
        "tests.targets.lava.test_standard:hard_reset",
        "--calibrate",
        data,
        "--steps",
        "4",
        "-o",
    ]
    assert main([*model, net]) == 0
    verify = ["verify", net, "--data", data, "--limit", "3", "--backends", "engine,lava-standard"]
    assert main(verify) == 3
    assert "Compile with --set neurons.threshold_step=64" in capsys.readouterr().err
    assert main([*model, net, "--set", "neurons.threshold_step=64"]) == 0
    assert any(
        "lif1: fires above multiples of 64: moved by up to" in str(note) for note in load(Path(net)).notes
    )
    assert main(verify) == 0
    assert "0 mismatches" in capsys.readouterr().out


def hard_reset() -> Any:
    """An untrained network whose neurons reset to zero."""
    from neurodeploy.models import build

    return build("mlp:64-20-10,reset=zero")
