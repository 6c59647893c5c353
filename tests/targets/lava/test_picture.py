"""The picture of the process graph: every process and connection, the same text each time."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.picture import draw
from neurodeploy.targets.lava.plan import Plan, plan
from tests.targets.lava.test_graphs import Build, recurrent, residual

SVG = "{http://www.w3.org/2000/svg}"


def made(build: Build) -> Plan:
    network = build(np.random.default_rng(0))
    return plan(Path("folder"), Job(network, network.steps, 1))


@pytest.mark.parametrize("build", [residual, recurrent])
def test_every_process_is_a_box_and_every_connection_an_arrow(build: Build) -> None:
    drawn = made(build)
    root = ElementTree.fromstring(draw(drawn))
    named = [text.text for text in root.iter(f"{SVG}text") if text.get("font-weight")]
    assert named == list(drawn.processes)
    arrows = [title.text for title in root.iter(f"{SVG}title")]
    assert arrows == [f"{c.sender}.{c.out} to {c.receiver}.{c.into}" for c in drawn.connections]
    corners = {(box.get("x"), box.get("y")) for box in root.iter(f"{SVG}rect")}
    assert len(corners) == len(drawn.processes)


def test_it_says_sizes_and_delays_and_marks_feedback() -> None:
    text = draw(made(recurrent))
    assert "Dense 6 to 5" in text and "DelayLine 5 steps" in text and "LIF 4" in text
    dashed = [line for line in text.splitlines() if "stroke-dasharray" in line]
    assert [line.partition("<title>")[2].partition("<")[0] for line in dashed] == [
        "n1.s_out to s1:delay.s_in",
        "n2.s_out to r1:delay.s_in",
    ]
    assert "Sparse 40 to 60" in draw(made(residual))


def test_the_same_plan_gives_the_same_picture() -> None:
    assert draw(made(residual)) == draw(made(residual))
    assert "stroke-dasharray" not in draw(made(residual))
