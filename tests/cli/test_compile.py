from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.artifact import from_bytes, load
from neurodeploy.cli.main import main
from neurodeploy.compiler import CompileConfig, QuantConfig
from neurodeploy.ir import to_text
from tests.cli.conftest import MODULES, Files
from tests.frontends.modules import digits
from tests.nets import chip_file, pixels

Call = Callable[..., tuple[int, str, str]]


def compile_(
    call: Call, files: Files, *more: object, model: str = f"{MODULES}:digits"
) -> tuple[int, str, str]:
    options = {"--calibrate": files.data, "--steps": 4, "-o": files.more / "n.onnx"}
    given = [part for pair in options.items() if pair[0] not in more for part in pair]
    return call("compile", model, *given, *more)


def test_writes_the_artefact(call: Call, files: Files) -> None:
    code, out, err = compile_(call, files)
    path = files.more / "n.onnx"
    assert code == 0
    assert out.startswith(f"{path}: {path.stat().st_size} bytes, 4 steps, target loihi2\n")
    unknown, following = err.splitlines()
    assert unknown.startswith("loihi2: not public, so not checked: core.in_axons, ")
    assert following == f"next: neurodeploy verify {path} --data {files.data} --limit 200"
    network = load(path)
    assert [str(note) for note in network.notes] == [line.strip() for line in out.splitlines()[1:]]
    assert network.provenance["calibration"]["data"] == str(files.data)
    assert [p.name for p in files.more.iterdir()] == ["n.onnx"]


def test_same_bytes_again(call: Call, files: Files) -> None:
    compile_(call, files)
    first = (files.more / "n.onnx").read_bytes()
    compile_(call, files)
    assert (files.more / "n.onnx").read_bytes() == first


def test_to_stdout(files: Files, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    arguments = ["--calibrate", str(files.data), "--steps", "4", "-o", "-"]
    assert main(["compile", f"{MODULES}:digits", *arguments]) == 0
    out, err = capsysbinary.readouterr()
    assert from_bytes(out).steps == 4
    assert b"bytes" not in err


def test_options(call: Call, files: Files) -> None:
    assert compile_(call, files, "--bits", 4, "--set", "input.levels=8")[0] == 0
    network = load(files.more / "n.onnx")
    assert network.provenance["config"]["quant"]["bits"] == 4
    assert network.provenance["config"]["input"] == {"levels": 8.0}
    assert network.input.levels == 8
    assert max(int(np.abs(a).max()) for a in (network.graph.op("fc1").weight_q,)) == 7  # type: ignore[attr-defined]


def test_print_ir_after(call: Call, files: Files) -> None:
    err = compile_(call, files, "--print-ir-after", "quantize")[2]
    assert "; graph after quantize\ninput   = int_input(" in err
    assert "; graph after fit" not in err
    err = compile_(call, files, "--print-ir-after", "all")[2]
    shown = [line[14:] for line in err.splitlines() if line.startswith("; graph after ")]
    assert shown == [
        "import",
        "dead-code",
        "max-pool",
        "compose-synapses",
        "quantize",
        "legalise",
        "ranges",
        "fit",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--steps", 0], 2, "the number of time steps must be in 1.."),
        (["--steps", -4], 2, "not -4"),
        (["--bits", 1], 2, "2"),
        (["--bits", 9], 4, "weights of 9 bits do not fit: loihi2 has 8 bits a weight; try --bits 8"),
        (["--target", "loihi9"], 2, "there is no target 'loihi9'; there are: loihi1"),
        (["--target", "gone.toml"], 3, "cannot read the chip description gone.toml"),
        (["--set", "quant.bits"], 2, "--set must be A.B=C, such as quant.bits=6, not 'quant.bits'"),
        (["--set", "bits=6"], 2, "--set must be A.B=C"),
        (
            ["--set", "quant.clip=mse", "--set", "quant.clip=max"],
            2,
            "--set quant.clip is given twice, as mse and as max",
        ),
        (["--bits", 4, "--set", "quant.bits=6"], 2, "--bits says the same: leave out --set quant.bits"),
        (["--set", "quant.bits=six"], 2, "Expected `int`, got `str` - at `$.quant.bits`"),
        (["--set", "quant.bits=6.5"], 2, "--set: Expected `int`, got `float`"),
        (["--set", "quant.depth=6"], 2, "unknown field `depth` - at `$.quant`"),
        (["--set", "place.fc1=2"], 2, "unknown field `place`"),
        (["--set", "quant.bits=1"], 2, "2"),
        (["--set", "input.levels=0"], 2, "levels"),
        (["--set", "input.levels=-1"], 2, "levels"),
        (["--set", "input.levels=1e-9"], 2, "levels"),
        (["--set", "input.levels=1e300"], 2, "levels"),
        (["--print-ir-after", "nonsense"], 2, "nonsense"),
        (["--calibrate", "gone.npz"], 3, "gone.npz: no such file"),
        (["--calibrate", "nothing"], 2, "nothing"),
        (["-o", "gone/n.onnx"], 2, "there is no folder gone"),
        (["-o", "a" * 300], 3, "File name too long"),
        (["-o", "net"], 2, "cannot write net: its name must end in .onnx; try net.onnx"),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    before = sorted(Path().iterdir())
    found, out, err = compile_(call, files, *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert list(files.more.iterdir()) == []
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("nothing", 3, "there is no model 'nothing'"),
        ("a" * 300, 3, "File name too long"),
        ("gone_package:f", 3, "gone_package:f"),
        (f"{MODULES}:gone", 3, "has no attribute 'gone'"),
        (f"{MODULES}:number", 2, "int"),
        (f"{MODULES}:raises", 3, "no weights today"),
        (
            f"{MODULES}:transposed",
            3,
            "layer '0' is a torch.nn.modules.conv.ConvTranspose2d, which is not supported",
        ),
        (f"{MODULES}:broken", 3, "layer 'fc2'"),
    ],
)
def test_models(call: Call, files: Files, model: str, code: int, message: str) -> None:
    found, out, err = compile_(call, files, model=model)
    assert (found, out) == (code, "")
    assert message in err
    assert list(files.more.iterdir()) == []


def test_steps_are_needed(call: Call, files: Files) -> None:
    code, _, err = call(
        "compile", f"{MODULES}:digits", "--calibrate", files.data, "-o", files.more / "n.onnx"
    )
    assert code == 2
    assert "does not say how many time steps a sample runs; give --steps T" in err


def test_data_are_needed(call: Call, files: Files) -> None:
    code, _, err = call("compile", f"{MODULES}:digits", "--steps", 4, "-o", files.more / "n.onnx")
    assert code == 2
    assert "does not say what data it takes; give --calibrate DATA" in err


def test_does_not_fit(call: Call, files: Files, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("chip")
    chip = chip_file(folder, ("cores = { value = 120", "cores = { value = 1"), ("value = 8192", "value = 12"))
    code, out, err = compile_(call, files, "--target", chip)
    assert (code, out) == (4, "")
    assert "fit: needs 2 cores; loihi2 has 1 (1 over)" in err
    assert list(files.more.iterdir()) == []


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((0, 8, 8))}, "hold at least one value"),
        ({"x": np.zeros((3, 8, 8))}, "all 192 values are 0"),
        ({"x": np.full((3, 8, 8), np.nan)}, "192 of 192 values that are NaN"),
        ({"x": pixels((3, 7, 7))}, "takes 64 inputs"),
        ({"y": np.zeros(3, int)}, "no array 'x'"),
    ],
)
def test_calibration_data(call: Call, files: Files, arrays: dict[str, object], message: str) -> None:
    data = files.save("bad", **arrays)
    code, out, err = compile_(call, files, "--calibrate", data)
    assert (code, out) == (3, "")
    assert message in err
    assert [p.name for p in files.more.iterdir()] == ["bad.npz"]


