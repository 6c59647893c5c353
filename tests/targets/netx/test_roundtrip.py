"""What is written is read back as the same graph, and as the same bytes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurodeploy.errors import BackendMissing, InputError
from neurodeploy.frontends.netx import NetxConfig, open_net
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network
from neurodeploy.targets.netx import export_netx
from tests.data.shared import shared
from tests.frontends.netx.files import run, spikes
from tests.targets.netx.networks import Builder, netx_networks


def read(path: Path, network: Network) -> Graph:
    low, high = network.input.low, network.input.high
    given = "binary" if (low, high) == (0, 1) else f"graded:{low}..{high}"
    return open_net(path, None, NetxConfig(input=given, delay="input")).read().graph


@settings(max_examples=25)
@given(netx_networks())
def test_same_graph(tmp_path_factory: Any, network: Network) -> None:
    path = tmp_path_factory.getbasetemp() / "roundtrip.net"
    export_netx(network, path)
    assert read(path, network) == network.graph
    assert open_net(path).steps == network.steps


@pytest.mark.parametrize("name", ["oxford/network.net", "mnist_tutorial/trained_mnist_network.net"])
def test_same_graph_of_trained_files(tmp_path: Path, name: str) -> None:
    config = NetxConfig(input="binary")
    first = open_net(shared("netx") / name, None, config).read().graph
    export_netx(Network(first, 3, "loihi2"), tmp_path / "net.net")
    second = open_net(tmp_path / "net.net", None, config).read().graph
    assert [second.op(n) for n in second.names] == [first.op(n) for n in first.names]


def test_same_bytes(tmp_path: Path) -> None:
    network = small()
    contents = set()
    for name in ("a.net", "b.net"):
        export_netx(network, tmp_path / name)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.net", "b.net"]


def test_file_stays_when_it_cannot_be_replaced(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        export_netx(small(), tmp_path / "missing" / "net.net")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BackendMissing, match=r"a .net file needs h5py.*pip install 'neurodeploy\[nir\]'"):
        export_netx(small(), tmp_path / "net.net")


def small() -> Network:
    """Three inputs, two neurons."""
    build = Builder((3,), 0, 1)
    build.layer(
        "dense", {0: IntDense([[40, -4, 8], [6, 30, -9]], 0)}, IntLIF((2,), 4096, 300, 0, 3200, "zero", "gt")
    )
    return build.network(6)


def test_other_forms_of_the_same_network(tmp_path: Path) -> None:
    """Other names, delays before a flatten layer, weights that could be halved: the same spikes."""
    graph = Graph(
        {
            "x": IntInput((2, 2, 2), 1.0, 0, 1),
            "c": IntConv(np.full((2, 2, 1, 1), 24), 1, (1, 1), (0,) * 4, (1, 1)),
            "n": IntLIF((2, 2, 2), 4096, 100, [[[64]], [[-64]]], 64 * 40, "zero", "gt"),
            "later": Delay((2, 2, 2), 2),
            "flat": Flatten(),
            "flat_later": Flatten(),
            "w": IntDense([[20, -8, 6, 4, 2, 8, 6, 10], [0] * 8], 1),
            "w_later": IntDense([[0] * 8, [-4, 20, 16, 14, -2, 8, 6, 10]], 1),
            "m": IntLIF((2,), 1000, 0, 0, 64 * 60, "zero", "gt"),
            "y": Output(),
        },
        [
            *[("x", "c"), ("c", "n"), ("n", "later"), ("n", "flat"), ("later", "flat_later")],
            *[("flat", "w"), ("flat_later", "w_later"), ("w", "m"), ("w_later", "m"), ("m", "y")],
        ],
    )
    network = Network(graph, 12, "loihi2")
    export_netx(network, tmp_path / "net.net")
    x = spikes(1, 12, 2, 2, 2)
    expected = run(graph, x)
    np.testing.assert_array_equal(run(read(tmp_path / "net.net", network), x), expected)
    assert 0 < expected.sum() < expected.size


@pytest.mark.parametrize("compare", ["ge", "gt"])
def test_any_threshold_without_decay(tmp_path: Path, compare: Any) -> None:
    """Potentials are multiples of 64, so that a threshold between two of them is the lower one."""
    for threshold in (3199, 3200, 3201, 3263, 3264):
        build = Builder((3,), 0, 1)
        weight = IntDense([[20, -4, 8], [6, 28, -10]], 0)
        build.layer("dense", {0: weight}, IntLIF((2,), 4096, 0, 64, threshold, "zero", compare))
        network = build.network(20)
        export_netx(network, tmp_path / "net.net")
        x = spikes(threshold, 20, 3)
        expected = run(network.graph, x)
        np.testing.assert_array_equal(run(read(tmp_path / "net.net", network), x), expected)
        assert 0 < expected.sum() < expected.size
