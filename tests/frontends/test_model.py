from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neurodeploy.errors import BackendMissing, InputError, NeurodeployError, UnsupportedError, UsageError
from neurodeploy.frontends.model import Reading, open_model

HERE = "tests.frontends.modules"


def test_callable() -> None:
    model = open_model(f"{HERE}:digits")
    assert isinstance(model.module, torch.nn.Module)
    assert (model.origin, model.steps, model.data) == (f"{HERE}:digits", None, None)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (
            "no_such_package_here:f",
            InputError,
            "no_such_package_here:f: ModuleNotFoundError: No module named",
        ),
        (f"{HERE}:gone", InputError, "has no attribute 'gone'"),
        (":f", InputError, ":f: ValueError: Empty module name"),
        (f"{HERE}:NOT_CALLABLE", UsageError, "NOT_CALLABLE gives a int, not a torch.nn.Module"),
        (f"{HERE}:number", UsageError, "gives a int, not a torch.nn.Module"),
        (f"{HERE}:raises", InputError, "RuntimeError.*no weights today"),
        ("nothing", InputError, "there is no model 'nothing'; give a run folder"),
        ("gone.nir", InputError, "there is no file gone.nir"),
    ],
)
def test_refuses(name: str, error: type[NeurodeployError], message: str) -> None:
    with pytest.raises(error, match=message):
        open_model(name)


@pytest.mark.parametrize("suffix", [".nir", ".net", ".onnx"])
def test_files_that_are_none(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"m{suffix}").write_bytes(b"x")
    with pytest.raises(InputError, match=rf"m\{suffix}"):
        open_model(str(tmp_path / f"m{suffix}")).read(np.zeros((1, 2), np.float32), 2)


def test_options_that_say_nothing() -> None:
    with pytest.raises(UsageError, match=r"--set nir\.\* says nothing about tests"):
        open_model(f"{HERE}:digits", Reading(settings={"nir": {"dt": 1.0}}))
    with pytest.raises(UsageError, match="--from snntorch says nothing about"):
        open_model(f"{HERE}:digits", Reading("snntorch"))


def test_file_and_folder_that_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"x")
    with pytest.raises(InputError, match=r"m\.pt is a file that is not a model"):
        open_model(str(tmp_path / "m.pt"))
    with pytest.raises(InputError, match="is no run folder"):
        open_model(str(tmp_path))


def test_code_that_does_not_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_written.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="half_written"):
        open_model("half_written:f")


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendMissing, match="torch"):
        open_model(f"{HERE}:digits")


def test_a_graph_of_the_package_nir() -> None:
    nir = pytest.importorskip("nir")
    import neurodeploy as nd

    weight = np.array([[0.5, -0.25, 1.0], [1.5, 0.75, -0.5]], np.float32)
    two = np.ones(2, np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "fc": nir.Affine(weight, np.zeros(2, np.float32)),
        "lif": nir.LIF(tau=1e-3 * two, r=two, v_leak=0 * two, v_threshold=0.1 * two, v_reset=0 * two),
        "output": nir.Output({"output": np.array([2])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "fc"), ("fc", "lif"), ("lif", "output")])
    x = np.random.default_rng(0).integers(0, 17, (20, 3)) / 16
    with pytest.raises(UnsupportedError, match="NIR does not say its dt"):
        nd.compile(graph, x, steps=8)
    network = nd.compile(graph, x, steps=8, reading=Reading("norse", {"nir": {"dt": 1e-4}}))
    assert 0 < network.run(x).spikes.mean() < 1
    assert network.provenance["from"] == "norse"
