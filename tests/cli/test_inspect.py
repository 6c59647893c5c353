from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from neurodeploy.artifact import load
from neurodeploy.ir import to_text
from tests.cli.conftest import MODULES, Files
from tests.nets import chip_file, pixels

Call = Callable[..., tuple[int, str, str]]


def test_tables(call: Call, files: Files) -> None:
    code, out, _ = call("inspect", files.net)
    assert code == 0
    assert out.startswith("4 time steps, compiled for loihi2\n")
    assert "at least 2 of 120 cores of loihi2 (lower bound)" in out
    assert "not checked, not public: fan-in per neuron" in out
    assert all(str(note) in out for note in load(files.net).notes)


def test_graph(call: Call, files: Files) -> None:
    assert call("inspect", files.net, "--ir")[1] == to_text(load(files.net).graph)
    code, out, _ = call("inspect", f"{MODULES}:digits", "--ir", "--data", files.data, "--steps", 3)
    assert code == 0
    assert (
        "lif1    = lif(fc1, shape=[12], decay=0.5, threshold=0.5, reset=subtract, compare=ge) : spike[12]"
        in out
    )


def test_json(call: Call, files: Files) -> None:
    found = json.loads(call("inspect", files.net, "--json")[1])
    assert [layer["layer"] for layer in found["fit"]["layers"]] == ["lif1", "readout"]
    assert all(entry["proven"] for entry in found["ranges"])
    assert found["fit"]["fits"] is True


def test_model(call: Call, files: Files) -> None:
    code, out, _ = call("inspect", f"{MODULES}:digits", "--data", files.data, "--steps", 3)
    assert code == 0
    assert out.startswith("3 time steps, compiled for loihi2")


def test_does_not_fit_another_chip(call: Call, files: Files) -> None:
    chip = chip_file(files.more, ("cores = { value = 120", "cores = { value = 1"))
    code, out, err = call("inspect", files.net, "--target", chip)
    assert code == 4
    assert "does not fit: at least 2 of 1 cores" in out
    assert "needs 2 cores; loihi2 has 1 (1 over)" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "loihi9"], 2, "there is no target 'loihi9'"),
        (["--steps", 3], 2, "--data, --steps, --from and --set are for a MODEL"),
        (["--data", "x.npz"], 2, "--data, --steps, --from and --set are for a MODEL"),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    found, out, err = call("inspect", files.net, *arguments)
    assert (found, out) == (code, "")
    assert message in err


def test_model_with_data_over_time(call: Call, files: Files) -> None:
    data = files.save("t", x=pixels((5, 4, 8, 8)), time_axis=1)
    code, out, _ = call("inspect", f"{MODULES}:digits", "--data", data, "--steps", 4)
    assert code == 0
    assert "input: 16 levels per unit" in out
