import json
import subprocess
import sys

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.cli.main import main
from neurodeploy.models import build


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli report")
    x = (np.random.default_rng(0).integers(0, 17, (30, 4, 4)) / 16).astype(np.float32)
    nd.compile(build("mlp:16-12-3", seed=1), x, steps=5).save(folder / "n.onnx")
    np.savez(folder / "d.npz", x=x, y=np.arange(30) % 3)
    np.savez(folder / "wrong.npz", x=x, y=np.arange(30) % 4)
    np.savez(folder / "bare.npz", x=x)
    return folder


def command(place, *rest, network="n.onnx", data="d.npz", output="out"):
    return ["report", str(place / network), "--data", str(place / data), "-o", str(place / output), *rest]


def test_writes_three_files_and_names_them(place, capsys):
    assert main(command(place)) == 0
    out = capsys.readouterr().out
    for name in ("run.json", "report.md", "report.html"):
        assert str(place / "out" / name) in out and (place / "out" / name).stat().st_size > 0
    assert "of 30 samples are right in integers" in out


def test_json_is_one_object_with_the_schema_of_run_json(place, capsys):
    assert main(command(place, "--json", "--limit", "12")) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["schema"] == "neurodeploy.report/1" and found["data"]["samples"] == 12
    written = json.loads((place / "out" / "run.json").read_text())
    assert {key: value for key, value in found.items() if key != "files"} == written


def test_the_command_recorded_makes_the_same_report(place, capsys):
    import shlex

    assert main(command(place, "--limit", "9", "--backends", "engine,onnxruntime")) == 0
    first = json.loads((place / "out" / "run.json").read_text())
    words = shlex.split(first["command"])
    assert words[0] == "neurodeploy" and main(words[1:]) == 0
    second = json.loads((place / "out" / "run.json").read_text())
    for run in (first, second):
        del run["environment"], run["verdict"]["verification"]["seconds"]
    assert first == second
    assert "engine = onnxruntime" in capsys.readouterr().out


def test_messages_go_to_stderr_and_quiet_silences_them(place, capsys):
    assert main(command(place)) == 0
    assert "running 30 samples" in capsys.readouterr().err
    assert main(command(place, "-q")) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"network": "missing.onnx"}, 3, "there is no file"),
        ({"data": "missing.npz"}, 3, "no such file"),
        ({"data": "wrong.npz"}, 3, "sample 3 has label 3"),
        ({"data": "bare.npz"}, 3, "has no labels"),
        ({"output": "n.onnx"}, 2, "must be a folder"),
    ],
)
def test_errors_and_their_exit_codes(place, capsys, change, code, message):
    assert main(command(place, **change)) == code
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""


def test_a_limit_of_zero_is_a_usage_error(place, capsys):
    assert main(command(place, "--limit", "0")) == 2


def test_an_unknown_model_is_an_input_error(place, capsys):
    assert main(command(place, "--model", "nowhere")) == 3
    assert "there is no model 'nowhere'" in capsys.readouterr().err


def test_without_matplotlib_the_exit_code_is_six(place, capsys, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        "neurodeploy.report.writer.find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    assert main(command(place, output="never")) == 6
    assert "pip install 'neurodeploy[report]'" in capsys.readouterr().err
    assert not (place / "never").exists()


def test_the_verb_imports_nothing_heavy():
    code = (
        "import sys, neurodeploy.cli.report; print([m for m in ('numpy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_how_to_read_a_model_that_is_not_given(place, capsys):
    assert main(command(place, "--from", "snntorch")) == 2
    assert "--from and --set say how to read --model MODEL" in capsys.readouterr().err