def test_old_file_survives_a_failure(call: Call, files: Files) -> None:
    compile_(call, files)
    before = (files.more / "n.onnx").read_bytes()
    assert compile_(call, files, model=f"{MODULES}:broken")[0] == 3
    assert (files.more / "n.onnx").read_bytes() == before


def test_calibration_over_time(call: Call, files: Files) -> None:
    data = files.save("t", x=pixels((3, 4, 8, 8)), time_axis=1)
    assert compile_(call, files, "--calibrate", data)[0] == 0
    network = load(files.more / "n.onnx")
    assert (network.input.shape, network.input.levels, network.steps) == ((8, 8), 16, 4)
    calibration = network.provenance["calibration"]
    assert (calibration["samples"], calibration["time_steps"], "assumed" in calibration) == (3, 4, False)


def test_rounding_sees_samples_over_time(call: Call, files: Files) -> None:
    x = pixels((9, 4, 8, 8)) * (np.arange(8) % 4 == np.arange(4)[:, np.newaxis, np.newaxis])
    options = ("--bits", 2, "--rounding", "gptq")

    def rounded(data: Path) -> str:
        assert compile_(call, files, "--calibrate", data, *options)[0] == 0
        return to_text(load(files.more / "n.onnx").graph)

    moving = rounded(files.save("moving", x=x, time_axis=1))
    config = CompileConfig(QuantConfig(2, rounding="gptq"))
    network = nd.compile(digits(), x.swapaxes(0, 1), steps=4, config=config, time_axis=True)
    assert moving == to_text(network.graph)
    assert moving != rounded(files.save("still", x=x.reshape(-1, 8, 8)))


@pytest.mark.parametrize("name", ["compile", "inspect", "run", "quantize"])
def test_an_axis_that_was_taken_as_time(call: Call, files: Files, name: str) -> None:
    data = files.save("t", x=pixels((3, 4, 8, 8)), y=np.arange(3))
    options = {
        "compile": ["--calibrate", data, "-q", "-o", files.more / "n.onnx"],
        "inspect": ["--data", data],
        "run": ["--data", data, "--backend", "float"],
        "quantize": ["--data", data, "--calibrate", data, "--bits", 8, "--max-drop", 0.9],
    }
    code, _, err = call(name, f"{MODULES}:digits", "--steps", 4, *options[name])
    note = f"{data}: holds no 'time_axis'; the second axis of 'x' (3, 4, 8, 8) is as long as a sample has time steps"
    assert code == 0
    assert err.count(f"note: {note} and is taken as time.") == 1
    if name == "compile":
        (assumed,) = load(files.more / "n.onnx").provenance["calibration"]["assumed"]
        assert assumed.startswith(note)


def test_the_map_is_in_the_artefact(call: Call, files: Files) -> None:
    code, out, _ = compile_(call, files, "--map")
    assert code == 0
    assert "of loihi2; activity measured: 12 samples of 4 steps" in out
    found = load(files.more / "n.onnx").provenance["mapping"]
    assert {name for core in found["cores"] for name, _ in core["parts"]} == {"lif1", "readout"}
    first = (files.more / "n.onnx").read_bytes()
    compile_(call, files, "--map")
    assert (files.more / "n.onnx").read_bytes() == first
