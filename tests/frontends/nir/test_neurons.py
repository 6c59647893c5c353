"""Every setting of neurons against a simulation written out here, in the file's own units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.ir import LIF, Readout, Scale
from neurodeploy.ir.interpreter import interpret
from tests.frontends.nir.files import PLAIN, affine, chain, lif, neurons, read

N, T = 5, 60


@dataclass
class Simulation:
    """One layer of NIR neurons, step by step, in double precision and in the file's own units."""

    said: NirConfig
    fields: dict[str, Any]

    def run(self, current: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        f, said = {k: np.float64(np.float32(v)) for k, v in self.fields.items()}, self.said
        start = {"zero": 0.0, "leak": f.get("v_leak", 0.0), "reset": f["v_reset"]}[said.initial or "zero"]
        v, i, s = np.full(N, start), np.zeros(N), np.zeros(N)
        a, g = self.stage(f, "tau" if "tau" in f else "tau_mem", "r", said.gain)
        spikes = []
        for x in current:
            old = i
            if "tau_syn" in f:
                b, h = self.stage(f, "tau_syn", "w_in", said.synapse_gain)
                i = b * i + h * x
                x = i if said.current_order == "new" else old
            late = said.reset_timing == "next"
            u = a * v + g * x + (1 - a) * f.get("v_leak", 0.0)
            if late:
                u = u - s * f["v_threshold"] if said.reset == "subtract" else np.where(s > 0, f["v_reset"], u)
            s = (u > f["v_threshold"]).astype(float)
            if said.spikes == "many":
                s = np.where(s > 0, np.ceil(u / f["v_threshold"]) - 1, 0.0)
            v = u
            if not late:
                v = u - s * f["v_threshold"] if said.reset == "subtract" else np.where(s > 0, f["v_reset"], u)
            if said.clamp != "none":
                v = np.maximum(v, said.clamp * f["v_threshold"])
            spikes.append(s)
        return np.array(spikes)

    def stage(self, f: dict[str, Any], tau: str, r: str, gain: str | None) -> tuple[float, float]:
        if tau not in f:
            return 1.0, f["r"] * (self.said.dt if self.said.if_convention == "dt" else 1.0)
        x = np.float32(self.said.dt) / f[tau]
        a = 1 - x if self.said.integration == "euler" else np.exp(-x)
        return a, {"leak": (1 - a) * f[r], "one": 1.0, "decay": a}[gain or "leak"]


@st.composite
def settings_and_fields(draw: st.DrawFn) -> tuple[NirConfig, str, dict[str, Any]]:
    kind = draw(st.sampled_from(["IF", "LIF", "CubaLIF"]))
    reset = draw(st.sampled_from(["zero", "subtract"]))
    number = st.floats(0.25, 3.0, width=32)
    rest = draw(st.floats(-1.0, 0.25, width=32)) if reset == "zero" else 0.0
    threshold = draw(st.floats(0.375, 3.0, width=32))
    fields: dict[str, Any] = {"r": draw(number), "v_threshold": threshold, "v_reset": rest}
    if kind != "IF":
        fields |= {
            "v_leak": draw(st.floats(-1.0, 1.0, width=32)),
            "tau": draw(st.floats(0.015625, 0.5, width=32)),
        }
    if kind == "CubaLIF":
        fields["tau_mem"] = fields.pop("tau")
        fields |= {"tau_syn": draw(st.floats(0.015625, 0.25, width=32)), "w_in": 1.0}
    gains = st.sampled_from(["leak", "one", "decay"])
    timing = draw(st.sampled_from(["same", "next"]))
    said = NirConfig(
        dt=0.01,
        reset=reset,
        reset_timing=timing,
        integration=draw(st.sampled_from(["euler", "exp"])),
        comparison="gt",
        spikes=draw(st.sampled_from(["one", "many"])) if (reset, timing) == ("subtract", "same") else "one",
        clamp=draw(st.sampled_from(["none", -1.0, -0.25])) if timing == "same" and rest == 0.0 else "none",
        if_convention=draw(st.sampled_from(["dt", "step"])),
        gain=draw(gains),
        synapse_gain=draw(gains),
        current_order=draw(st.sampled_from(["new", "old"])),
        initial=draw(st.sampled_from(["zero", "leak", "reset"])),
    )
    return said, kind, fields


@settings(max_examples=30)
@given(settings_and_fields(), st.integers(0, 1 << 30))
def test_settings_against_a_simulation(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[NirConfig, str, dict[str, Any]], seed: int
) -> None:
    said, kind, fields = case
    current = np.random.default_rng(seed).normal(0.5, 2.0, (T, N)).astype(np.float32)
    weight = np.eye(N, dtype=np.float32)
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    chain(path, (N,), (N,), fc=affine(weight), lif=neurons(kind, N, fields))
    run = interpret(read(path, said), current[:, np.newaxis], T, time_axis=True, dtype=np.float64)
    expected = Simulation(said, fields).run(current.astype(np.float64))
    assert np.array_equal(run.spikes["lif"][:, 0], expected)


def test_equality_fires_only_with_ge(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (1,), (1,), fc=affine([[1.0]]), lif=lif(1))
    x = np.ones((1, 1, 1), np.float32)
    for comparison, spikes in (("gt", 0), ("ge", 1)):
        graph = read(path, msgspec.structs.replace(PLAIN, comparison=comparison))
        assert interpret(graph, x, 1, time_axis=True).spikes["lif"].sum() == spikes


@pytest.mark.parametrize(("kind", "tau"), [("LI", "tau"), ("CubaLI", "tau_mem")])
def test_readouts_have_the_potentials_of_nir(tmp_path: Path, kind: str, tau: str) -> None:
    fields = {
        tau: 8.0,
        "r": 2.0,
        "v_leak": 0.5,
        **({"tau_syn": 4.0, "w_in": 3.0} if kind == "CubaLI" else {}),
    }
    path = chain(tmp_path / "n.nir", (N,), (N,), fc=affine(np.eye(N)), li=neurons(kind, N, fields))
    said = msgspec.structs.replace(PLAIN, initial="zero")
    graph, x = read(path, said), np.random.default_rng(0).normal(size=(9, 1, N)).astype(np.float32)
    v, i, expected = np.zeros(N), np.zeros(N), []
    for one in x[:, 0]:
        i = i + (-i + 3.0 * one) / 4 if kind == "CubaLI" else one
        v = v + (0.5 - v + 2.0 * i) / 8
        expected.append(v)
    np.testing.assert_allclose(
        interpret(graph, x, 9, time_axis=True).membrane["li"][:, 0], expected, atol=1e-6
    )
    assert isinstance(graph.op("li.gain"), Scale)


def test_integrator_without_leak_and_gain(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), i=neurons("I", 2, {"r": 1.0}))
    assert read(path).op("i") == Readout((2,), 1.0)


