"""SIGTERM, and a reader of the output that goes away."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.robustness.process import artifact_file, data_file, environment, neurodeploy


def started(*arguments: object, stdout: int | None = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "neurodeploy", *map(str, arguments)]
    return subprocess.Popen(command, env=environment(), stdout=stdout, stderr=subprocess.PIPE, text=True)


def test_stopped(tmp_path: Path) -> None:
    """`learn` of very many samples ends at once, and its output stays as it was."""
    net, data, out = artifact_file(tmp_path), data_file(tmp_path, samples=100_000), tmp_path / "out.onnx"
    out.write_bytes(b"old")
    process = started("learn", net, "--data", data, "-o", out)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("note: no --evaluate DATA")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "neurodeploy learn: interrupted\n"
    assert out.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.npz", "net.onnx", "out.onnx"]


def test_reader_of_the_output_has_gone(tmp_path: Path) -> None:
    process = started("inspect", artifact_file(tmp_path), "--ir")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait() == 0
    assert "Traceback" not in err and "Exception" not in err


def test_output_to_a_full_device(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as device:
        process = started("inspect", artifact_file(tmp_path), stdout=device.fileno())
        _, err = process.communicate()
    assert process.returncode == 3
    assert err.splitlines()[0] == "neurodeploy inspect: output: No space left on device"
    assert "Traceback" not in err


def test_artifact_to_a_pipe(tmp_path: Path) -> None:
    ended = neurodeploy(
        "learn", artifact_file(tmp_path), "--data", data_file(tmp_path), "-q", "-o", "/dev/full"
    )
    assert ended.code == 3
    assert ended.err == "neurodeploy learn: cannot write /dev/full: No space left on device\n"
