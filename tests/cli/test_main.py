from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from neurodeploy.cli.main import VERBS, build_parser
from tests.cli.conftest import MODULES, Files
from tests.nets import chain

Call = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "neurodeploy.cli.main"]


def test_help_lists_verbs_and_exit_codes(call: Call) -> None:
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    assert all(re.search(rf"^ +{verb} +[A-Z]", out, re.MULTILINE) for verb in VERBS)
    assert "130 interrupted" in out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(call: Call, verb: str) -> None:
    code, out, _ = call(verb, "--help")
    assert code == 0
    assert all(option in out for option in ("--json", "--quiet", "--verbose", "--seed", "--traceback"))


@pytest.mark.parametrize("verb", VERBS)
def test_example_of_a_verb_is_understood(verb: str) -> None:
    words = shlex.split(import_module(f"neurodeploy.cli.{verb}").EXAMPLE)
    assert words[:2] == ["neurodeploy", verb]
    assert build_parser().parse_args(words[1:]).verb == verb


def test_version(call: Call) -> None:
    assert call("--version") == (0, "neurodeploy 0.1.0\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom neurodeploy.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'onnx', 'onnxruntime', 'lava', 'msgspec', 'networkx'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "[]\n"


def test_help_takes_less_than_three_tenths_of_a_second() -> None:
    """Processor time, so that a busy machine does not count."""
    seconds = []
    for _ in range(5):
        process = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.DEVNULL, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        seconds.append(used.ru_utime + used.ru_stime)
    assert median(seconds) < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "VERB"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "required: NET.onnx|MODEL, --data"),
        (
            ["run", "n.onnx", "--data", "d.npz", "--fast"],
            "neurodeploy run: unrecognized arguments: --fast. See",
        ),
        (
            ["run", "n", "--data", "d", "--limt=3"],
            "--limt=3 (did you mean --limit?). See `neurodeploy run --help`",
        ),
        (["docter"], "choose from"),
        (["run", "n.onnx", "--dat", "d.npz"], "--data"),
        (["targets", "--seed", "x"], "invalid int value: 'x'"),
        (["learn", "n.onnx", "--data", "d.npz", "--rule", "hebb"], "invalid choice: 'hebb'"),
        (["targets", "--seed", "-1"], "--seed must be 0 or more, not -1"),
    ],
)
def test_usage(call: Call, arguments: list[str], message: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_json_has_a_schema(call: Call, files: Files) -> None:
    net, data, out = files.net, files.data, files.more / "o"
    commands: dict[str, list[object]] = {
        "compile": [f"{MODULES}:digits", "--calibrate", data, "--steps", 2, "-o", f"{out}.onnx"],
        "run": [net, "--data", data],
        "verify": [net, "--data", data, "--backends", "engine,onnxruntime"],
        "learn": [net, "--data", data],
        "inspect": [net],
        "targets": [],
    }
    for verb, arguments in commands.items():
        code, text, err = call(verb, *arguments, "--json", "-q")
        assert (code, err) == (0, ""), verb
        assert json.loads(text)["schema"] == f"neurodeploy.{verb}/1"
        assert text.count("\n") == 1


def test_data_on_stdout_and_messages_on_stderr(call: Call, files: Files) -> None:
    code, out, err = call("verify", files.net, "--data", files.data, "--backends", "engine,onnxruntime")
    assert code == 0
    assert out.startswith(
        "engine = onnxruntime on 12 samples, 4 steps, 2112 values each: 0 mismatches; accuracy "
    )
    assert err.splitlines()[0] == "running engine on 12 samples"
    assert err.splitlines()[-1].startswith("next: neurodeploy report ")
    code, out, err = call("verify", files.net, "--data", files.data, "--backends", "engine,onnxruntime", "-q")
    assert (code, err) == (0, "")


def test_fault_saves_its_traceback(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from neurodeploy.cli import targets

    def broken(console: object) -> None:
        raise ValueError("two and two are five")

    monkeypatch.setattr(targets, "_list", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, err = call("targets")
    assert (code, out) == (1, "")
    assert "a fault in neurodeploy (ValueError: two and two are five)" in err
    assert "Traceback" not in err
    (path,) = tmp_path.glob("neurodeploy-fault-*.txt")
    assert str(path) in err
    assert "two and two are five" in path.read_text().splitlines()[-1]
    assert "Traceback (most recent call last)" in call("targets", "--traceback")[2]


def test_traceback_of_an_error_on_request(call: Call) -> None:
    assert "Traceback" not in call("inspect", "gone.onnx")[2]
    assert "Traceback" in call("inspect", "gone.onnx", "--traceback")[2]


def test_interrupted(files: Files) -> None:
    long = chain((6, 5, 4), steps=1 << 20)
    long.save(files.more / "long.onnx")
    data = files.save("x", x=np.zeros((2, 6)))
    arguments = [
        "verify",
        str(files.more / "long.onnx"),
        "--data",
        str(data),
        "--backends",
        "engine,onnxruntime",
    ]
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr is not None
    assert process.stderr.readline() == "running engine on 2 samples\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "neurodeploy verify: interrupted\n")


@pytest.mark.parametrize(
    "arguments", [["targets", "loihi2"], ["targets", "loihi2", "--json"], ["data", "list"]]
)
def test_reader_of_stdout_has_gone(arguments: list[str]) -> None:
    receive, send = os.pipe()
    os.close(receive)
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=send, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
    )
    os.close(send)
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_not_our_fault() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, "targets"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_fault(files: Files, closed: str) -> None:
    out = files.more / "out.npz"
    words = [*COMMAND, "run", str(files.net), "--data", str(files.data), "-o", str(out)]
    done = subprocess.run(
        f"{shlex.join(words)} {closed}", shell=True, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0
    assert "fault" not in done.stderr
    assert out.is_file()


def test_the_work_goes_on_when_nobody_reads_the_messages(files: Files) -> None:
    receive, send = os.pipe()
    os.close(receive)
    words = ["verify", str(files.net), "--data", str(files.data), "--backends", "engine,onnxruntime"]
    done = subprocess.run([*COMMAND, *words], stdout=subprocess.PIPE, stderr=send, cwd=ROOT, check=False)
    os.close(send)
    assert done.returncode == 0
    assert b": 0 mismatches" in done.stdout
