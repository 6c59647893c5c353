"""`--print-completion`: what bash offers, and what is said without shtab."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from neurodeploy.cli.completion import SHELLS
from neurodeploy.cli.main import VERBS, main

pytest.importorskip("shtab")


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", shell])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.err) == (0, "")
    return captured.out


def offered(path: Path, *words: str) -> set[str]:
    """What bash completes the last of the words to."""
    code = (
        f'source "{path}"; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; '
        '_shtab_neurodeploy; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", code], cwd=path.parent, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_is_in_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    assert all(verb in text for verb in VERBS)


@pytest.mark.skipif(which("bash") is None, reason="no bash")
def test_bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "neurodeploy.bash"
    path.write_text(script("bash", capsys))
    (tmp_path / "net.onnx").touch()
    assert offered(path, "neurodeploy", "com") == {"compile"}
    assert offered(path, "neurodeploy", "compile", "--ro") == {"--rounding"}
    assert offered(path, "neurodeploy", "compile", "--rounding", "gp") == {"gptq"}
    assert offered(path, "neurodeploy", "run", "net") == {"net.onnx"}


def test_without_shtab() -> None:
    code = "import sys; sys.modules['shtab'] = None; from neurodeploy.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--print-completion", "bash"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        "neurodeploy: --print-completion needs shtab: pip install 'neurodeploy[completion]'\n"
    )
