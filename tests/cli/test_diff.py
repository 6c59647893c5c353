from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest

from neurodeploy.backend import get_backend
from neurodeploy.compare import backends
from tests.cli.conftest import MODULES, Files
from tests.compare.test_backends import Wrong

Call = Callable[..., tuple[int, str, str]]
MODEL = f"{MODULES}:digits"


def test_tables_and_the_worst_layer_in_the_last_line(call: Call, files: Files) -> None:
    code, out, _ = call("diff", MODEL, files.net, "--data", files.data, "--backends", "onnxruntime")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("12 samples of 4 steps")
    stages = ["float", "lowered", "input", "weights", "integer", "onnxruntime"]
    assert [line.split()[0] for line in lines[3:9]] == stages
    rows = [line.split()[:2] for line in lines if line.startswith(("lif", "readout"))]
    assert rows[:4] == [["lif1", stage] for stage in stages[1:5]] and len(rows) % 4 == 0
    assert lines[-1].startswith("worst: layer '") and "next: neurodeploy compile" in lines[-1]


def test_the_advised_command_runs(call: Call, files: Files) -> None:
    coarse = files.more / "coarse.onnx"
    arguments = ["--calibrate", files.data, "--steps", 4, "--bits", 4, "--set", "quant.seed=3"]
    assert call("compile", MODEL, *arguments, "-o", coarse)[0] == 0
    found = json.loads(call("diff", MODEL, coarse, "--data", files.data, "--json")[1])
    words = shlex.split(found["next"])
    assert words[:3] == ["neurodeploy", "compile", MODEL] and "--bits" in words and "quant.seed=3" in words
    assert call(*words[1:])[0] == 0
    assert (files.more / "coarse-next.onnx").exists()


def test_json(call: Call, files: Files) -> None:
    found = json.loads(call("diff", MODEL, files.net, "--data", files.data, "--limit", 5, "--json", "-q")[1])
    assert (found["schema"], found["samples"], found["steps"], found["equal"]) == (
        "neurodeploy.diff/1",
        5,
        4,
        True,
    )
    assert found["worst"]["layer"] in {one["layer"] for one in found["layers"]}
    assert found["stages"][0]["name"] == "float"


def test_without_labels_there_is_no_accuracy(call: Call, files: Files) -> None:
    from tests.nets import pixels

    code, out, _ = call("diff", MODEL, files.net, "--data", files.save("bare", x=pixels((3, 8, 8))))
    assert code == 0 and "%" not in out.split("own SQNR")[0]


def test_a_difference_between_back_ends_is_exit_code_5(
    call: Call, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        backends, "get_backend", lambda name: Wrong() if name == "wrong" else get_backend(name)
    )
    code, out, err = call("diff", MODEL, files.net, "--data", files.data, "--backends", "wrong", "--json")
    assert code == 5 and json.loads(out)["equal"] is False
    assert "layer 'lif1', spikes, step 2, sample 1, neuron 3: engine " in err


def test_refuses(call: Call, files: Files) -> None:
    data = ("--data", files.data)
    code, _, err = call("diff", MODEL, files.net, *data, "--set", "quant.bits=4")
    assert code == 2 and "how NET.onnx was compiled is fixed in it" in err
    code, _, err = call("diff", MODEL, MODEL, *data)
    assert code == 2 and "is not an .onnx artefact; `neurodeploy compile " in err
    code, _, err = call("diff", MODEL, files.net, *data, "--backends", "gpu")
    assert code == 2 and "there is no back end 'gpu'" in err
    code, _, err = call("diff", MODEL, files.net, *data, "--from", "norse")
    assert code == 2 and "--from norse says nothing about" in err
