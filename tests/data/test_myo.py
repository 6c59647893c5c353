from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.data import load
from neurodeploy.data.myo import Myo, envelopes
from neurodeploy.data.spec import parse
from neurodeploy.errors import InputError, UsageError
from tests.data.myo_file import GESTURES, SESSIONS, write_myo
from tests.data.shared import shared


def test_envelope_is_the_logarithm_of_the_mean_rectified_value() -> None:
    emg = np.zeros((64, 8), np.int8)
    emg[:16, 0], emg[16:32, 0] = 3, -3
    emg[0:32:2, 1] = -128
    emg[32:, 2] = 127
    x = envelopes(emg, 4)
    assert x.dtype == np.float32
    assert x[:, 0].tolist() == pytest.approx([2 / 7, 2 / 7, 0, 0])
    assert x[:, 1].tolist() == pytest.approx([np.log2(65) / 7] * 2 + [0, 0])
    assert x[:, 2].tolist() == [0, 0, 1, 1]
    assert envelopes(np.full((64, 8), -128, np.int8), 1).max() == 1.0


def test_windows_know_where_they_come_from(tmp_path: Path) -> None:
    found = Myo("myo").windows(parse(write_myo(tmp_path)), 8)
    windows_a_repetition = (240 - 100) // 64
    assert found.data.x.shape == (2 * SESSIONS * GESTURES * 6 * windows_a_repetition, 8, 8)
    level = np.log2(1 + 2 * found.data.y + found.session) / 7
    assert np.allclose(found.data.x, level[:, None, None])
    places = np.stack([found.person, found.session, found.data.y, found.repetition], axis=1)
    there, counts = np.unique(places, axis=0, return_counts=True)
    assert len(there) == 2 * SESSIONS * GESTURES * 6
    assert set(counts) == {windows_a_repetition}
    assert found.person[0] == 1, "people are in the order of their numbers"


def test_splits_are_sessions(tmp_path: Path) -> None:
    spec = write_myo(tmp_path)
    train, test = load(f"{spec}@train", 4), load(f"{spec}@test", 4)
    assert (len(train), len(test), train.classes, test.steps) == (2 * len(test), len(test), 8, 4)
    assert np.unique(np.rint(2 ** (7 * test.x[:, 0, 0]) - 1 - 2 * test.y)).tolist() == [3]


@pytest.mark.parametrize("steps", [None, 0, 3, 128])
def test_steps_divide_a_window(tmp_path: Path, steps: int | None) -> None:
    with pytest.raises(UsageError, match=f"64 samples must be divided into time steps, not into {steps}"):
        load(write_myo(tmp_path), steps)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"emg": np.zeros((5, 7), np.int8)}, r"'emg' must be int8 \(samples, 8\), not int8 \(5, 7\)"),
        ({"emg": np.zeros((5, 8))}, r"not float64 \(5, 8\)"),
        ({"label": np.zeros(4, int)}, "51840 samples need as many labels, not 4"),
        (
            {"offsets": np.array([0, 9, 5, 51840])},
            "'offsets' must rise from 0 to the number of samples, 51840",
        ),
        ({"session": np.ones(3, int)}, "18 recordings, but 3 in 'session'"),
        ({"gesture": np.full(18, 8)}, r"gestures must be 0..7, not 8..8"),
        ({"participant": np.zeros(18)}, r"'participant' must be whole numbers \(n,\), not float64 \(18,\)"),
    ],
)
def test_bad_files(tmp_path: Path, over: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(write_myo(tmp_path, **over), 8)


def test_file_without_windows_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no myo_gestures.npz in .*Write myo:FOLDER"):
        load(f"myo:{tmp_path}", 8)
    rest = {"label": np.zeros(51840, int), "gesture": np.ones(18, int)}
    with pytest.raises(InputError, match="no repetition of a gesture holds a window of 64 samples"):
        load(write_myo(tmp_path, **rest), 8)


def test_the_real_recordings() -> None:
    spec = f"myo:{shared('myo-gestures')}"
    train, test = load(f"{spec}@train", 8), load(f"{spec}@test", 8)
    assert (len(train), len(test)) == Myo.sizes
    assert np.bincount(train.y).min() > 800
    assert 0 <= train.x.min() < train.x.max() <= 1
