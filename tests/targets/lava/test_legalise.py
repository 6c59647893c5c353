"""Networks and inputs that Lava would silently compute differently are refused, with numbers."""

from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import FitError, InputError, UnsupportedError
from neurodeploy.ir import LIF, Dense, Graph, Input, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Registers
from neurodeploy.targets.lava.legalise import legalise
from neurodeploy.targets.lava.schedule import Arrival, schedule

EDGES = [("x", "fc"), ("fc", "lif"), ("lif", "out")]


def single(
    high: int = 255,
    exponent: int = 0,
    weight: int = 1,
    inputs: int = 1,
    registers: Registers | None = None,
    **lif: Any,
) -> Network:
    fields: dict[str, Any] = {"threshold_q": 64, "reset": "subtract", "bias_q": np.zeros(1), **lif}
    ops = {
        "x": IntInput((inputs,), 1.0, 0, high),
        "fc": IntDense(np.full((1, inputs), weight), exponent),
        "lif": IntLIF((1,), 0, 0, **fields),
        "out": Output(),
    }
    return Network(Graph(ops, EDGES), 2, "loihi2", registers or Registers())


def check(network: Network, learns: tuple[str, ...] = ()) -> None:
    legalise(network, Stimulus(np.zeros((1, *network.input.shape), np.int64), 2, True), learns)


def test_the_largest_graded_sum_fits_and_one_more_does_not() -> None:
    # 127 * 8 454 660 = 1 073 741 820, doubled 2 147 483 640 <= 2^31 - 1 = 2 147 483 647
    check(single(high=8_454_660, weight=127))
    with pytest.raises(
        FitError, match=r"'fc': synaptic sums, doubled, can reach 2147483894;.*2147483647 \(247 over"
    ):
        check(single(high=8_454_661, weight=127))


def test_input_after_the_shift() -> None:
    check(single(high=1, weight=127, exponent=24))
    with pytest.raises(FitError, match="'fc': synaptic input after the shift can reach 4261412864"):
        check(single(high=1, weight=127, exponent=25))


def test_synapses_that_learn_may_reach_any_weight() -> None:
    network = single(high=1, weight=1, exponent=24)
    check(network)
    with pytest.raises(FitError, match="'fc': synaptic input after the shift can reach 2147483648"):
        check(network, learns=("fc",))


def test_input_outside_the_declared_range() -> None:
    with pytest.raises(InputError, match=r"values -1\.\.300, but the network was compiled for 0\.\.255"):
        legalise(single(), Stimulus(np.array([[-1], [300]]), 2, True))


@pytest.mark.parametrize(
    ("stimulus", "problem"),
    [
        (
            Stimulus(np.zeros((1, 2), np.int64), 2, True),
            r"integers of shape \(1,\) a step, not an array \(1, 2\)",
        ),
        (
            Stimulus(np.zeros((3, 1, 1), np.int64), 2, False),
            "the input has 3 time steps, but 2 are to be run",
        ),
        (Stimulus(np.zeros((0, 1), np.int64), 2, True), r"not an array \(0, 1\)"),
    ],
    ids=["shape", "steps", "no samples"],
)
def test_input_of_another_network(stimulus: Stimulus, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        legalise(single(), stimulus)


def test_kinds_without_a_process() -> None:
    ops: dict[str, Op] = {"x": Input((1,)), "out": Output()}
    ops |= {"fc": Dense([[1.0]], [0.0]), "lif": LIF((1,), 0.5, 1.0, "zero", "ge")}
    network = Network(Graph(ops, EDGES), 2, "loihi2")
    with pytest.raises(UnsupportedError, match="layer 'x': Lava has no process for 'input'"):
        legalise(network, Stimulus(np.zeros((1, 1), np.int64), 2, True))


def test_hops_count_groups_of_synapses() -> None:
    made = schedule(single().graph)
    assert (dict(made.hops), made.period, made.arrivals) == (
        {"x": 0, "lif": 1},
        1,
        (Arrival("x", "fc", "lif", 0, 0),),
    )


def test_shorter_paths_wait() -> None:
    def dense() -> IntDense:
        return IntDense([[1]], 0)

    def lif() -> IntLIF:
        return IntLIF((1,), 0, 0, np.zeros(1), 64, "subtract")

    ops = {
        "x": IntInput((1,), 1.0, 0, 1),
        "a": dense(),
        "b": lif(),
        "c": dense(),
        "skip": dense(),
        "d": lif(),
    }
    edges = [("x", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("x", "skip"), ("skip", "d"), ("d", "out")]
    made = schedule(Graph({**ops, "out": Output()}, edges))
    assert dict(made.hops) == {"x": 0, "b": 1, "d": 2}
    assert {arrival.synapses: arrival.wait for arrival in made.arrivals} == {"a": 0, "c": 0, "skip": 1}
