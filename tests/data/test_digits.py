from __future__ import annotations

import sys

import numpy as np
import pytest

from neurodeploy.data import Dataset, Drift, check_labels, drift, load
from neurodeploy.data.digits import stratified_split
from neurodeploy.errors import BackendMissing, InputError, UsageError


def test_digits_are_split_in_equal_shares() -> None:
    train, test = load("digits@train"), load("digits")
    assert (train.x.shape, test.x.shape, test.split) == ((1300, 8, 8), (497, 8, 8), "test")
    assert (train.x.dtype, train.y.dtype, train.shape, train.steps) == (np.float32, np.int64, (8, 8), None)
    assert set(np.unique(train.x * 16)) == set(range(17))
    shares = np.bincount(train.y) / (np.bincount(train.y) + np.bincount(test.y))
    assert np.abs(shares - 1300 / 1797).max() < 0.006
    assert set(test.y[:80]) == set(range(10))


def test_split_is_fixed() -> None:
    labels = np.arange(40) % 4
    train, test = stratified_split(labels, 30)
    assert sorted([*train, *test]) == list(range(40))
    assert load("digits@train").sha256().startswith("ea3ff26ad805c351")


def test_drift_sees_the_same_samples() -> None:
    clean, drifted = load("digits"), load("digits-drift")
    assert np.array_equal(clean.y, drifted.y)
    assert np.array_equal(drift(clean.x, Drift()), drifted.x)
    assert np.array_equal(np.rint(drifted.x * 16), drifted.x * 16)
    assert float(drifted.x.min()) >= 0.0
    assert float(drifted.x.max()) <= 1.0


def test_quarter_turn_is_exact() -> None:
    images = load("digits").x[:5]
    turned = drift(images, Drift(90.0, 1.0, 0.0))
    assert np.array_equal(turned, np.rot90(images, axes=(1, 2)))
    assert np.array_equal(drift(images, Drift(0.0, 1.0, 0.0)), images)


def test_gain_offset_and_levels() -> None:
    grey = np.full((1, 3, 3), 0.5, np.float32)
    assert np.array_equal(drift(grey, Drift(0.0, 0.5, 0.125)), np.full((1, 3, 3), 0.375))
    assert np.array_equal(drift(grey, Drift(0.0, 4.0, 0.0)), np.ones((1, 3, 3)))
    assert np.array_equal(drift(grey, Drift(0.0, 1.0, 0.01)), grey)
    with pytest.raises(UsageError, match=r"shape \(N, H, W\), not \(3, 3\)"):
        drift(grey[0], Drift())


def test_arrays_are_read_only_and_the_callers_are_not() -> None:
    x = np.zeros((2, 3), np.float32)
    data = Dataset("a", "all", "a.npz", x, None, 0, False, "", "")
    with pytest.raises(ValueError, match="read-only"):
        data.x[0] = 1
    x[0] = 1
    assert repr(data) == "Dataset(a.npz: 2 x (3,), 0 classes)"


def test_limit() -> None:
    assert len(load("digits").limit(10)) == 10
    assert len(load("digits").limit(10_000)) == 497
    with pytest.raises(UsageError, match="must be 1 or more, not 0"):
        load("digits").limit(0)


def test_labels_beyond_the_model() -> None:
    data = load("digits").limit(50)
    assert check_labels(data, 10) is data.y
    first = int(np.flatnonzero(data.y >= 5)[0])
    with pytest.raises(
        InputError, match=rf"sample {first} has label {data.y[first]}, .* 5 classes \(labels 0..4\)"
    ):
        check_labels(data, 5)


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(BackendMissing, match=r"Try: pip install 'scikit-learn>=1\.3'"):
        load("digits")


def test_digits_take_no_folder() -> None:
    with pytest.raises(UsageError, match="Leave out ':/tmp'"):
        load("digits:/tmp")


def test_dead_pixels_give_zero_whatever_they_see() -> None:
    white = np.ones((3, 8, 8), np.float32)
    seen = drift(white, Drift(0.0, 1.0, 0.5, dead=0.25))
    assert np.array_equal(seen[0], seen[1])
    assert (seen[0] == 0).sum() == 16
    assert set(np.unique(seen)) == {0.0, 1.0}
    other = drift(white, Drift(0.0, 1.0, 0.5, dead=0.25, dead_seed=1))
    assert not np.array_equal(seen, other)
    with pytest.raises(UsageError, match=r"share of dead pixels must be in 0\.\.1, not 1\.5"):
        Drift(dead=1.5)


def test_levels_of_the_sensor() -> None:
    grey = np.full((1, 3, 3), 0.5, np.float32)
    assert np.array_equal(
        drift(grey, Drift(0.0, 1.0, 0.0), levels=255), np.full((1, 3, 3), 128 / 255, np.float32)
    )
    assert np.array_equal(drift(grey, Drift(0.0, 0.5, 0.01), levels=4), np.full((1, 3, 3), 0.25, np.float32))