def test_float32_ratios_are_exact(tmp_path: Path) -> None:
    beta = np.float32(0.9)
    tau = np.float32(1e-4) / (1 - beta)
    node = lif(3, tau=tau, r=tau / np.float32(1e-4))
    path = chain(tmp_path / "n.nir", (3,), (3,), fc=affine(np.eye(3)), lif=node)
    op = read(path, msgspec.structs.replace(PLAIN, dt=1e-4)).op("lif")
    assert isinstance(op, LIF)
    assert (float(op.decay), float(op.threshold)) == (float(beta), 1.0)


def test_infinite_time_constant_is_no_leak(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=lif(2, tau=np.inf, r=np.inf))
    assert read(path).op("lif") == LIF((2,), 1.0, 1.0, "zero", "gt")


def test_threshold_node_keeps_nothing(tmp_path: Path) -> None:
    node = {"type": "Threshold", "threshold": np.full(2, 0.5)}
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), step=node)
    assert read(path).op("step") == LIF((2,), 0.0, 0.5, "zero", "gt")


def test_dt_from_the_resistance(tmp_path: Path) -> None:
    dt, tau = 3e-3, 2e-2
    node = lif(2, tau=tau, r=tau * np.exp(-dt / tau) / dt, v_reset=None)
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=node)
    op = open_nir(path, "rockpool").imported.graph.op("lif")
    assert isinstance(op, LIF)
    assert float(op.decay) == pytest.approx(np.exp(-dt / tau), rel=1e-6)
    assert (float(op.threshold), op.max_spikes) == (1.0, 65536)


