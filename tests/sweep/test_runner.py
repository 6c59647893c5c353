from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neurodeploy.errors import BackendMissing
from neurodeploy.sweep import runner, sweep
from tests.sweep.nets import Made, data, network


def test_processes_give_the_same(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    alone = sweep(Made(network()), data(), data(20), bits=[8, 3, 2], max_drop=0.2)
    parallel = sweep(Made(network()), data(), data(20), bits=[8, 3, 2], max_drop=0.2, jobs=2, folder=tmp_path)
    assert [e.point.prediction for e in parallel.entries] == [e.point.prediction for e in alone.entries]
    assert [e.setting for e in parallel.entries] == [e.setting for e in alone.entries]
    assert len(list((tmp_path / "points").iterdir())) == parallel.computed


def test_on_a_dask_cluster() -> None:
    joblib = pytest.importorskip("joblib")
    distributed = pytest.importorskip("distributed")
    alone = sweep(Made(network()), data(), data(20), bits=[8, 2])
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        spread = sweep(Made(network()), data(), data(20), bits=[8, 2], jobs=2)
    assert [e.point.prediction for e in spread.entries] == [e.point.prediction for e in alone.entries]


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    with pytest.raises(
        BackendMissing, match=r"2 jobs need joblib.*pip install 'neurodeploy\[sweep\]', or --jobs 1"
    ):
        sweep(Made(network()), data(), data(20), jobs=2)
