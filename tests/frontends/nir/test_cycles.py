"""Recurrent edges: where the delay lies that NIR does not write, and what a bias does in the first step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.nir import open_nir
from neurodeploy.ir import Delay
from neurodeploy.ir.interpreter import interpret
from tests.frontends.nir.files import PLAIN, Edges, Nodes, affine, inputs, lif, neurons, outputs, read, write

RNG = np.random.default_rng(3)
W, W_REC = (RNG.normal(size=(4, n)).astype(np.float32) * 2 for n in (3, 4))
LOOP = [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")]


def net(bias: Any = None, **more: dict[str, Any]) -> Nodes:
    return {
        "input": inputs(3),
        "fc": affine(W),
        "lif": lif(4),
        "rec": affine(W_REC, bias),
        "output": outputs(4),
        **more,
    }


def said(**options: Any) -> Any:
    return msgspec.structs.replace(PLAIN, **options)


def spikes(path: Path, **options: Any) -> np.ndarray[Any, Any]:
    x = np.random.default_rng(1).normal(size=(20, 1, 3)).astype(np.float32)
    run = interpret(read(path, said(**options)), x, 20, time_axis=True, dtype=np.float64)
    return run.spikes[run.output][:, 0]


def simulated(bias: np.ndarray[Any, Any], first: bool) -> np.ndarray[Any, Any]:
    """The same net written out; `first`: the bias acts in step 0."""
    x = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32).astype(float)
    v, s, found = np.zeros(4), np.zeros(4), []
    for t in range(20):
        recurrent = W_REC.astype(float) @ s + bias if t or first else np.zeros(4)
        u = 0.75 * v + W.astype(float) @ x[t] + recurrent
        s = (u > 1.0).astype(float)
        v = np.where(s > 0, 0.0, u)
        found.append(s)
    return np.array(found)


def test_a_cycle_has_one_step_of_delay(tmp_path: Path) -> None:
    path = write(tmp_path / "n.nir", net(), LOOP)
    assert np.array_equal(spikes(path), simulated(np.zeros(4), first=True))
    model = open_nir(path, None, PLAIN)
    assert model.imported.graph.op("lif.delay") == Delay((4,), 1, "spike")
    assert "lif: gets 'lif' of the step before: a cycle without a Delay means one step" in str(
        model.imported.notes[-1]
    )


@pytest.mark.parametrize("recurrence", ["spikes", "currents"])
def test_bias_in_a_cycle(tmp_path: Path, recurrence: str) -> None:
    bias = np.array([6.0, -1.0, 5.0, 4.0])
    path = write(tmp_path / "n.nir", net(bias), LOOP)
    found = spikes(path, recurrence=recurrence)
    assert np.array_equal(found, simulated(bias, first=recurrence == "spikes"))
    assert not np.array_equal(found, simulated(bias, first=recurrence != "spikes"))


def test_bias_in_a_cycle_must_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "n.nir", net(np.ones(4)), LOOP)
    with pytest.raises(
        UnsupportedError, match=r"node 'rec' \(Affine\): NIR does not say its recurrence. Say --set "
    ):
        read(path)


def test_delay_in_a_cycle_stays_what_it_is(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": np.full(4, 2.0)}
    edges = [*LOOP[:2], ("lif", "late"), ("late", "rec"), ("rec", "lif"), ("lif", "output")]
    graph = read(write(tmp_path / "n.nir", net(late=late), edges))
    assert list(graph.of(Delay).values()) == [Delay((4,), 2, "spike")]
    assert graph.feedback == {("lif", "late")}


def test_neurons_that_feed_themselves(tmp_path: Path) -> None:
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "lif"), ("lif", "output")]
    nodes = {name: node for name, node in net().items() if name != "rec"}
    graph = read(write(tmp_path / "n.nir", nodes, edges))
    assert set(graph.edges) >= {("lif", "lif.delay"), ("lif.delay", "lif.lif"), ("lif.lif", "lif")}


def test_feedback_to_a_layer_before(tmp_path: Path) -> None:
    nodes = net(fc2=affine(W_REC), lif2=lif(4), fb=affine(np.ones((3, 4)) / 4))
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "fc2"), ("fc2", "lif2"), ("lif2", "fb"), ("fb", "fc")]
    del nodes["rec"]
    graph = read(write(tmp_path / "n.nir", nodes, [*edges, ("lif2", "output")]))
    assert graph.feedback == {("lif2", "lif2.delay")}
    assert graph.sources("fc.sum") == ("input", "fb")
    assert graph.sources("fb") == ("lif2.delay",)


def test_delay_stays_behind_synapses_that_lead_elsewhere_too(tmp_path: Path) -> None:
    edges: Edges = [*LOOP, ("rec", "more"), ("more", "output2")]
    nodes = {**net(more=lif(4)), "output": outputs(4)}
    edges = [*LOOP[:-1], ("rec", "more"), ("more", "output")]
    graph = read(write(tmp_path / "n.nir", nodes, edges))
    assert graph.op("rec.delay") == Delay((4,), 1, "current")
    assert graph.sources("more") == ("rec",)


def test_bias_that_branches_off_a_cycle(tmp_path: Path) -> None:
    edges = [*LOOP[:-1], ("rec", "more"), ("more", "output")]
    path = write(tmp_path / "n.nir", net(np.ones(4), more=lif(4)), edges)
    with pytest.raises(
        UnsupportedError, match=r"node 'rec' \(Affine\): its bias cannot act in step 0 of the cycle that"
    ):
        read(path, said(recurrence="spikes"))
    assert read(path, said(recurrence="currents")).op("rec.delay") == Delay((4,), 1, "current")


def test_cycle_with_two_entries(tmp_path: Path) -> None:
    edges = [
        *LOOP,
        ("input", "fc2"),
        ("fc2", "lif2"),
        ("lif", "a"),
        ("a", "lif2"),
        ("lif2", "b"),
        ("b", "lif"),
    ]
    more = {"fc2": affine(W), "lif2": lif(4), "a": affine(W_REC), "b": affine(W_REC)}
    path = write(tmp_path / "n.nir", net(**more), edges)
    with pytest.raises(
        UnsupportedError,
        match=r"the cycle .* is not entered at exactly one node, .* put a Delay node into it",
    ):
        read(path)


def test_cycles_with_and_without_a_delay(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": np.full(4, 2.0)}
    edges = [*LOOP, ("lif", "late"), ("late", "rec")]
    with pytest.raises(
        UnsupportedError, match=r"edge rec -> lif closes a cycle with node 'late' \(Delay\) and one without"
    ):
        read(write(tmp_path / "n.nir", net(late=late), edges))


def test_cycle_inside_a_cycle_with_a_delay(tmp_path: Path) -> None:
    late = {"type": "Delay", "delay": np.full(4, 3.0)}
    edges = [*LOOP, ("lif", "fc2"), ("fc2", "lif2"), ("lif2", "late"), ("late", "fb"), ("fb", "lif")]
    more = {"fc2": affine(W_REC), "lif2": lif(4), "fb": affine(W_REC)}
    graph = read(
        write(
            tmp_path / "n.nir",
            net(late=late, **more),
            [e for e in edges if e != ("lif", "output")] + [("lif2", "output")],
        )
    )
    assert {name: op.steps for name, op in graph.of(Delay).items()} == {"lif.delay": 1, "late": 3}


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        (np.full(4, 0.4), "delay 0.4 s is 0.4 steps of dt 1 s; it must be a whole number below 1048576"),
        (np.full(4, -1.0), "delay -1 s is -1 steps"),
        (np.full(4, 1e30), "delay 1e.30 s is 1e.30 steps"),
        (np.arange(4.0), r"its delays of 0\.\.3 s differ; a Delay here has one for all"),
    ],
)
def test_delays_that_are_no_steps(tmp_path: Path, delay: Any, message: str) -> None:
    nodes = {**net(), "late": {"type": "Delay", "delay": delay}}
    del nodes["rec"]
    edges = [("input", "fc"), ("fc", "late"), ("late", "lif"), ("lif", "output")]
    with pytest.raises(UnsupportedError, match=rf"node 'late' \(Delay\): {message}"):
        read(write(tmp_path / "n.nir", nodes, edges))


def test_delay_of_nothing_is_left_out(tmp_path: Path) -> None:
    nodes = {**net(), "late": {"type": "Delay", "delay": np.zeros(4)}}
    del nodes["rec"]
    edges = [("input", "fc"), ("fc", "late"), ("late", "lif"), ("lif", "output")]
    assert read(write(tmp_path / "n.nir", nodes, edges)).names == ("input", "fc", "lif", "output")


def test_old_current_is_a_delay_in_front(tmp_path: Path) -> None:
    fields = {"tau_mem": 4.0, "tau_syn": 2.0, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "w_in": 1.0}
    nodes = {**net(), "lif": neurons("CubaLIF", 4, fields)}
    graph = read(write(tmp_path / "n.nir", nodes, LOOP), said(current_order="old"))
    assert {name: op.steps for name, op in graph.of(Delay).items()} == {"input.delay": 1, "lif.delay2": 2}


def test_leaky_integrator_before_other_layers(tmp_path: Path) -> None:
    li = neurons("LI", 4, {"tau": 4.0, "r": 1.0, "v_leak": 0.0})
    nodes = {**net(), "rec": affine(W_REC), "li": li}
    edges = [("input", "fc"), ("fc", "li"), ("li", "rec"), ("rec", "lif"), ("lif", "output")]
    with pytest.raises(
        UnsupportedError, match=r"node 'li' \(LI\): leads to 'rec'; a leaky integrator can only be the output"
    ):
        read(write(tmp_path / "n.nir", nodes, edges))
