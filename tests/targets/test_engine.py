from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.backend import Result, get_backend
from neurodeploy.errors import FitError, InputError
from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.engine import run as engine_run
from tests.nets import assert_equal, chain, reference, runs, stimulus

ENGINE = get_backend("engine")


@settings(max_examples=150)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    assert_equal(ENGINE.run(network, given_, trace=True), network, reference(network, given_))


def counted(network: Network, given_: Stimulus) -> dict[str, int]:
    """Overflows by layer, in plain Python integers."""
    lost = dict.fromkeys(network.neurons, 0)
    for n in range(given_.samples):
        state = {name: ([0] * op.shape[0], [0] * op.shape[0]) for name, op in network.neurons.items()}
        for t in range(given_.steps):
            values: dict[str, list[int]] = {}
            for name in network.graph.names:
                op = network.graph.op(name)
                inputs = [values[source] for source in network.graph.sources(name)]
                if isinstance(op, IntInput):
                    values[name] = given_.frame(t)[n].ravel().tolist()
                elif isinstance(op, IntDense):
                    sums = (
                        sum(w * x for w, x in zip(row, inputs[0], strict=True))
                        for row in op.weight_q.tolist()
                    )
                    values[name] = [
                        s * 2**op.exponent if op.exponent >= 0 else s // 2**-op.exponent for s in sums
                    ]
                elif isinstance(op, IntLIF):
                    a = [sum(parts) for parts in zip(*inputs, strict=True)]
                    values[name] = count_step(op, network.registers, state[name], a, lost, name)
                else:
                    values[name] = inputs[0]
    return lost


def count_step(
    op: IntLIF,
    registers: Registers,
    state: tuple[list[int], list[int]],
    a: list[int],
    lost: dict[str, int],
    name: str,
) -> list[int]:
    def kept(register: Register, x: int) -> int:
        lost[name] += not register.low <= x <= register.high
        if register.overflow == "saturate":
            return max(register.low, min(register.high, x))
        return (x - register.low) % 2**register.bits + register.low

    def decayed(x: int, d: int) -> int:
        return (1 if x >= 0 else -1) * (abs(x) * (4096 - d) // 4096)

    fired = []
    for i, (current, bias) in enumerate(zip(a, op.bias_q.tolist(), strict=True)):
        u = kept(registers.u, decayed(state[0][i], op.du) + 64 * current)
        v = kept(registers.v, decayed(state[1][i], op.dv) + u + bias)
        s = op.reset != "none" and v >= op.threshold_q + (op.compare == "gt")
        state[0][i] = 0 if s and op.clear_current else u
        state[1][i] = (v - op.threshold_q if op.reset == "subtract" else 0) if s else v
        fired.append(int(s))
    return fired


@given(runs())
def test_counts_every_overflow(drawn: tuple[Network, Stimulus]) -> None:
    assert ENGINE.run(*drawn).overflows == counted(*drawn)


@given(runs(), st.sampled_from([1, 7, 40]))
def test_chunks_change_nothing(drawn: tuple[Network, Stimulus], elements: int) -> None:
    whole = ENGINE.run(*drawn, trace=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_run, "CHUNK_ELEMENTS", elements)
        assert_equal(ENGINE.run(*drawn, trace=True), drawn[0], dict(whole.traces))
        assert ENGINE.run(*drawn).overflows == whole.overflows


def test_progress_reaches_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = chain(), list[tuple[int, int]]()
    monkeypatch.setattr(engine_run, "CHUNK_ELEMENTS", 2 * 6 * network.steps)
    given_ = stimulus(network, np.random.default_rng(0), samples=5)
    ENGINE.run(network, given_, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def wide_sums(high: int, inputs: int) -> tuple[Network, Stimulus]:
    """A sum of exactly `inputs` * (127 * `high`) plus one small odd part that narrow floats would lose."""
    weight = np.full((2, inputs), 127)
    weight[0, 0] = 1
    ops = {
        "in": IntInput((inputs,), 1.0, 0, high),
        "fc": IntDense(weight, -8),
        "lif": IntLIF((2,), 4096, 0, [0, 0], 0, "none"),
        "out": Output(),
    }
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    network = Network(graph, 2, "any", Registers(Register(32, "wrap"), Register(32, "wrap")))
    return network, Stimulus(np.full((1, inputs), high), 2, True)


@pytest.mark.parametrize("high", [255, 132_105, (1 << 24) + 1, (1 << 31) - 1])
@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_sums_beyond_two_to_the_24(backend: str, high: int) -> None:
    network, given_ = wide_sums(high, 3)
    assert_equal(get_backend(backend).run(network, given_, trace=True), network, reference(network, given_))


def test_sums_beyond_two_to_the_53() -> None:
    from neurodeploy.targets.engine.synapses import product_type

    assert (product_type((1 << 24) - 1), product_type(1 << 24)) == (np.float32, np.float64)
    with pytest.raises(FitError, match=f"synaptic sums of up to {1 << 53} exceed 2\\^53"):
        product_type(1 << 53)


def test_static_and_repeated_input_are_the_same() -> None:
    network = chain()
    once = stimulus(network, np.random.default_rng(1))
    often = Stimulus(np.stack([once.x] * network.steps), network.steps, False)
    assert_equal(
        ENGINE.run(network, often, trace=True), network, dict(ENGINE.run(network, once, trace=True).traces)
    )


def test_samples_do_not_see_each_other() -> None:
    network = chain(readout=False)
    given_ = stimulus(network, np.random.default_rng(1), samples=4)
    together = ENGINE.run(network, given_).spikes
    for n in range(4):
        alone = ENGINE.run(network, given_.select(slice(n, n + 1))).spikes
        np.testing.assert_array_equal(alone[:, 0], together[:, n])


def test_prediction() -> None:
    spikes = np.array([[[0, 1, 1], [1, 0, 0]], [[0, 1, 1], [0, 1, 0]]])
    assert Result("x", spikes, None, 0.0).prediction.tolist() == [1, 0]
    assert Result(
        "x", spikes, np.array([[[9, 9, 9]] * 2, [[1, 3, 3], [-1, -2, 0]]]), 0.0
    ).prediction.tolist() == [1, 2]


def test_network_runs_real_input() -> None:
    network = replace(chain(high=16), steps=2)
    result = network.run(np.full((3, 6), 0.5), trace=True)
    expected = reference(network, Stimulus(np.full((3, 6), 8), 2, True))
    assert_equal(result, network, expected)
    with pytest.raises(InputError, match="takes inputs"):
        network.run(np.zeros((3, 5)))
