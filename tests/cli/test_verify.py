from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from neurodeploy.backend import get_backend
from neurodeploy.compare import backends
from tests.cli.conftest import Files
from tests.compare.test_backends import Wrong

Call = Callable[..., tuple[int, str, str]]


def test_a_difference_is_exit_code_5(call: Call, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        backends, "get_backend", lambda name: Wrong() if name == "wrong" else get_backend(name)
    )
    code, out, err = call("verify", files.net, "--data", files.data, "--backends", "engine,wrong", "--json")
    assert code == 5
    found = json.loads(out)
    assert (found["equal"], found["mismatches"][0]["layer"], found["mismatches"][0]["step"]) == (
        False,
        "lif1",
        2,
    )
    assert "layer 'lif1', spikes, step 2, sample 1, neuron 3: engine " in err
    assert "next:" not in err


@pytest.mark.parametrize("names", ["engine", "", "engine,engine", "engine,gpu"])
def test_refuses(call: Call, files: Files, names: str) -> None:
    code, out, err = call("verify", files.net, "--data", files.data, "--backends", names)
    assert (code, out) == (2, "")
    assert "back end" in err


def test_json(call: Call, files: Files) -> None:
    arguments = ["--data", files.data, "--limit", 3, "--backends", "engine,onnxruntime", "--json", "-q"]
    found = json.loads(call("verify", files.net, *arguments)[1])
    assert (found["samples"], found["steps"], found["equal"], found["mismatches"]) == (3, 4, True, [])
    assert found["compared_values"] == 2 * 4 * 3 * 22
    assert set(found["seconds"]) == {"engine", "onnxruntime"}
