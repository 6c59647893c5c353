"""Paths with spaces, quotes and letters of every script."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.main import main
from tests.robustness.process import COMPILE, artifact_file, data_file, net_file

NAMES = [
    "with spaces",
    "größe 网络 \U0001f9e0",
    'it\'s "quoted" $HOME `x` %s {0} *',
    "r\u202etl",
    "a@train:b",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_verb(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / name
    folder.mkdir()
    net, data = artifact_file(folder), data_file(folder)
    commands: list[list[object]] = [
        ["compile", net_file(folder), *COMPILE, folder / "made.onnx"],
        ["run", net, "--data", data, "--backend", "onnxruntime", "-o", folder / "out.npz"],
        ["learn", net, "--data", data, "-o", folder / "learned.onnx"],
        ["inspect", net],
        ["export", net, "--to", "nir", "-o", folder / "out.nir"],
    ]
    for command in commands:
        assert main([*map(str, command)]) == 0, capsys.readouterr().err
    assert load(folder / "learned.onnx").learning["data"] == str(data)


def test_train_and_resume(tmp_path: Path) -> None:
    folder = tmp_path / NAMES[1]
    folder.mkdir()
    command = [
        "train",
        "--model",
        "mlp:64-4-10",
        "--data",
        str(data_file(folder)),
        "--rule",
        "ottt-a",
        "--steps",
        "2",
    ]
    run = str(folder / "my run")
    assert main([*command, "--epochs", "1", "-q", "-o", run]) == 0
    assert main([*command, "--epochs", "1", "--resume", "-q", "-o", run]) == 0
    assert main(["compile", run, "-q", "-o", str(folder / "n.onnx")]) == 0
