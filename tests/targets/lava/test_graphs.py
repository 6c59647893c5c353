"""Convolutions, branches, delays and recurrence on Lava, sample by sample and in batches; `soak.py` draws more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.lava.matrices import sparse_weights
from neurodeploy.targets.lava.schedule import schedule
from neurodeploy.targets.lava.target import BATCH, BATCHED, LAVA
from tests.nets import assert_equal, reference, stepped
from tests.targets.lava.networks import NEEDS_LAVA

Build = Callable[[np.random.Generator], Network]


def conv(
    rng: np.random.Generator, out: int, inputs: int, kernel: tuple[int, ...], exponent: int = 0
) -> IntConv:
    """A convolution that keeps the shape, where the kernel is odd."""
    half = tuple(k // 2 for k in kernel)
    ones = (1,) * len(kernel)
    return IntConv(rng.integers(-60, 90, (out, inputs, *kernel)), exponent, ones, (*half, *half), ones)


def residual(rng: np.random.Generator) -> Network:
    """Two convolutions beside a shortcut with its own exponent, then a strided one and dense neurons that differ."""
    ops: dict[str, Op] = {
        "x": IntInput((2, 5, 4), 16.0, -3, 16),
        "c1": conv(rng, 3, 2, (3, 3), -2),
        "n1": IntLIF((3, 5, 4), 4096, 1024, rng.integers(-300, 900, (3, 1, 1)), 6000, "subtract"),
        "c2": conv(rng, 3, 3, (3, 1)),
        "n2": IntLIF((3, 5, 4), 2000, 0, 100, 5000, "zero", "gt", clear_current=True),
        "c3": conv(rng, 3, 3, (1, 3)),
        "short": conv(rng, 3, 3, (1, 1), 1),
        "n3": IntLIF((3, 5, 4), 4096, 4096, 0, 7000, "subtract", max_spikes=3, initial_q=3000),
        "c4": IntConv(rng.integers(-99, 99, (4, 1, 2, 2)), 0, (2, 1), (1, 0, 0, 1), (1, 2), 1),
    }
    ops["c4"] = IntConv(rng.integers(-99, 99, (6, 1, 2, 2)), 0, (2, 1), (1, 0, 0, 1), (1, 2), 3)
    ops |= {
        "n4": IntLIF((6, 3, 3), 4096, 500, 0, 4000, "subtract", refractory=2, v_min_q=-900),
        "flat": Flatten(),
        "fc": IntDense(rng.integers(-80, 90, (5, 54)), 0),
        "n5": IntLIF((5,), 4096, rng.integers(0, 4097, 5), 0, rng.integers(2000, 9000, 5), "subtract"),
        "out": Output(),
    }
    edges = [
        *(("x", "c1"), ("c1", "n1"), ("n1", "c2"), ("c2", "n2"), ("n2", "c3"), ("c3", "n3"), ("n1", "short")),
        *(
            ("short", "n3"),
            ("n3", "c4"),
            ("c4", "n4"),
            ("n4", "flat"),
            ("flat", "fc"),
            ("fc", "n5"),
            ("n5", "out"),
        ),
    ]
    return Network(Graph(ops, edges), 6, "any")


def recurrent(rng: np.random.Generator) -> Network:
    """Two layers; the second feeds back to the first, a delayed input goes past both; a pacemaker drives the last."""

    def neurons(size: int) -> IntLIF:
        return IntLIF((size,), 2500, 1000, rng.integers(-200, 800, size), 4500, "zero", "gt")

    def dense(out: int, inputs: int) -> IntDense:
        return IntDense(rng.integers(-70, 90, (out, inputs)), 0)

    ops: dict[str, Op] = {
        "x": IntInput((6,), 1.0, 0, 1),
        "late": Delay((6,), 2, "value"),
        "back": Delay((4,), 1),
        "own": Delay((5,), 3),
        "f1": dense(5, 6),
        "r1": dense(5, 4),
        "s1": dense(5, 5),
        "n1": neurons(5),
        "f2": dense(4, 5),
        "n2": neurons(4),
        "f3": dense(3, 4),
        "skip": dense(3, 6),
        "pace": IntLIF((1,), 4096, 4096, 64, 64, "zero"),
        "fp": dense(3, 1),
        "n3": IntLIF((3,), 3000, 700, 0, 0, "none"),
        "out": Output(),
    }
    edges = [
        *(("x", "f1"), ("f1", "n1"), ("n1", "own"), ("own", "s1"), ("s1", "n1"), ("n1", "f2"), ("f2", "n2")),
        *(("n2", "back"), ("back", "r1"), ("r1", "n1"), ("n2", "f3"), ("f3", "n3"), ("x", "late")),
        *(("late", "skip"), ("skip", "n3"), ("pace", "fp"), ("fp", "n3"), ("n3", "out")),
    ]
    return Network(Graph(ops, edges), 7, "any")


def late(rng: np.random.Generator) -> Network:
    """Currents that wait and are flattened, synapses that reach neurons twice, and an output that comes late."""
    ops: dict[str, Op] = {
        "x": IntInput((2, 3), 1.0, 0, 3),
        "conv": IntConv(rng.integers(-60, 90, (2, 2, 2)), 0, (1,), (1, 0), (1,)),
        "held": Delay((2, 3), 2, "current"),
        "flat": Flatten(),
        "direct": Flatten(),
        "n1": IntLIF((6,), 3000, 500, rng.integers(500, 900, 6), 3500, "subtract"),
        "fc": IntDense(rng.integers(-60, 90, (4, 6)), 0),
        "n2": IntLIF((4,), 4096, 0, 900, 3000, "zero"),
        "shown": Delay((4,), 3),
        "out": Output(),
    }
    edges = [
        *(("x", "conv"), ("conv", "held"), ("held", "flat"), ("flat", "n1"), ("conv", "direct")),
        *(("direct", "n1"), ("n1", "fc"), ("fc", "n2"), ("n2", "shown"), ("shown", "out")),
    ]
    return Network(Graph(ops, edges), 7, "any", Registers(Register(24, "wrap"), Register(13, "saturate")))


def stimulus(network: Network, rng: np.random.Generator, samples: int, static: bool) -> Stimulus:
    lead = (samples,) if static else (network.steps, samples)
    op = network.input
    return Stimulus(rng.integers(op.low, op.high + 1, (*lead, *op.shape)), network.steps, static)


@pytest.mark.parametrize("build", [residual, recurrent, late])
@pytest.mark.parametrize(("batched", "samples"), [(False, 3), (True, BATCH + 3)])
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_every_value_is_the_references(build: Build, batched: bool, samples: int) -> None:
    rng = np.random.default_rng(samples)
    network = build(rng)
    given = stimulus(network, rng, samples, static=batched)
    expected = reference(network, given)
    fired = {
        name: trace.spikes.mean()
        for name, trace in expected.items()
        if name not in ("pace", network.graph.output)
    }
    assert all(rate > 0.01 for rate in fired.values()), fired
    found = (BATCHED if batched else LAVA).run(network, given, trace=True)
    assert_equal(found, network, expected)
    counts = {
        n: sum(s.done.overflows for s in steps) for n, steps in stepped(network, given, expected).items()
    }
    assert found.overflows == counts and (build is not late or counts["n1"] > 0)


def test_feedback_from_a_later_layer_needs_a_longer_period() -> None:
    made = schedule(recurrent(np.random.default_rng(0)).graph)
    assert (dict(made.hops), made.period) == ({"x": 0, "n1": 1, "n2": 2, "pace": 0, "n3": 3}, 2)
    waits = {arrival.synapses: arrival.wait for arrival in made.arrivals}
    assert waits == {"f1": 0, "r1": 0, "s1": 5, "f2": 0, "f3": 0, "skip": 6, "fp": 2}


def test_a_layer_that_feeds_itself_needs_no_longer_period() -> None:
    ops: dict[str, Op] = {
        "x": IntInput((2,), 1.0, 0, 1),
        "f": IntDense(np.eye(2), 0),
        "r": IntDense(np.eye(2), 0),
    }
    ops |= {"n": IntLIF((2,), 0, 0, 0, 64, "zero"), "back": Delay((2,), 1), "out": Output()}
    edges = [("x", "f"), ("f", "n"), ("n", "back"), ("back", "r"), ("r", "n"), ("n", "out")]
    made = schedule(Graph(ops, edges))
    assert (made.period, [arrival.wait for arrival in made.arrivals]) == (1, [0, 0])


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 9)])
def test_sparse_weights_are_the_convolution(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    axes = len(shape) - 1
    op = IntConv(
        rng.integers(-5, 6, (6, 2, *(3, 2)[:axes])),
        0,
        (2, 1)[:axes],
        (1, 0, 2, 1)[: 2 * axes],
        (1, 2)[:axes],
        2,
    )
    from neurodeploy.ir.convolution import convolve

    x = rng.integers(-9, 10, (3, *shape))
    expected = convolve(x, op.weight_q.astype(np.int64), op.windows, op.groups).reshape(3, -1)
    matrix = sparse_weights(op, shape)
    np.testing.assert_array_equal(x.reshape(3, -1) @ matrix.T.toarray(), expected)
    assert matrix.nnz == np.count_nonzero(matrix.toarray())
