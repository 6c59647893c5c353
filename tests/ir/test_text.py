from __future__ import annotations

from collections.abc import Callable

import pytest

from neurodeploy.compiler import compile_graph
from neurodeploy.ir import Graph, to_text
from tests.nets import chain, float_graph, pixels

NETWORKS = {
    "readout": float_graph((6, 5, 4)),
    "spiking": float_graph((6, 4, 3, 2), readout=False, shape=(2, 3), seed=3, reset="zero", compare="gt"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_after_each_pass(name: str, golden: Callable[[str, str], None]) -> None:
    parts: list[str] = []

    def keep(after: str, graph: Graph, seconds: float) -> None:
        parts.append(f"; after {after}\n{to_text(graph)}")

    graph = NETWORKS[name]
    network = compile_graph(graph, pixels((20, *graph.types["in"].shape)), steps=4, after_pass=keep)
    notes = "".join(f"; {note}\n" for note in network.notes)
    golden(name, "\n".join(parts) + f"\n{notes}")
    assert [part.split("\n")[0] for part in parts] == [
        f"; after {after}" for after in ("import", "quantize", "legalise", "ranges", "fit")
    ]


def test_one_line_a_layer() -> None:
    text = to_text(chain((2, 1), readout=False).graph)
    assert [line.split(" = ")[0].rstrip() for line in text.splitlines()] == ["in", "fc1", "lif1", "out"]
    assert "in   = int_input(shape=[2], levels=16, low=0, high=16) : value[2]" in text
    assert "du=4096, dv=2048, bias_q=int64[1]{" in text
    assert repr(chain((2, 1)).graph) == to_text(chain((2, 1)).graph)


def test_fingerprint_shows_a_changed_number() -> None:
    assert to_text(chain(seed=0).graph) != to_text(chain(seed=1).graph)
