"""The networks that come with the package: whole, as their cards say, of use without data and torch.

Where a change of the compiler is meant, `python benchmarks/zoo.py remake` writes artefacts and cards again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.chip import load_chip
from neurodeploy.cli.main import main
from neurodeploy.data import load
from neurodeploy.errors import InputError, UsageError
from neurodeploy.frontends.zoo import open_zoo
from neurodeploy.ir import to_json
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes import chip_need
from neurodeploy.zoo import ARTEFACT, CARD, WEIGHTS, card, folder, names, shelf

NAMES = ("digits-mlp", "fmnist-conv", "fmnist-mlp", "myo-mlp", "nmnist-conv")
SMALL = tuple(name for name in NAMES if name != "fmnist-conv")
LARGEST = 12_000_000
"""Bytes of all files together."""


def test_names() -> None:
    assert names() == NAMES


def test_size() -> None:
    assert sum(path.stat().st_size for path in shelf.SHELF.rglob("*") if path.is_file()) < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_files_are_those_of_the_card(name: str) -> None:
    known = card(f"zoo:{name}")
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder(f"zoo:{name}").iterdir()
    }
    assert there.pop(CARD)
    assert there == known.files
    assert known.name == name
    assert known.command.endswith(f"-o {name}")


@pytest.mark.parametrize("name", SMALL)
def test_the_artefact_is_what_compile_makes(name: str) -> None:
    """Equal but for the versions of the packages, which `provenance` names."""
    shipped, made = nd.load(f"zoo:{name}"), nd.compile(f"zoo:{name}")
    (described, arrays), (again, arrays_again) = to_json(shipped.graph), to_json(made.graph)
    assert described == again
    assert arrays.keys() == arrays_again.keys()
    assert all(np.array_equal(arrays[key], arrays_again[key]) for key in arrays)
    assert (shipped.notes, shipped.steps, shipped.target) == (made.notes, made.steps, made.target)
    assert {**shipped.provenance, "versions": 0} == {**made.provenance, "versions": 0}


@pytest.mark.parametrize("name", NAMES)
def test_fit_of_the_card(name: str) -> None:
    known = card(f"zoo:{name}")
    need = chip_need(nd.load(f"zoo:{name}").graph, load_chip(known.fit.chip))
    assert (need.cores, need.cores_limit) == (known.fit.cores, known.fit.cores_limit)


def test_accuracies_of_the_card() -> None:
    pytest.importorskip("sklearn")
    known, test = card("zoo:digits-mlp"), load("digits@test")
    assert (test.sha256(), len(test)) == (known.test.sha256, known.test.samples)
    graph = open_zoo("zoo:digits-mlp").read(None, None).graph
    found = [interpret(graph, test.x, known.steps).prediction]
    found += [nd.compile("zoo:digits-mlp", bits=bits).run(test.x).prediction for bits in (8, 4)]
    shares = [float(np.mean(prediction == test.y)) for prediction in found]
    assert shares == [accuracy.accuracy for accuracy in known.accuracy[:3]]


def test_calibration_is_recorded() -> None:
    known, network = card("zoo:myo-mlp"), nd.compile("zoo:myo-mlp")
    assert network.provenance["model"] == "zoo:myo-mlp"
    assert network.provenance["calibration"] == {
        "data": "myo@train",
        "sha256": known.grid.sha256,
        "samples": known.grid.samples,
    }
    assert "input: its integers were found on 1000 samples of myo@train" in map(str, network.notes)


def test_data_that_are_given_find_the_grid() -> None:
    network = nd.compile("zoo:digits-mlp", np.array([np.zeros((8, 8)), np.full((8, 8), 0.5)]))
    assert network.input.levels == 2.0
    assert network.provenance["calibration"] == {"samples": 2}


def test_compiles_without_torch_and_without_data(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from neurodeploy.cli.main import main\n"
        "sys.exit(main(['compile', 'zoo:fmnist-conv', '-o', 'net.onnx', '-q']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "its integers were found on 1000 samples of fashion-mnist@train" in done.stdout
    assert nd.load(tmp_path / "net.onnx").graph == nd.load("zoo:fmnist-conv").graph


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "zoo:digits-mlp"],
        ["run", "zoo:digits-mlp", "--backend", "float"],
        ["verify", "zoo:digits-mlp", "--backends", "engine,onnxruntime"],
        ["diff", "zoo:digits-mlp", "zoo:digits-mlp"],
        ["inspect", "zoo:digits-mlp"],
    ],
)
def test_verbs(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("onnxruntime")
    assert main([*arguments, "--data", "digits@test", "--limit", "20"]) == 0
    captured = capsys.readouterr()
    assert captured.out
    assert "zoo:digits-mlp" in captured.out + captured.err


def test_unknown_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="there is no zoo:cat; there are zoo:digits-mlp, zoo:fmnist-conv"):
        nd.load("zoo:cat")
    assert main(["compile", "zoo:cat", "-o", str(tmp_path / "x.onnx")]) == 2
    assert "there is no zoo:cat" in capsys.readouterr().err


def test_what_needs_data_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--rounding", "gptq"], ["--set", "input.levels=3"], ["--check-passes"]):
        assert main(["compile", "zoo:digits-mlp", "-o", str(tmp_path / "x.onnx"), *options]) == 2
        assert "give --calibrate DATA" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (
            WEIGHTS,
            r"weights.safetensors is missing or damaged: its sha256 is [0-9a-f]{12}.*Install neurodeploy again",
        ),
        (CARD, r"card.json is damaged: .*Install neurodeploy again"),
    ],
)
def test_damaged_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, message: str) -> None:
    shutil.copytree(folder("zoo:digits-mlp"), tmp_path / "digits-mlp")
    monkeypatch.setattr(shelf, "SHELF", tmp_path)
    path = tmp_path / "digits-mlp" / file
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InputError, match=message):
        nd.compile("zoo:digits-mlp")


def test_artefact_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder("zoo:digits-mlp"), tmp_path / "digits-mlp")
    monkeypatch.setattr(shelf, "SHELF", tmp_path)
    path = tmp_path / "digits-mlp" / ARTEFACT
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="not an ONNX model, or cut short"):
        nd.load("zoo:digits-mlp")
