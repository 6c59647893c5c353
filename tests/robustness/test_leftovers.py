"""What a killed training leaves is no obstacle to the next."""

from __future__ import annotations

from pathlib import Path

from neurodeploy.cli.main import main
from neurodeploy.training import load_run
from tests.robustness.process import COMPILE, data_file, net_file

LEFT = (
    "metrics.jsonl",
    "weights.safetensors.next",
    ".run.json.a1b2c3d4.tmp",
    ".optimizer.safetensors.next.e5f6_7_8.tmp",
)


def train(folder: Path, *more: str) -> int:
    command = [
        "train",
        "--model",
        "mlp:64-4-10",
        "--data",
        str(data_file(folder)),
        "--rule",
        "ottt-a",
        "--steps",
        "2",
    ]
    return main([*command, "--epochs", "1", "-q", *more, "-o", str(folder / "run")])


def test_killed_before_the_first_commit(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in LEFT:
        (run / name).write_bytes(b"half")
    assert train(tmp_path) == 0
    assert load_run(run)[1].status == "done"
    assert sorted(path.name for path in run.iterdir()) == [
        "metrics.jsonl",
        "optimizer.safetensors",
        "run.json",
        "weights.safetensors",
    ]


def test_temporary_files_go_when_it_is_resumed(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    before = sorted(path.name for path in (tmp_path / "run").iterdir())
    (tmp_path / "run" / ".weights.safetensors.next.a1b2c3d4.tmp").touch()
    assert train(tmp_path, "--resume") == 0
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == before


def test_files_of_others_are_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".tmp").write_bytes(b"mine")
    assert train(tmp_path) == 2
    assert (tmp_path / "run" / ".tmp").read_bytes() == b"mine"


def test_temporary_file_of_a_killed_compile_goes_at_the_next(tmp_path: Path) -> None:
    out, model = tmp_path / "out ü.onnx", net_file(tmp_path)
    killed = tmp_path / f".{out.name}.a1b2c3d4.tmp"
    killed.write_bytes(b"half")
    assert main(["compile", str(model), *COMPILE, str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.net", "out ü.onnx"]
