from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurodeploy.compiler import QuantConfig
from neurodeploy.errors import InputError
from neurodeploy.ir import Dense
from neurodeploy.sweep.checks import outliers, require_spikes
from tests.sweep.nets import data, dense, network


def test_all_layers_fire() -> None:
    require_spikes(network(), data(), 3)


def test_names_the_silent_layer() -> None:
    message = r"layer 'lif1': not one spike in 40 calibration samples of 3 steps \(made.npz\)"
    with pytest.raises(InputError, match=message):
        require_spikes(network(threshold=100.0), data(), 3)


def test_one_spike_late_is_enough() -> None:
    quiet = data(200)
    x = quiet.x.copy()
    x[:190] = 0
    require_spikes(network(), replace(quiet, x=x), 3)


def stretched(factor: float) -> Dense:
    weight = dense(8, 6, 0).weight.copy()
    weight[2, 3] = factor * np.abs(weight).max()
    return Dense(weight, np.zeros(8))


def test_outlier_is_noted() -> None:
    (note,) = outliers(network(fc1=stretched(16)), QuantConfig())
    assert note.layer == "fc1"
    assert note.what.startswith("1 of 48 weights, up to ")
    assert "lose 4.0 bits. Try --set quant.clip=mse" in note.what


@pytest.mark.parametrize("factor", [1, 3.9])
def test_no_outlier(factor: float) -> None:
    assert outliers(network(fc1=stretched(factor)), QuantConfig()) == []


def test_no_note_where_outliers_are_clipped() -> None:
    assert outliers(network(fc1=stretched(16)), QuantConfig(clip="mse")) == []
    assert outliers(network(fc1=Dense(np.zeros((8, 6)), np.zeros(8))), QuantConfig()) == []
