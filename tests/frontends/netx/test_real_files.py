"""Trained files of lava-dl, against what lava-dl itself computed with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.compiler import compile
from neurodeploy.frontends.model import Reading
from neurodeploy.network import Network
from tests.data.shared import shared

pytest.importorskip("h5py", reason="no h5py")


def network(path: Path, given: str, steps: int | None = None) -> Network:
    return compile(str(path), steps=steps, reading=Reading(None, {"netx": {"input": given}}))


@pytest.mark.parametrize(
    ("name", "file", "spiking"),
    [("oxford", "network.net", 9565), ("mnist_tutorial", "trained_mnist_network.net", 82)],
)
def test_output_of_a_run_in_lava(name: str, file: str, spiking: int) -> None:
    folder = shared("netx") / name
    stored = np.load(folder / "lava_run.npz")
    x, expected = stored["input"].T, stored["output"].T
    found = network(folder / file, "binary", len(x))
    result = found.run(x[:, np.newaxis], time_axis=True)
    hops = len(found.neurons)
    assert expected.sum() == spiking and not expected[:hops].any()
    np.testing.assert_array_equal(result.spikes[: len(x) - hops, 0], expected[hops:])
    assert result.overflows is not None and not any(result.overflows.values())


def test_every_layer_of_tinynet() -> None:
    """The stored arrays begin with one empty step: spikes of the input layer come one step later in slayer."""
    folder = shared("netx") / "tinynet"
    found = network(folder / "tiny.net", "graded:-1..1", 15)
    image = (np.load(folder / "input_bias.npy").transpose(2, 1, 0) - 34) / 36
    result = found.run(image[np.newaxis], trace=True)
    for layer, file in (("lif0", "input"), ("lif1", "layer1"), ("lif2", "output")):
        expected = np.load(folder / f"{file}.npy")[0]
        assert not expected[..., 0].any() and expected.any()
        spikes = result.traces[layer].spikes[:, 0].reshape(15, *expected.shape[:-1])
        np.testing.assert_array_equal(np.moveaxis(spikes, 0, -1), expected[..., 1:], layer)


def test_currents_of_tinynet() -> None:
    from neurodeploy.ir.convolution import convolve

    folder = shared("netx") / "tinynet"
    op: Any = network(folder / "tiny.net", "graded:-1..1", 15).graph.op("conv1")
    x = np.moveaxis(np.load(folder / "input.npy")[0], -1, 0)
    expected = np.moveaxis(np.load(folder / "current.npy")[0], -1, 0)
    sums: npt.NDArray[Any] = convolve(x, op.weight_q.astype(np.float32), op.windows, op.groups)
    np.testing.assert_array_equal(sums * 2**op.exponent, expected)
    kernel = np.load(folder / "layer1_kernel.npy").transpose(0, 3, 2, 1)[:, :, ::-1, ::-1]
    np.testing.assert_array_equal(op.weight_q * 2, kernel)


def test_steps_of_a_file() -> None:
    from neurodeploy.frontends.netx import open_net

    assert open_net(shared("netx") / "tinynet" / "tiny.net").steps == 64
    assert open_net(shared("netx") / "oxford" / "network.net").steps is None
