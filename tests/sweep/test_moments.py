"""Second moments that the points of a sweep share."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.compiler import CompileConfig, QuantConfig, compile_graph
from neurodeploy.quant.moments import Measured
from neurodeploy.sweep import Sweep, sweep
from neurodeploy.sweep.moments import KeptMoments
from tests.sweep.nets import Made, data, network, over_time


def kept(folder: Path, digest: str = "this") -> KeptMoments:
    return KeptMoments(network(), data(20).x, 3, folder, digest)


def swept(folder: Path | None, rounding: str = "gptq", threshold: float = 0.5) -> Sweep:
    config = CompileConfig(quant=QuantConfig(rounding=rounding))  # type: ignore[arg-type]
    return sweep(Made(network(threshold)), data(), data(20), bits=[4, 2], config=config, folder=folder)


def test_they_are_those_of_a_float_run(tmp_path: Path) -> None:
    measured = Measured(network(), data(20).x, 3)
    for name in ("fc1", "fc2"):
        np.testing.assert_array_equal(kept(tmp_path).of(name), measured.of(name))
    assert np.abs(measured.of("fc2")).sum() > 0


def test_they_are_measured_once_for_all_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = Measured.of
    monkeypatch.setattr(Measured, "of", lambda self, name: asked.append(name) or original(self, name))
    found = swept(tmp_path)
    assert sorted(asked) == ["fc1", "fc2"] and len(found.entries) > 4
    swept(tmp_path)
    assert len(asked) == 2
    swept(tmp_path, threshold=0.4)
    assert len(asked) == 4


def test_another_process_reads_them(tmp_path: Path) -> None:
    one = kept(tmp_path)
    expected = np.array(one.of("fc1"))
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again.of("fc1"), expected)
    elsewhere = KeptMoments(again.graph, again.sample, 3, tmp_path / "not" / "there", "this")
    np.testing.assert_array_equal(elsewhere.of("fc1"), expected)


def test_another_network_has_files_of_its_own(tmp_path: Path) -> None:
    kept(tmp_path).measure()
    kept(tmp_path, "that").measure()
    assert len(list((tmp_path / "moments").iterdir())) == 4


def test_another_version_measures_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept(tmp_path)
    monkeypatch.setattr("neurodeploy.sweep.work.version", lambda name: "99")
    swept(tmp_path)
    assert len(list((tmp_path / "moments").iterdir())) == 4


def test_points_are_the_same_with_and_without_a_folder(tmp_path: Path) -> None:
    with_folder, without = swept(tmp_path), swept(None)
    assert [e.point.prediction for e in with_folder.entries] == [e.point.prediction for e in without.entries]


def test_samples_over_time_run_as_they_are(tmp_path: Path) -> None:
    config = CompileConfig(quant=QuantConfig(rounding="gptq"))
    calibration = over_time(30)
    found = sweep(
        Made(network()), over_time(40), calibration, bits=[4, 2], config=config, folder=tmp_path, steps=3
    )
    x = calibration.time_first
    measured = Measured(network(), x, 3, time_axis=True)
    files = {np.load(path).tobytes() for path in (tmp_path / "moments").iterdir()}
    assert files == {measured.of(name).tobytes() for name in ("fc1", "fc2")}
    compiled = compile_graph(
        network(), x, steps=3, config=CompileConfig(quant=QuantConfig(2, rounding="gptq")), time_axis=True
    )
    (two,) = [e.point for e in found.entries if e.kind == "uniform" and str(e.setting) == "2 bits"]
    expected = compiled.run(over_time(40).time_first, time_axis=True).prediction
    np.testing.assert_array_equal(two.prediction, expected)
    assert (
        "network: weights rounded with the covariance of what 30 samples of 3 time steps send them"
        in two.notes
    )


def test_samples_over_time_have_moments_of_their_own(tmp_path: Path) -> None:
    """The same numbers as single steps are another calibration."""
    moving = over_time(30)
    still = replace(moving, x=moving.x.reshape(-1, 6), y=np.zeros(90, np.int64), time_axis=False)
    config = CompileConfig(quant=QuantConfig(rounding="gptq"))
    for calibration, files in ((moving, 2), (still, 4), (moving, 4)):
        sweep(Made(network()), data(), calibration, bits=[2], config=config, folder=tmp_path)
        assert len(list((tmp_path / "moments").iterdir())) == files


def test_nothing_is_kept_where_nothing_is_needed(tmp_path: Path) -> None:
    swept(tmp_path, "nearest")
    assert not (tmp_path / "moments").exists()
