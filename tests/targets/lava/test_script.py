"""The network as a program: it runs by itself and gives the engine's numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.targets.lava.script import write_script
from tests.nets import reference
from tests.targets.lava.networks import NEEDS_LAVA
from tests.targets.lava.test_graphs import Build, recurrent, residual


@pytest.mark.parametrize("build", [residual, recurrent])
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_the_program_gives_the_references_numbers(build: Build, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    network = build(rng)
    program, weights = write_script(network, tmp_path / "made" / "here")
    op = network.input
    time_axis = build is recurrent
    lead = (4, network.steps) if time_axis else (4,)
    x = rng.integers(op.low - 1, op.high + 2, (*lead, *op.shape)) / op.levels
    y = rng.integers(0, 3, 4)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    command = [sys.executable, str(program), str(tmp_path / "data.npz"), str(tmp_path / "result.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    made = np.load(tmp_path / "result.npz")
    given = network.stimulus(x.swapaxes(0, 1) if time_axis else x, time_axis=time_axis)
    expected = reference(network, given)[network.graph.output]
    shown = "membrane" if network.is_readout else "spikes"
    np.testing.assert_array_equal(made[shown].swapaxes(0, 1), getattr(expected, shown))
    score = expected.membrane[-1] if network.is_readout else expected.spikes.sum(axis=0)
    np.testing.assert_array_equal(made["prediction"], score.argmax(axis=1))
    assert done.stdout == f"accuracy {100 * (score.argmax(axis=1) == y).mean():.2f} % on 4 samples\n"
    assert weights.stat().st_size > 1000


def test_the_same_network_gives_the_same_program(tmp_path: Path) -> None:
    network = residual(np.random.default_rng(0))
    programs = [write_script(network, tmp_path / name)[0].read_bytes() for name in ("a", "b")]
    assert programs[0] == programs[1]
    compile(programs[0], "network.py", "exec")
    pictures = [(tmp_path / name / "processes.svg").read_bytes() for name in ("a", "b")]
    assert pictures[0] == pictures[1] and pictures[0].startswith(b"<svg")
