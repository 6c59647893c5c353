from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.arguments import load_data
from neurodeploy.cli.main import main
from tests.cli.conftest import MODULES, Files
from tests.nets import pixels, reference, stepped

Call = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_saves_what_the_reference_says(call: Call, files: Files, backend: str) -> None:
    out = files.more / "out.npz"
    code, text, _ = call(
        "run", files.net, "--data", files.data, "--backend", backend, "--trace", "s,v", "-o", out
    )
    assert code == 0
    assert text.startswith(f"{backend}: accuracy ")
    network, given = load(files.net), np.load(files.data)
    expected = reference(network, network.stimulus(given["x"]))
    saved = np.load(out)
    assert set(saved) == {
        "spikes",
        "membrane",
        "prediction",
        "y",
        *(f"{n}.{k}" for n in expected for k in "sv"),
    }
    np.testing.assert_array_equal(saved["membrane"], expected["readout"].membrane.swapaxes(0, 1))
    np.testing.assert_array_equal(saved["lif1.s"], expected["lif1"].spikes.swapaxes(0, 1))
    np.testing.assert_array_equal(saved["lif1.v"], expected["lif1"].membrane.swapaxes(0, 1))
    np.testing.assert_array_equal(saved["prediction"], expected["readout"].membrane[-1].argmax(axis=1))
    assert {saved[k].dtype.kind for k in saved} == {"i"}


def test_currents(call: Call, files: Files) -> None:
    out = files.more / "out.npz"
    assert call("run", files.net, "--data", files.data, "--trace", "u", "-o", out)[0] == 0
    network, given, saved = load(files.net), np.load(files.data), np.load(out)
    assert {key for key in saved if "." in key} == {"lif1.u", "readout.u"}
    stimulus = network.stimulus(given["x"])
    for name, steps in stepped(network, stimulus, reference(network, stimulus)).items():
        expected = np.stack([one.done.state.u for one in steps], axis=1)
        np.testing.assert_array_equal(saved[f"{name}.u"], expected)
        assert expected.any()


@pytest.mark.parametrize(
    ("backend", "code", "message"),
    [
        ("onnxruntime", 3, "onnxruntime does not trace currents (u)"),
        ("float", 2, "--backend float traces s and v"),
    ],
)
def test_back_ends_without_currents(call: Call, files: Files, backend: str, code: int, message: str) -> None:
    arguments = ["--data", files.data, "--backend", backend, "--trace", "s,u", "-o", files.more / "out.npz"]
    found, _, err = call("run", files.net, *arguments)
    assert found == code and message in err


def test_accuracy_and_limit(call: Call, files: Files) -> None:
    network, given = load(files.net), np.load(files.data)
    right = (network.run(given["x"][:5]).prediction == given["y"][:5]).mean()
    out = json.loads(call("run", files.net, "--data", files.data, "--limit", 5, "--json")[1])
    assert (out["samples"], out["steps"], out["accuracy"]) == (5, 4, right)
    assert out["overflows"] == {"lif1": 0, "readout": 0}


def test_float(call: Call, files: Files) -> None:
    out = files.more / "f.npz"
    arguments = ["--data", files.data, "--backend", "float", "--steps", 4, "-o", out]
    code, text, _ = call("run", f"{MODULES}:digits", *arguments)
    assert (code, text.split(":")[0]) == (0, "float")
    saved = np.load(out)
    assert saved["spikes"].dtype.kind == "i"
    assert saved["membrane"].shape == (12, 4, 10)


def test_time_axis(call: Call, files: Files) -> None:
    x = pixels((3, 4, 8, 8))
    out = files.more / "out.npz"
    assert call("run", files.net, "--data", files.save("t", x=x, time_axis=1), "-o", out)[0] == 0
    expected = load(files.net).run(x.swapaxes(0, 1), time_axis=True).membrane
    assert expected is not None
    np.testing.assert_array_equal(np.load(out)["membrane"], expected.swapaxes(0, 1))


def test_images_as_high_as_there_are_steps_are_no_samples_over_time(files: Files) -> None:
    images = str(files.save("images", x=pixels((3, 8, 8))))
    for shape in ((8, 8), (1, 8, 8)):
        assert load_data(images, None, 8, shape).time_axis is False
    assert load_data(images, None, 8, (8,)).time_axis is True


def test_without_labels(call: Call, files: Files) -> None:
    code, out, _ = call("run", files.net, "--data", files.save("x", x=pixels((3, 8, 8))))
    assert code == 0
    assert out.startswith("engine: no labels on 3 samples")


def test_clipped_input_is_noted(call: Call, files: Files) -> None:
    data = files.save("big", x=np.full((1, 8, 8), 2.0))
    err = call("run", files.net, "--data", data)[2]
    assert "note: 64 of 64 input values lie outside the input's range 0..1 and were clipped" in err


