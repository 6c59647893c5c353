"""What is built, what is said of it, and that both agree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import neurodeploy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
NOT_IN_ALL = {"all", "dev", "docs", "lint", "release", "tonic", "tensorboard"}
"""For developers, and two that bring many packages for one thing each."""


def constraints(python: str) -> dict[str, Version]:
    """The pinned versions by package for one version of Python."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    where = {"python_version": python, "python_full_version": f"{python}.4"}
    found: dict[str, Version] = {}
    for pin in pins:
        if pin.marker is None or pin.marker.evaluate(where):
            assert pin.name not in found, f"{pin.name} is pinned twice for Python {python}"
            (only,) = pin.specifier
            assert only.operator == "=="
            found[pin.name] = Version(only.version)
    return found


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_to_what_it_allows(python: str) -> None:
    pins = constraints(python)
    for text in (*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)):
        wanted = Requirement(text)
        if wanted.name != "neurodeploy" and (
            wanted.marker is None or wanted.marker.evaluate({"python_version": python})
        ):
            assert pins[wanted.name.lower()] in wanted.specifier, f"{wanted} on Python {python}"


def test_one_version_of_torch() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (pinned,) = re.findall(r"^TORCH := torch==(\S+)$", makefile, re.MULTILINE)
    assert Version(pinned) == constraints("3.11")["torch"]


def test_pythons() -> None:
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert tuple(named) == PYTHONS
    assert all(python in SpecifierSet(PROJECT["requires-python"]) for python in PYTHONS)


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (cited,) = re.findall(r"^version: (\S+)$", citation, re.MULTILINE)
    assert neurodeploy.__version__ == PROJECT["version"] == cited
    assert f"\n## {cited} " in changelog
    assert f"license: {PROJECT['license']}\n" in citation


def test_extras_that_messages_name_exist() -> None:
    texts = [
        path.read_text("utf-8")
        for folder in ("neurodeploy", "targets", "models")
        for path in python_files(folder)
    ]
    named = {
        extra
        for text in texts
        for found in re.findall(r"neurodeploy\[([\w,-]+)\]", text)
        for extra in found.split(",")
    }
    assert {"nir", "report", "completion"} <= named <= set(EXTRAS)


def python_files(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]


def test_all_has_every_extra_for_users() -> None:
    (everything,) = (Requirement(text) for text in EXTRAS["all"])
    assert everything.extras == set(EXTRAS) - NOT_IN_ALL


def test_gates() -> None:
    """`.ci/run` tests, measures coverage of lines and branches, and tries the package."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]
    assert (tool["run"]["branch"], tool["report"]["fail_under"] >= 90) == (True, True)
    for pattern in tool["report"]["include"]:
        assert list(ROOT.glob(pattern)), f"coverage includes {pattern}, which is nothing"
    planned = subprocess.run(
        ["make", "--dry-run", "test", "package"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for command in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "coverage run -m pytest",
        "coverage report",
        "twine check",
    ):
        assert command in planned
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_sdist(tmp_path: Path) -> None:
    """It holds what the wheel is made of, each file once, and no tests."""
    build_meta = pytest.importorskip("setuptools.build_meta")
    ignored = shutil.ignore_patterns("__pycache__", "fmnist-conv")  # its 9 MB take a second to pack
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in ROOT.glob("*"):
        if path.is_file():
            shutil.copy(path, copy)
    for folder in ("neurodeploy", "targets", "models"):
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=ignored)
    (copy / "tests").mkdir()
    (copy / "tests" / "test_x.py").touch()
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    assert build_meta
    with tarfile.open(tmp_path / f"neurodeploy-{neurodeploy.__version__}.tar.gz") as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert len(names) == len(set(names))
    tree = {
        str(path.relative_to(copy))
        for folder in ("neurodeploy", "targets", "models")
        for path in (copy / folder).rglob("*")
        if path.is_file() and not {"targets", "models"} & set(path.relative_to(copy).parts[1:2])
    }
    assert set(names) >= tree | {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "SECURITY.md",
        "pyproject.toml",
    }
    assert not [
        name for name in names if name.startswith(("tests", "neurodeploy/targets", "neurodeploy/models"))
    ]
