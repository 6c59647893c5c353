from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurodeploy.cli import main as cli
from tests.data.files import small_set


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "VERBS", ("data",))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "list"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["name", "shape", "classes", "train", "test", "licence", "found"]
    assert rows[1].split()[:5] == ["digits", "8x8", "10", "1300", "497"]


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "neurodeploy.data-list/1"
    assert [entry["name"] for entry in found["datasets"]] == [
        "digits",
        "digits-drift",
        "fashion-mnist",
        "mnist",
        "cifar10",
        "nmnist",
        "nmnist-count",
        "myo",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "digits"], "digits needs no download. There are fashion-mnist, mnist"),
        (["get", "imagenet"], "imagenet is not a data set to fetch"),
        (["get"], "nothing is not a data set to fetch"),
        (["list", "mnist"], "list takes no name"),
    ],
)
def test_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from neurodeploy.data import download, registry

    def kept(images: object, folder: Path | None, progress: object) -> tuple[Path, ...]:
        return ((folder or tmp_path) / "a.gz",)

    monkeypatch.setitem(registry.DOWNLOADS, "mnist", small_set())
    monkeypatch.setattr(download, "download", kept)
    assert cli.main(["data", "get", "mnist", "-o", str(tmp_path), "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out) == {
        "schema": "neurodeploy.data-get/1",
        "name": "mnist",
        "folder": str(tmp_path),
    }
    assert f"--data mnist:{tmp_path} " in out.err


def test_get_without_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    from neurodeploy.data import registry

    unreachable = replace(small_set(), mirrors=("http://127.0.0.1:9",))
    monkeypatch.setitem(registry.DOWNLOADS, "fashion-mnist", unreachable)
    assert cli.main(["data", "get", "fashion-mnist"]) == 6
    assert "apt-get install dataset-fashion-mnist" in capsys.readouterr().err