def test_to_stdout(files: Files, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    capsysbinary.readouterr()
    assert main(["run", str(files.net), "--data", str(files.data), "-o", "-"]) == 0
    assert np.load(io.BytesIO(capsysbinary.readouterr().out))["spikes"].shape == (12, 4, 10)


def damaged(files: Files, change: Callable[[bytes], bytes]) -> Path:
    path = files.more / "damaged.onnx"
    path.write_bytes(change(files.net.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:1000], "cut short|digest|metadata"),
        (lambda b: b[:-1], "cut short|sha256"),
        (lambda b: b.replace(b'"dv":2048', b'"dv":2049'), "damaged or edited"),
        (lambda b: b"", "metadata"),
        (lambda b: b"text", "not an ONNX model"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "verify", "learn", "inspect"])
def test_damaged_artefact(
    call: Call, files: Files, change: Callable[[bytes], bytes], message: str, verb: str
) -> None:
    import re

    path = damaged(files, change)
    arguments = [] if verb == "inspect" else ["--data", files.data]
    output = ["-o", files.more / "out.onnx"] if verb in ("run", "learn") else []
    code, out, err = call(verb, path, *arguments, *output)
    assert (code, out) == (3, "")
    assert re.search(f"damaged.onnx: .*({message})", err)
    assert [p.name for p in files.more.iterdir()] == ["damaged.onnx"]


@pytest.mark.parametrize(
    ("arrays", "code", "message"),
    [
        ({"x": np.zeros((0, 8, 8))}, 3, "hold at least one value"),
        (
            {"x": pixels((3, 8, 8)), "y": np.array([0, 1, 77])},
            3,
            "sample 2 has label 77, but the model has 10 classes",
        ),
        ({"x": pixels((3, 8, 8)), "y": np.array([0, -1, 7])}, 3, "label -1"),
        (
            {"x": pixels((3, 8, 7))},
            3,
            "bad.npz: the network takes samples of shape (8, 8), not (8, 7) (array (samples, *shape): (3, 8, 7))",
        ),
        ({"x": pixels((3, 5, 8, 8)), "time_axis": 1}, 3, "5 time steps"),
        ({"x": np.full((3, 8, 8), np.inf)}, 3, "NaN, infinite"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "verify", "learn"])
def test_bad_data(
    call: Call, files: Files, arrays: dict[str, object], code: int, message: str, verb: str
) -> None:
    data = files.save("bad", **arrays)
    output = ["-o", files.more / "out.onnx"] if verb != "verify" else ["--backends", "engine,onnxruntime"]
    found, out, err = call(verb, files.net, "--data", data, *output)
    assert (found, out) == (code, "")
    assert message in err
    assert [p.name for p in files.more.iterdir()] == ["bad.npz"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--backend", "gpu"],
            2,
            "there is no back end 'gpu'; "
            "there are: engine, lava, lava-batched, lava-standard, onnxruntime, torch, float",
        ),
        (["--limit", 0], 2, "must be 1 or more, not 0"),
        (["--trace", "s,w"], 2, "--trace takes s, v and u, not 'w'"),
        (["--trace", "s"], 2, "--trace saves into a file; give -o OUT.npz"),
        (["--steps", 3], 2, "--steps, --from and --set are for a MODEL"),
        (["--backend", "float"], 2, "holds integers only"),
        (["-o", "gone/out.npz"], 2, "there is no folder gone"),
        (["-o", "."], 2, "it is a folder; name a file in it"),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    found, out, err = call("run", files.net, "--data", files.data, *arguments)
    assert (found, out) == (code, "")
    assert message in err


def test_missing_file(call: Call, files: Files) -> None:
    code, _, err = call("run", files.more / "gone.onnx", "--data", files.data)
    assert code == 3
    assert "there is no file" in err


def test_model_where_an_artefact_is_needed(call: Call, files: Files) -> None:
    code, _, err = call("run", f"{MODULES}:digits", "--data", files.data)
    assert code in (2, 3)
    assert "--backend float" in err


def test_missing_back_end(call: Call, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurodeploy.targets.onnxruntime import target

    monkeypatch.setattr(target, "find_spec", lambda name: None)
    code, out, err = call(
        "run", files.net, "--data", files.data, "--backend", "onnxruntime", "-o", files.more / "o"
    )
    assert (code, out) == (6, "")
    assert "pip install onnxruntime" in err
    assert list(files.more.iterdir()) == []
    assert call("verify", files.net, "--data", files.data, "--backends", "engine,onnxruntime")[0] == 6


def test_a_model_is_not_an_artefact(call: Call, files: Files) -> None:
    for verb in ("run", "verify", "learn", "report"):
        output = ["-o", files.more / "out.onnx"] if verb in ("learn", "report") else []
        code, _, err = call(verb, "a run", "--data", files.data, *output)
        assert code == 2
        assert (
            "a run is not an .onnx artefact; `neurodeploy compile 'a run' -o NET.onnx` makes one of a MODEL"
            in err
        )


def test_doubtful_scale_is_said(call: Call, files: Files) -> None:
    data = files.save("bytes", x=255 * pixels((3, 8, 8)))
    code, _, err = call("run", files.net, "--data", data)
    assert code == 0
    assert "were clipped; are they scaled as in the training?" in err
