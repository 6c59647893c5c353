from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.errors import FitError
from neurodeploy.ir import IntDense
from neurodeploy.network import Note
from neurodeploy.passes import Fit, chip_need
from neurodeploy.passes.fit import weight_bits
from tests.nets import chain, chip_file

LOIHI2 = load_chip("loihi2")


@pytest.mark.parametrize(
    ("largest", "bits"),
    [(0, 2), (1, 2), (2, 3), (3, 3), (4, 4), (63, 7), (64, 8), (127, 8), (-127, 8), (-128, 8), (-3, 3)],
)
def test_weight_bits(largest: int, bits: int) -> None:
    assert weight_bits(np.array([[0, largest]], np.int8)) == bits


def test_need_of_a_layer() -> None:
    graph = chain((6, 5, 4)).graph
    graph = graph.replaced({"fc1": IntDense(np.full((5, 6), 3), 0)})
    need = chip_need(graph, LOIHI2)
    first = need.layers[0]
    memory = next(use for use in first.uses if use.resource == "synapse_memory")
    assert (first.neurons, first.synapses, first.weight_bits, memory.used) == (5, 30, 3, 12)
    assert (need.cores, need.cores_limit, need.fits, first.binding) == (2, 120, True, "neurons")
    assert "core.in_axons" in need.not_checked
    assert need.to_dict()["fits"] is True


@pytest.mark.parametrize(
    ("old", "new", "cores", "binding"),
    [
        ("synapse_memory = { value = 131072", "synapse_memory = { value = 7", 5, "synapse memory"),
        ("neurons = { value = 8192", "neurons = { value = 2", 3, "neurons"),
    ],
)
def test_cores_of_a_layer(tmp_path: Path, old: str, new: str, cores: int, binding: str) -> None:
    chip = load_chip(chip_file(tmp_path, (old, new)))
    first = chip_need(chain((6, 5)).graph.replaced({"fc1": IntDense(np.full((5, 6), 127), 0)}), chip).layers[
        0
    ]
    assert (first.cores, first.binding) == (cores, binding)


def test_does_not_fit(tmp_path: Path) -> None:
    limits = (
        ("cores = { value = 120", "cores = { value = 3"),
        ("neurons = { value = 8192", "neurons = { value = 2"),
    )
    chip = load_chip(chip_file(tmp_path, *limits))
    with pytest.raises(FitError) as caught:
        Fit(chip).apply(chain((6, 5, 4)).graph, [])
    assert str(caught.value).startswith(
        "needs 5 cores; loihi2 has 3 (2 over). Layer 'lif1' needs most: 3 cores for 5 neurons, "
        "each with 2 of 2 neurons, which binds. Try"
    )


def test_note() -> None:
    graph, notes = chain((6, 5, 4)).graph, list[Note]()
    assert Fit(LOIHI2).apply(graph, notes) is graph
    assert notes == [Note("network", "fits: at least 2 of 120 cores of loihi2")]
