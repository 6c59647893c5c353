"""What a `.net` file does not hold, or lava-dl would change without a word, is refused by name with numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import FitError, NeurodeployError, UnsupportedError
from neurodeploy.ir import Delay, Graph, IntConv, IntDense, IntLIF, Op, Output
from neurodeploy.network import Network
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.netx import export_netx
from tests.targets.netx.networks import Builder

pytest.importorskip("h5py", reason="no h5py")

WEIGHT = [[40, -4, 8], [6, 30, -9]]
NEURONS: dict[str, Any] = {
    "du": 4096,
    "dv": 300,
    "bias_q": 0,
    "threshold_q": 3200,
    "reset": "zero",
    "compare": "gt",
}


def dense(weight: Any = WEIGHT, exponent: int = 0, **neurons: Any) -> Network:
    build = Builder((3,), 0, 1)
    build.layer("dense", {0: IntDense(weight, exponent)}, IntLIF((2,), **{**NEURONS, **neurons}))
    return build.network(6)


def convolution(weight: Any, padding: tuple[int, ...] = (0,) * 4, groups: int = 1, **neurons: Any) -> Network:
    build = Builder((4, 3, 3), 0, 1)
    op = IntConv(weight, 1, (1, 1), padding, (1, 1), groups)
    shape = (len(op.weight_q), *op.windows.places((3, 3)))
    build.layer("conv", {0: op}, IntLIF(shape, **{**NEURONS, **neurons}))
    return build.network(6)


def refused(network: Network, path: Path, error: type[NeurodeployError], message: str) -> None:
    with pytest.raises(error, match=message):
        export_netx(network, path / "net.net")
    assert not (path / "net.net").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"reset": "subtract"},
            "layer 'lif1': reset 'subtract'; neurons of a .net file fire above their threshold",
        ),
        ({"clear_current": True}, "clear_current"),
        ({"initial_q": 3}, "initial_q"),
        ({"v_min_q": -100}, "v_min_q"),
        ({"refractory": 2}, "refractory 2"),
    ],
)
def test_neurons(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    refused(dense(**change), tmp_path, UnsupportedError, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"threshold_q": 3201},
            "layer 'lif1': fires above 3201; .* multiples of 64, the nearest are 3200 and 3264",
        ),
        ({"threshold_q": 3200, "compare": "ge"}, "fires above 3199; .* the nearest are 3136 and 3200"),
        (
            {"threshold_q": 64 * 131072},
            r"the threshold is 131072 \* 64; a .net file holds at most 131071 \* 64",
        ),
        ({"threshold_q": [64, 128]}, r"thresholds differ \(64..128\)"),
        ({"bias_q": [64, 65]}, "1 of 2 biases are no multiples of 64, such as 65"),
        ({"bias_q": 64 * 4096}, r"a bias of 4096 \* 64; a .net file holds at most 4095 \* 64"),
    ],
)
def test_numbers_of_neurons(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    refused(dense(**change), tmp_path, FitError, message)


def test_threshold_of_saturating_neurons(tmp_path: Path) -> None:
    """Potentials that saturate are no multiples of 64 any more, so a threshold between two may not be rounded."""
    build = Builder((3,), 0, 1 << 17)
    build.layer("dense", {0: IntDense(WEIGHT, 0)}, IntLIF((2,), 4096, 0, 0, 3203, "zero"))
    refused(build.network(60), tmp_path, FitError, "fires above 3202; .* the nearest are 3200 and 3264")
    export_netx(dense(dv=0, threshold_q=3203, compare="ge"), tmp_path / "net.net")


@pytest.mark.parametrize(
    ("weight", "exponent", "message"),
    [
        (
            [[100, -100, 3], [1, 2, 4]],
            2,
            r"layer 'dense1': 2 of 6 weights lie outside -256..254 \(-400..400\)",
        ),
        ([[-128, -1, -5], [-6, -1, -9]], 1, "lava-dl's netx would change 1 of 6 weights, such as -256"),
        ([[-64, -2, -6], [-6, -4, -8]], 0, "lava-dl's netx would change 1 of 6 weights, such as -64"),
        (np.zeros((2, 3)), 0, "all 6 weights are 0; lava-dl's netx cannot load such a matrix"),
    ],
)
def test_weights(tmp_path: Path, weight: Any, exponent: int, message: str) -> None:
    network = dense(weight, exponent)
    with pytest.raises(FitError, match=message.replace("dense1", "(dense1|lif1)")):
        export_netx(network, tmp_path / "net.net")


def test_shifted_sums(tmp_path: Path) -> None:
    refused(dense(exponent=-2), tmp_path, UnsupportedError, r"layer 'dense1': its sums are shifted by 2\^-2")


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (
            convolution(np.ones((2, 4, 2, 2)), (0, 0, 1, 0)),
            UnsupportedError,
            r"padding \[0, 0, 1, 0\]; .* alike",
        ),
        (
            convolution(np.ones((2, 4, 3, 1)), bias_q=64 * np.arange(6).reshape(2, 1, 3)),
            FitError,
            r"bias_q differs within a channel \(0..320\)",
        ),
        (
            convolution(np.ones((2, 4, 3, 1)), dv=np.arange(6).reshape(2, 1, 3)),
            FitError,
            r"dv differs within a channel \(0..5\)",
        ),
    ],
)
def test_convolutions(tmp_path: Path, network: Network, error: type[NeurodeployError], message: str) -> None:
    refused(network, tmp_path, error, message)


def test_many_groups(tmp_path: Path) -> None:
    build = Builder((128, 1, 1), 0, 1)
    op = IntConv(np.ones((128, 1, 1, 1)), 1, (1, 1), (0,) * 4, (1, 1), 128)
    build.layer("conv", {0: op}, IntLIF((128, 1, 1), **NEURONS))
    refused(
        build.network(),
        tmp_path,
        FitError,
        "groups must be at most 127 each, not 128: Lava keeps them in 8 bits",
    )


def test_convolution_over_one_axis(tmp_path: Path) -> None:
    build = Builder((2, 5), 0, 1)
    op = IntConv(np.ones((3, 2, 2)), 1, (1,), (0, 0), (1,))
    build.layer("conv", {0: op}, IntLIF((3, 4), **NEURONS))
    refused(
        build.network(),
        tmp_path,
        UnsupportedError,
        "layer 'conv1': a .net file holds convolutions over two axes",
    )


def test_delay_of_a_convolution(tmp_path: Path) -> None:
    build = Builder((4, 3, 3), 0, 1)
    op = IntConv(np.ones((2, 4, 3, 3)), 1, (1, 1), (0,) * 4, (1, 1))
    build.layer("conv", {2: op}, IntLIF((2, 1, 1), **NEURONS))
    refused(build.network(), tmp_path, UnsupportedError, "netx drops the delays of a convolution")


def split(steps: dict[int, Any], back: IntDense | None = None) -> Network:
    build = Builder((3,), 0, 1)
    build.layer("dense", {d: IntDense(w, 0) for d, w in steps.items()}, IntLIF((2,), **NEURONS), back)
    return build.network()


def test_delays(tmp_path: Path) -> None:
    both = {0: [[1, 2, 0], [0, 0, 0]], 3: [[0, 0, 5], [1, -2, 3]]}
    refused(
        split(both), tmp_path, FitError, r"neuron 0 has synapses in 2 groups \(delays of \[0, 3\] steps\)"
    )
    refused(split({63: WEIGHT}), tmp_path, FitError, "a delay of 63 steps; lava-dl's netx cuts delays to 62")
    refused(
        split({2: WEIGHT}, IntDense([[1, -2], [3, 4]], 0)),
        tmp_path,
        UnsupportedError,
        "lava-dl's netx cannot load recurrence with delays",
    )


def changed(network: Network, ops: dict[str, Op], edges: list[tuple[str, str]], without: str = "") -> Network:
    graph = network.graph
    kept = [edge for edge in graph.edges if without not in edge]
    old = {n: graph.op(n) for n in graph.names if n != without}
    return replace(network, graph=Graph({**old, **ops}, [*kept, *edges]))


def test_branches(tmp_path: Path) -> None:
    build = Builder((3,), 0, 1)
    build.layer("dense", {0: IntDense(WEIGHT, 0)}, IntLIF((2,), **NEURONS))
    build.layer("dense", {0: IntDense([[2, -4]], 0)}, IntLIF((1,), **NEURONS))
    skip = changed(
        build.network(), {"skip": IntDense([[4, -8, 2]], 0)}, [("input", "skip"), ("skip", "lif2")]
    )
    refused(
        skip, tmp_path, UnsupportedError, "layer 'lif2' gets input of 'input' through 'skip'; .* only 'lif1'"
    )


def test_slow_recurrence(tmp_path: Path) -> None:
    ops: dict[str, Op] = {"slow": Delay((2,), 2), "back": IntDense([[1, -2], [3, 4]], 0)}
    edges = [("lif1", "slow"), ("slow", "back"), ("back", "lif1")]
    refused(
        changed(dense(), ops, edges), tmp_path, UnsupportedError, "feeds itself through 'back' after 2 steps"
    )


def test_result_behind_the_neurons(tmp_path: Path) -> None:
    ops: dict[str, Op] = {"late": Delay((2,), 2), "y": Output()}
    network = changed(dense(), ops, [("lif1", "late"), ("late", "y")], without="output")
    refused(
        network, tmp_path, UnsupportedError, "layer 'late' is the result, but a .net file ends with .* 'lif1'"
    )


def test_other_registers(tmp_path: Path) -> None:
    other = replace(dense(), registers=Registers(Register(16, "wrap"), Register(24, "saturate")))
    refused(other, tmp_path, UnsupportedError, r"loihi2 has .*bits=16.*Lava's neurons have")


def test_what_lava_dl_has_to_be_told(tmp_path: Path) -> None:
    build = Builder((2, 1, 1), -36, 36)
    build.ops["input"] = replace(build.ops["input"], levels=36.0)  # type: ignore[type-var]
    build.flatten()
    build.layer("dense", {0: IntDense([[2, -4]], 0)}, IntLIF((1,), 4096, 0, 64, 0, "none"))
    notes = "\n".join(map(str, export_netx(build.network(7), tmp_path / "net.net")))
    assert "input: its spikes carry numbers: load the file with input_message_bits=7" in notes
    assert "give round(x * 36), -36..36" in notes
    assert "readout2: never fires in lava-dl" in notes
    assert "reset_interval=7, reset_offset=1" in notes
    assert export_netx(dense(), tmp_path / "net.net") == ()
