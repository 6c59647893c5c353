"""A compiled network and data on disk, and calls of the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.main import main
from tests.nets import pixels

MODULES = "tests.frontends.modules"


@dataclass(frozen=True)
class Files:
    """`net`: an artefact of `modules:digits`; `data`: 12 labelled samples; `more`: a folder to write into."""

    net: Path
    data: Path
    more: Path

    def save(self, name: str, **arrays: object) -> Path:
        path = self.more / f"{name}.npz"
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("cli")
    np.savez(folder / "data.npz", x=pixels((12, 8, 8)), y=np.arange(12) % 10)
    arguments = ["--calibrate", str(folder / "data.npz"), "--steps", "4", "-q"]
    assert main(["compile", f"{MODULES}:digits", *arguments, "-o", str(folder / "net.onnx")]) == 0
    return folder / "net.onnx", folder / "data.npz"


@pytest.fixture
def files(made: tuple[Path, Path], tmp_path: Path) -> Files:
    return Files(*made, tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout and stderr of one command."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def steps_of(path: Path) -> int:
    return load(path).steps
