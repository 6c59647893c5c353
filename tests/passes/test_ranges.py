from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.passes import Ranges, layer_ranges
from neurodeploy.semantics import Register, Registers
from tests.nets import chain, runs


def one_neuron(weight: int, threshold_q: int, registers: Registers, steps: int) -> Network:
    op = IntLIF((1,), 4096, 0, [0], threshold_q, "subtract" if threshold_q else "none")
    ops = {"in": IntInput((1,), 1.0, 0, 10), "fc": IntDense([[weight]], 0), "lif": op, "out": Output()}
    return Network(Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")]), steps, "any", registers)


def noted(network: Network) -> str:
    notes: list[Note] = []
    Ranges(network.registers, network.steps).apply(network.graph, notes)
    return notes[0].what


def test_proven() -> None:
    network = one_neuron(5, 0, Registers(), 4)
    assert noted(network) == "cannot overflow: |v| <= 12800, limit 8388607, 9.4 bits of headroom"
    found = layer_ranges(network.graph, network.registers, 4)[0]
    assert (found.current, found.u, found.v, found.proven) == (50, 3200, 12800, True)


@pytest.mark.parametrize(
    ("u", "v", "text", "overflows"),
    [
        (24, 13, "may overflow: |v| <= 12800 exceeds 4095 (3.1 times); counted at run time", 3),
        (12, 24, "may overflow: |u| <= 3200 exceeds 2047 (1.6 times); counted at run time", 4),
        (12, 10, "may overflow: |u| <= 3200 exceeds 2047 (1.6 times); counted at run time", 8),
    ],
)
def test_what_cannot_be_proven_is_counted(u: int, v: int, text: str, overflows: int) -> None:
    network = one_neuron(5, 0, Registers(Register(u, "saturate"), Register(v, "saturate")), 4)
    assert noted(network) == text
    result = network.run([[10.0]])
    assert result.overflows == {"lif": overflows}


@given(runs())
def test_proven_means_that_nothing_overflows(drawn: tuple[Network, Stimulus]) -> None:
    from neurodeploy.backend import get_backend

    network, stimulus = drawn
    counted = get_backend("engine").run(network, stimulus).overflows
    assert counted is not None
    for found in layer_ranges(network.graph, network.registers, network.steps):
        if found.proven:
            assert counted[found.layer] == 0


def test_spikes_bound_the_second_layer() -> None:
    network = chain((3, 2, 2))
    weight = network.graph.of(IntDense)["fc2"].weight_q.astype(np.int64)
    found = {r.layer: r for r in layer_ranges(network.graph, network.registers, 1)}["lif2"]
    assert found.current == max(
        np.maximum(weight, 0).sum(axis=1).max(), -np.minimum(weight, 0).sum(axis=1).min()
    )


def test_graph_is_passed_on() -> None:
    network = replace(chain(), steps=3)
    assert Ranges(network.registers, 3).apply(network.graph, []) is network.graph
