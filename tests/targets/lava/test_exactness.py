"""Lava gives the reference's integers, in every layer, step, sample and neuron."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurodeploy.ir import Flatten, Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Registers, State, shift, step
from neurodeploy.semantics.fixed_point import Register
from neurodeploy.targets.lava.target import LAVA
from tests.targets.lava.networks import NEEDS_LAVA, assert_exact, chain, changing, neurons, reference, static

pytestmark = NEEDS_LAVA
RNG = np.random.default_rng


@pytest.mark.parametrize(
    "changes",
    [
        {"reset": "subtract"},
        {"reset": "zero"},
        {"reset": "subtract", "compare": "gt"},
        {"reset": "zero", "compare": "gt", "clear_current": True},
        {"reset": "subtract", "clear_current": True, "du": 500},
        {"du": 4096, "dv": 4096},
        {"du": 0, "dv": 0, "threshold_q": 300000},
        {"last": {"reset": "none", "threshold_q": 0}},
    ],
    ids=str,
)
@pytest.mark.parametrize("stimulus", [static, changing])
def test_neurons(changes: dict[str, Any], stimulus: Any) -> None:
    rng = RNG(1)
    network = chain(rng, **changes)
    trace = assert_exact(network, stimulus(rng, network))
    assert trace["lif0"].spikes.any() and not trace["lif0"].spikes.all()


def test_equality_with_the_threshold_tells_ge_from_gt() -> None:
    fired = {}
    for compare in ("ge", "gt"):
        op = IntLIF((2,), 4096, 4096, np.zeros(2), 640, "zero", compare)
        graph = Graph(
            {"x": IntInput((1,), 1.0, 0, 10), "fc": IntDense([[1], [-1]], 0), "lif": op, "out": Output()},
            [("x", "fc"), ("fc", "lif"), ("lif", "out")],
        )
        network = Network(graph, 2, "loihi2")
        fired[compare] = assert_exact(network, Stimulus(np.array([[10], [9]]), 2, True))["lif"].spikes
    assert fired["ge"][:, 0, 0].tolist() == [1, 1]
    assert not fired["gt"].any()


@pytest.mark.parametrize("exponents", [(-31, -2), (-9, 3), (2, -1), (-3, 6)])
def test_exponents_and_negative_input(exponents: tuple[int, ...]) -> None:
    rng = RNG(2)
    network = chain(rng, exponents=exponents, low=-255, last={"threshold_q": 900})
    assert_exact(network, changing(rng, network))


def test_weights_that_are_all_at_an_end() -> None:
    for weight in (-128, 127):
        ops = {
            "x": IntInput((3,), 1.0, 0, 3),
            "fc0": IntDense(np.full((4, 3), weight), 0),
            "lif0": neurons(RNG(3), 4, du=4096, threshold_q=64, bias_q=np.full(4, 40000)),
            "fc1": IntDense(np.full((2, 4), weight), 0),
            "lif1": neurons(RNG(3), 2),
            "out": Output(),
        }
        edges = [("x", "fc0"), ("fc0", "lif0"), ("lif0", "fc1"), ("fc1", "lif1"), ("lif1", "out")]
        network = Network(Graph(ops, edges), 3, "loihi2")
        trace = assert_exact(network, static(RNG(3), network))
        assert trace["lif0"].spikes.any() and trace["lif1"].membrane.any()


def test_one_step_a_sample() -> None:
    rng = RNG(4)
    network = chain(rng, steps=1)
    assert_exact(network, static(rng, network, samples=9))


def test_one_sample() -> None:
    rng = RNG(5)
    network = chain(rng)
    assert_exact(network, changing(rng, network, samples=1))


def test_four_layers_keep_their_biases_to_their_own_windows() -> None:
    rng = RNG(6)
    network = chain(rng, (7, 6, 6, 6, 6), du=100)
    trace = assert_exact(network, static(rng, network, samples=6))
    assert trace["lif3"].spikes.any()


def test_two_groups_of_synapses_into_one_group_of_neurons() -> None:
    rng = RNG(7)
    ops = {
        "x": IntInput((4,), 1.0, 0, 9),
        "a": IntDense(rng.integers(-128, 128, (3, 4)), -2),
        "b": IntDense(rng.integers(-128, 128, (3, 4)), 1),
        "lif": neurons(rng, 3),
        "out": Output(),
    }
    edges = [("x", "a"), ("x", "b"), ("a", "lif"), ("b", "lif"), ("lif", "out")]
    network = Network(Graph(ops, edges), 4, "loihi2")
    trace = assert_exact(network, changing(rng, network))
    assert trace["lif"].spikes.any()


def test_images_are_flattened_last_axis_fastest() -> None:
    rng = RNG(8)
    ops = {
        "x": IntInput((2, 3, 4), 255.0, 0, 255),
        "flat": Flatten(),
        "fc": IntDense(rng.integers(-128, 128, (5, 24)), -5),
        "lif": neurons(rng, 5),
        "out": Output(),
    }
    edges = [("x", "flat"), ("flat", "fc"), ("fc", "lif"), ("lif", "out")]
    network = Network(Graph(ops, edges), 4, "loihi2")
    for stimulus in (static(rng, network), changing(rng, network)):
        assert assert_exact(network, stimulus)["lif"].spikes.any()


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_small_registers_overflow_as_in_the_reference_and_are_counted(overflow: Any) -> None:
    rng = RNG(9)
    registers = Registers(Register(14, overflow), Register(13, overflow))
    network = replace(chain(rng, (7, 6, 5), threshold_q=1500), registers=registers)
    stimulus = static(rng, network)
    assert_exact(network, stimulus)
    expected = _overflows(network, stimulus)
    assert LAVA.run(network, stimulus).overflows == expected
    assert min(expected.values()) > 0


def _overflows(network: Network, stimulus: Stimulus) -> dict[str, int]:
    """Counted by the numpy semantics, all samples at once."""
    counts = dict.fromkeys(network.neurons, 0)
    states = {name: State.start(op, (stimulus.samples,)) for name, op in network.neurons.items()}
    for t in range(stimulus.steps):
        signal = stimulus.frame(t)
        for dense, (name, op) in zip(
            network.graph.of(IntDense).values(), network.neurons.items(), strict=True
        ):
            current = shift(signal @ dense.weight_q.astype(np.int64).T, dense.exponent)
            done = step(op, network.registers, states[name], current)
            states[name], signal = done.state, done.spikes
            counts[name] += done.overflows
    return counts


def test_results_without_trace_and_prediction() -> None:
    rng = RNG(10)
    network = chain(rng, last={"reset": "none", "threshold_q": 0})
    stimulus = static(rng, network)
    result = LAVA.run(network, stimulus)
    assert result.backend == "lava" and result.traces == {} and result.seconds > 0
    assert result.overflows == {"lif0": 0, "lif1": 0}
    assert result.spikes.dtype == np.int64 and result.spikes.shape == (5, 4, 5)
    assert result.membrane is not None
    assert result.prediction.tolist() == result.membrane[-1].argmax(axis=1).tolist()


def test_runs_side_by_side_do_not_meet() -> None:
    networks = [chain(RNG(seed)) for seed in (20, 21)]
    stimuli = [changing(RNG(seed), networks[0]) for seed in (22, 23)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(LAVA.run, networks, stimuli))
    for network, stimulus, result in zip(networks, stimuli, results, strict=True):
        np.testing.assert_array_equal(result.spikes, reference(network, stimulus)["lif1"].spikes)


def test_progress_counts_samples_up_to_the_last() -> None:
    rng = RNG(11)
    network = chain(rng, steps=4)
    seen: list[tuple[int, int]] = []
    LAVA.run(
        network, static(rng, network, samples=200), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == sorted(seen) and len(set(seen)) == len(seen) > 2
    assert seen[-1] == (200, 200)
