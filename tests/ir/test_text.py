from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from neurodeploy.compiler import PASS_NAMES, compile_graph
from neurodeploy.errors import InputError
from neurodeploy.ir import (
    LIF,
    AveragePool,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    Output,
    Readout,
    Scale,
    from_text,
    to_text,
)
from neurodeploy.network import Network
from tests.nets import chain, float_graph, networks, pixels

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
    assert [part.split("\n")[0] for part in parts] == [f"; after {after}" for after in PASS_NAMES]


def test_one_line_a_layer() -> None:
    text = to_text(chain((2, 1), readout=False).graph)
    assert [line.split(" = ")[0].rstrip() for line in text.splitlines()] == ["in", "fc1", "lif1", "out"]
    assert "in   = int_input(shape=[2], levels=16, low=0, high=16) : value[2]" in text
    assert "du=4096, dv=2048, bias_q=" in text
    assert repr(chain((2, 1)).graph) == to_text(chain((2, 1)).graph)


def test_fingerprint_shows_a_changed_number() -> None:
    assert to_text(chain(seed=0).graph) != to_text(chain(seed=1).graph)


@given(networks())
def test_parses_back(network: Network) -> None:
    text = to_text(network.graph, arrays=True)
    assert from_text(text) == network.graph
    assert to_text(from_text(text), arrays=True) == text


def test_parses_a_float_graph_with_every_kind_of_field() -> None:
    rng = np.random.default_rng(0)
    ops = {
        "in": Input((2, 6, 5), "binary"),
        "conv": Conv(rng.normal(size=(4, 1, 3, 2)), rng.normal(size=4), (2, 1), (1, 0, 1, 1), (1, 2), 2),
        "norm": Scale(rng.normal(size=(4, 1, 1)), 0.1 + 0.2),
        "pool": AveragePool((2, 2), (1, 1), (0, 0, 0, 0), False),
        "lif": LIF(
            (4, 2, 3),
            rng.uniform(size=(4, 1, 1)),
            1 / 3,
            "subtract",
            "gt",
            v_min=-1.5,
            max_spikes=3,
            refractory=1,
        ),
        "flat": Flatten(),
        "back": Delay((24,), 2),
        "fc": Dense(rng.normal(size=(24, 24)), rng.normal(size=24)),
        "out": Readout((24,), 0.9, 1e-9),
        "output": Output(),
    }
    chain = ["in", "conv", "norm", "pool", "lif", "flat", "back", "fc", "out", "output"]
    graph = Graph(ops, list(pairwise(chain)))
    assert from_text("; a comment\n\n" + to_text(graph, arrays=True)) == graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("= int_lif(", "= lif_int("), "line 3: there is no operation 'lif_int'; there are input, dense"),
        (("reset=subtract", "reset=soft"), "line 3: layer 'lif1': op 'int_lif': reset must be"),
        (("dv=2048", "dv=two"), "dv must hold numbers"),
        (("dv=2048", "d=2048"), "'d=2048' is not a field of 'int_lif'"),
        (("dv=2048, ", ""), "layer 'lif1': "),
        (("spike[1]\nout", "spike[2]\nout"), "layer 'lif1' is said to give spike[2], but gives spike[1]"),
        (("fc1  = int_dense(in", "fc1  = int_dense(gone"), "edge gone -> fc1: there is no layer 'gone'"),
        (("out  =", "lif1 ="), "line 4: there is already a layer 'lif1'"),
        ((" : spike[1]", ""), "line 3: not a layer"),
    ],
)
def test_text_that_cannot_be_parsed(change: tuple[str, str], message: str) -> None:
    text = to_text(chain((2, 1), readout=False).graph, arrays=True)
    assert change[0] in text
    with pytest.raises(InputError) as caught:
        from_text(text.replace(change[0], change[1], 1))
    assert message in str(caught.value)


def test_arrays_that_are_missing_or_changed() -> None:
    graph = chain((2, 1), readout=False).graph
    with pytest.raises(InputError, match=r"does not hold array #[0-9a-f]{8}; write it with arrays"):
        from_text(to_text(graph))
    text = to_text(graph, arrays=True)
    head, _, content = text.rstrip().rpartition(" = ")
    raw = bytearray(base64.b64decode(content))
    raw[0] ^= 1
    with pytest.raises(InputError, match="was changed: its fingerprint is now"):
        from_text(f"{head} = {base64.b64encode(bytes(raw)).decode()}\n")
    with pytest.raises(InputError, match="has 1 bytes, which are not int8"):
        from_text(f"{head} = {base64.b64encode(bytes(raw[:1])).decode()}\n")
    with pytest.raises(InputError, match="not an array"):
        from_text(f"{head} = ?\n")