def test_time_constants_times_dt(tmp_path: Path) -> None:
    path = chain(
        tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=lif(2, tau=8e-6, r=1.0, v_reset=None)
    )
    op = open_nir(path, "norse-1.1").imported.graph.op("lif")
    assert isinstance(op, LIF)
    assert (float(op.decay), float(op.threshold)) == (0.875, 8.0)


def test_one_value_for_all_is_noted(tmp_path: Path) -> None:
    node = {"type": "LIF", "tau": 4.0, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0}
    path = chain(tmp_path / "n.nir", (3,), (3,), fc=affine(np.eye(3)), lif=node)
    notes = [str(note) for note in open_nir(path, None, PLAIN).imported.notes]
    assert "lif: one value of tau, r, v_leak, v_threshold stands for all of [3]" in notes


@pytest.mark.parametrize(
    ("node", "said", "message"),
    [
        (lif(2, tau=0.5), {}, r"tau 0.5 is shorter than dt 1.0, .* --set nir.integration=exp"),
        (lif(2, tau=-4.0), {}, "tau must be positive, not -4"),
        (lif(2, tau=np.inf), {}, "tau is infinite and r is not: nothing would ever come in"),
        (lif(2, r=0.0), {}, "gain gives what comes in a factor of 0; it must be positive and finite"),
        (lif(2, r=np.nan), {}, "r holds 2 of 2 values that are NaN or infinite"),
        (lif(2, v_threshold=np.inf), {}, "v_threshold holds 2 of 2 values that are NaN or infinite"),
        (lif(2, v_reset=1.0), {"initial": "zero"}, "v_threshold 1 must be above the reset value 1"),
        (
            lif(2, v_reset=0.5),
            {"initial": "zero", "reset": "subtract"},
            "v_reset is 0.5, which a reset by subtraction",
        ),
        (
            lif(2, tau=1.0),
            {"reset": "subtract", "reset_timing": "next"},
            r"keeps nothing from step to step \(decay 0\)",
        ),
        (lif(2), {"spikes": "many"}, "several spikes a step need --set nir.reset=subtract"),
        (lif(3), {}, r"tau \(3,\) does not belong to its input \(2,\)"),
        (lif(2, r=0.5), {"dt": "r", "integration": "exp", "gain": "one"}, None),
        (
            lif(2, r=-1.0),
            {"dt": "r", "integration": "exp", "gain": "one"},
            "r is -1, from which no dt follows",
        ),
        ({"type": "Threshold", "threshold": np.zeros(2)}, {}, "threshold must be positive, not 0"),
    ],
)
def test_neurons_without_a_meaning(
    tmp_path: Path, node: dict[str, Any], said: dict[str, Any], message: str | None
) -> None:
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=node)
    config = msgspec.structs.replace(PLAIN, **said)
    if message is None:
        assert read(path, config).of(LIF)
        return
    with pytest.raises(InputError, match=rf"n\.nir: node 'lif' \({node['type']}\): {message}"):
        read(path, config)


def test_weight_that_a_gain_ignores(tmp_path: Path) -> None:
    fields = {"tau_mem": 4.0, "tau_syn": 2.0, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "w_in": 2.0}
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), c=neurons("CubaLIF", 2, fields))
    with pytest.raises(UnsupportedError, match="w_in is 2, but synapse_gain=one does not use it"):
        open_nir(path, "norse")
