from __future__ import annotations

import shlex
import subprocess

import pytest

from neurodeploy.command_line import command_line

WORDS = [
    "a folder/näme 1",
    "it's",
    "$HOME",
    'quant.layers={"fc1":3}',
    "mlp:64-10,readout=spiking",
    "*",
    "",
    "a;b",
]


def test_a_shell_gives_the_words_back() -> None:
    line = command_line("printf", r"%s\n", *WORDS)
    assert shlex.split(line)[2:] == WORDS
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == WORDS


@pytest.mark.parametrize(
    ("words", "line"), [(("neurodeploy", "run", "net.onnx"), "neurodeploy run net.onnx"), ((8,), "8")]
)
def test_plain_words_stay_as_they_are(words: tuple[object, ...], line: str) -> None:
    assert command_line(*words) == line
