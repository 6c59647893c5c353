from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.ir import Delay, Graph, IntConv, IntDense, IntLIF
from neurodeploy.semantics import ThreeFactorRule, learning
from neurodeploy.semantics.learning import Columns, Homeostasis, NeuronRule, SynapseRule
from neurodeploy.semantics.learning.reference import connections
from tests.nets import DECAYS, chain, rngs

SPIKING = IntLIF((3,), 4096, 0, [0, 0, 0], 100, "subtract")
READOUT = IntLIF((3,), 4096, 0, [0, 0, 0], 0, "none")
WINDOW = NeuronRule((50,), (1,))
SEED = np.zeros(1, np.uint64)


def synapses(**changes: Any) -> SynapseRule:
    return SynapseRule(
        **{"trace_decay": 2048, "impulse_exponent": 5, "rate_shift": 2, "rate_shift_end": 4, **changes}
    )


def rule(one: SynapseRule | None = None, **changes: Any) -> ThreeFactorRule:
    return ThreeFactorRule({"fc": one or synapses()}, {"lif": WINDOW}, **{"halve_every": 3, **changes})


def hashed(seed: int, count: int, place: int) -> int:
    """splitmix64 twice, in integers modulo 2^64."""

    def mix(z: int) -> int:
        z = (z + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    stream = mix((seed * 0x9E3779B97F4A7C15 + count) % 2**64)
    return mix((stream + place * 0x9E3779B97F4A7C15) % 2**64) >> 1


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**40), st.integers(0, 2**19), st.integers(0, 2))
def test_draw(seed: int, count: int, lane: int, purpose: int) -> None:
    found = learning.draw(learning.stream_key(seed, count), lane, np.arange(12), purpose)
    assert found.tolist() == [hashed(seed, count, i + (4 * lane + purpose) * 2**40) for i in range(12)]


@given(DECAYS, st.integers(-4, 6), st.lists(st.integers(-20, 20), min_size=1, max_size=30))
def test_trace(d: int, impulse: int, arriving: list[int]) -> None:
    chosen = rule(synapses(trace_decay=d, impulse_exponent=impulse))
    trace, expected, saturated, counted = np.zeros(1, np.int64), 0, 0, 0
    for y in arriving:
        trace, clipped = learning.pre_trace(chosen, "fc", trace, np.array([y]))
        kept = abs(expected) * (4096 - d) // 4096 * (1 if expected > 0 else -1)
        raw = kept + (y * 2**impulse if impulse >= 0 else y // 2**-impulse)
        expected, counted, saturated = (
            max(-127, min(127, raw)),
            counted + clipped,
            saturated + (abs(raw) > 127),
        )
        assert trace.tolist() == [expected]
    assert counted == saturated


@given(rngs(), st.lists(st.integers(0, 200), min_size=1, max_size=4, unique=True).map(sorted))
def test_post_factor(draw: np.random.Generator, edges: list[int]) -> None:
    one = NeuronRule(tuple(edges), tuple(range(len(edges), 0, -1)))
    potential = draw.integers(-200, 400, (2, 3))
    found = learning.post_factor(one, SPIKING, potential)
    expected = [
        [next((len(edges) - i for i, e in enumerate(edges) if abs(p - 100) <= e), 0) for p in row]
        for row in potential.tolist()
    ]
    assert found.tolist() == expected
    assert learning.post_factor(NeuronRule(), READOUT, potential).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_ends_of_the_window() -> None:
    assert learning.post_factor(WINDOW, SPIKING, np.array([50, 49, 150])).tolist() == [1, 0, 1]


def test_error_of_spiking_neurons() -> None:
    spikes, label = np.array([[0, 1, 0], [1, 1, 0]]), np.array([1, 2])
    error, clipped = learning.output_error(rule(), WINDOW, SPIKING, spikes, label)
    assert (error.tolist(), clipped) == ([[0, 0, 0], [1, 1, -1]], 0)
    counts = np.array([[9, 0, 200], [0, 0, 4]])
    error, clipped = learning.output_error(rule(rule="rate"), WINDOW, SPIKING, counts, label, weight=8)
    assert (error.tolist(), clipped) == ([[9, -8, 127], [0, 0, -4]], 1)


@given(rngs(), st.integers(0, 2), st.integers(0, 100), st.integers(1, 5))
def test_error_of_a_readout(draw: np.random.Generator, label: int, margin: int, weight: int) -> None:
    p = draw.integers(-60, 60, (1, 3))
    error, _ = learning.output_error(rule(margin=margin), NeuronRule(), READOUT, p, np.array([label]), weight)
    score = [int(x) - (weight * margin if i == label else 0) for i, x in enumerate(p[0])]
    winner = score.index(max(score))
    assert error.tolist() == [[(i == winner) - (i == label) for i in range(3)]]


def test_hidden_error_is_shifted_and_held() -> None:
    total = np.array([1000, -1000, 40_000, -3])
    error, clipped = learning.hidden_error(rule(), NeuronRule((5,), (1,), error_exponent=-3), total)
    assert (error.tolist(), clipped) == ([125, -125, 127, -1], 1)


def test_homeostasis_enters_the_error_after_the_first_sample() -> None:
    chosen, one = rule(homeostasis=Homeostasis(3, 4)), NeuronRule((5,), (1,), error_exponent=-1)
    back = np.array([10, -10, 0])
    first, _ = learning.hidden_error(chosen, one, back)
    later, clipped = learning.hidden_error(chosen, one, back, np.array([3, 0, 30]))
    assert (first.tolist(), later.tolist(), clipped) == ([5, -5, 0], [5, -29, 127], 1)


def test_largest_numbers_on_the_way_back() -> None:
    graph = chain((6, 5, 4), readout=False).graph
    one, group = NeuronRule((9, 20), (3, 5)), learning.error_paths(graph, ["fc1"]).back["lif1"][0]
    ottt = ThreeFactorRule({"fc1": synapses()}, {"lif1": one, "lif2": one})
    rate = ThreeFactorRule({"fc1": synapses()}, {"lif1": one, "lif2": one}, rule="rate")
    assert [learning.largest_modulated(graph, r, "lif2") for r in (ottt, rate)] == [127 * 5, 127 * 127]
    assert learning.largest_back(graph, ottt, group) == 128 * 4 * 127 * 5
    assert learning.back_exponent(graph, group, (group,)) == 0
    assert learning.largest_modulated(chain((6, 5, 4)).graph, ottt, "lif2") == 1


def test_an_error_needs_a_step_to_arrive_in() -> None:
    rule(error_delay=3).require_steps(4)
    with pytest.raises(UsageError, match=r"error_delay 3 with 3 time steps: .* It must be at most 2"):
        rule(error_delay=3).require_steps(3)


def test_mean_factor() -> None:
    one = NeuronRule((5,), (1,), eligibility_exponent=-4)
    assert learning.mean_factor(rule(), one, SPIKING, np.array([0, 15, 16, 4000])).tolist() == [0, 0, 1, 127]


def test_eligibility_restarts_where_the_potential_does() -> None:
    zero = IntLIF((2,), 4096, 2048, 0, 100, "zero")
    fired = np.array([True, False])
    assert learning.eligibility(zero, np.array([96, 96]), fired).tolist() == [64, 112]
    assert learning.eligibility(SPIKING, np.array([96, 96]), fired).tolist() == [160, 160]


def test_accumulator_saturates_at_24_bits() -> None:
    top = (1 << 23) - 1
    full = np.array([[top - 5, -top + 5]])
    held, clipped = learning.accumulate(rule(), full, np.array([[3, -3]]))
    assert (held.tolist(), clipped) == ([[top - 2, -top + 2]], 0)
    held, clipped = learning.accumulate(rule(), full, np.array([[9, -9]]))
    assert (held.tolist(), clipped) == ([[top, -top]], 2)


@given(rngs(), st.integers(0, 100), st.integers(0, 9), st.integers(0, 3), st.integers(1, 127), st.booleans())
def test_updated(
    draw: np.random.Generator, count: int, first: int, more: int, weight_max: int, decays: bool
) -> None:
    one = synapses(rate_shift=first, rate_shift_end=first + more, weight_max=weight_max)
    chosen, lane, seeds = rule(one, weight_decay=2 if decays else None), 5, [count + 7, 3]
    weight = draw.integers(-weight_max, weight_max + 1, (2, 2, 3))
    gathered = draw.integers(-(1 << 23), 1 << 23, (2, 2, 3)) >> draw.integers(0, 23) * draw.integers(0, 2)
    n = min(first + count // 3, first + more)
    assert chosen.shift_of("fc", count) == n
    done = learning.updated(chosen, "fc", lane, weight, gathered, count, np.array(seeds, np.uint64))
    expected, clipped = [], 0
    for seed, w_of, g_of in zip(
        seeds, weight.reshape(2, -1).tolist(), gathered.reshape(2, -1).tolist(), strict=True
    ):
        for i, (w, g) in enumerate(zip(w_of, g_of, strict=True)):
            after = w + (hashed(seed, count, i + 20 * 2**40) % 2**n - g) // 2**n
            if decays:
                after += (hashed(seed, count, i + 21 * 2**40) % 4 - w) // 4
            expected.append(max(-weight_max, min(weight_max, after)))
            clipped += abs(after) > weight_max
    assert done.weight.ravel().tolist() == expected
    assert (done.asked, done.clipped) == (np.count_nonzero(gathered), clipped)
    assert done.changed == np.count_nonzero(done.weight != weight)


@pytest.mark.parametrize("gathered", [-100, -37, -1, 0, 1, 5, 63, 64, 1000])
def test_rounding_has_no_bias(gathered: int) -> None:
    n, size = 6, 40_000
    chosen, before = rule(synapses(rate_shift=n, rate_shift_end=n)), np.zeros((1, size), np.int64)
    change = learning.updated(chosen, "fc", 0, before, np.full((1, size), gathered), 0, SEED).weight
    part = (-gathered / 2**n) % 1
    error = 5 * (part * (1 - part) / size) ** 0.5
    assert set(change.ravel().tolist()) <= {-gathered // 2**n, -(gathered // 2**n)}
    assert abs(change.mean() + gathered / 2**n) <= error


def test_weight_decay_has_no_bias() -> None:
    chosen, before = rule(weight_decay=5), np.full((1, 40_000), 50)
    after = learning.updated(chosen, "fc", 0, before, np.zeros_like(before), 0, SEED).weight
    part = 50 / 32 % 1
    assert abs(after.mean() - (50 - 50 / 32)) <= 5 * (part * (1 - part) / before.size) ** 0.5


def test_draws_of_updates_lanes_and_purposes_are_unrelated() -> None:
    place = np.arange(4000)
    keys = [(count, lane, purpose) for count in (0, 1) for lane in (0, 1) for purpose in (0, 1)]
    bits = np.stack(
        [
            learning.draw(learning.stream_key(3, count), lane, place, purpose) & 1
            for count, lane, purpose in keys
        ]
    )
    assert np.abs(np.corrcoef(bits) - np.eye(len(keys))).max() < 0.08


def test_random_feedback_spans_its_range() -> None:
    found = learning.feedback_noise([1, 2], 3, (50, 60))
    assert found.shape == (2, 50, 60)
    assert (found.min(), found.max()) == (-127, 127)
    assert abs(found.mean()) < 5 * 73.6 / found.size**0.5
    assert not np.array_equal(found[0], found[1])


GEOMETRIES = [
    (IntDense(np.zeros((3, 4)), 0), (4,), (3,)),
    (IntConv(np.zeros((4, 1, 3)), 0, (2,), (1, 2), (1,), 2), (2, 7), (4, 4)),
    (IntConv(np.zeros((2, 3, 2, 3)), 0, (1, 2), (1, 0, 0, 2), (2, 1)), (3, 4, 5), (2, 3, 3)),
]


@pytest.mark.parametrize(("op", "given_", "made"), GEOMETRIES, ids=["dense", "conv1d", "conv2d"])
def test_columns_are_the_connections(op: Any, given_: Any, made: Any) -> None:
    draw, columns = np.random.default_rng(0), Columns(op, given_, made)
    w, x, m = (draw.integers(-9, 10, shape) for shape in (op.weight_q.shape, given_, made))
    forward, back, product = (np.zeros(np.prod(s), np.int64) for s in (made, given_, op.weight_q.shape))
    for post, pre, k in connections(op, given_, made):
        forward[post] += w.flat[k] * x.flat[pre]
        back[pre] += w.flat[k] * m.flat[post]
        product[k] += m.flat[post] * x.flat[pre]
    assert (columns.matrix(w) @ columns.unfold(x)).ravel().tolist() == forward.tolist()
    assert learning.sent_back(columns, columns.matrix(w), m).ravel().tolist() == back.tolist()
    assert learning.gradient(columns, m, x).ravel().tolist() == product.tolist()


@pytest.mark.parametrize(("op", "given_", "made"), GEOMETRIES, ids=["dense", "conv1d", "conv2d"])
@pytest.mark.parametrize("ends", [(99, 9), (2**20, 2**10), (2**46 - 1, 2**31 - 1)], ids=str)
def test_accumulators_gather_exactly(op: Any, given_: Any, made: Any, ends: tuple[int, int]) -> None:
    draw, columns, top = np.random.default_rng(3), Columns(op, given_, made), 2**23 - 1
    m, x = (
        draw.choice([-end, -1, 0, 1, end], (1, 4, *shape))
        for end, shape in zip(ends, (made, given_), strict=True)
    )
    expected, overflows = [0] * op.weight_q.size, 0
    for t in range(4):
        raw = list(expected)
        for post, pre, k in connections(op, given_, made):
            raw[k] += int(m[0, t].flat[post]) * int(x[0, t].flat[pre])
        expected = [max(-top, min(top, g)) for g in raw]
        overflows += sum(abs(g) > top for g in raw)
    found, counted = learning.gathered(rule(), columns, m, x)
    assert (found.ravel().tolist(), counted) == (expected, overflows)
    assert found.dtype == np.int64 and any(expected) and (overflows > 0) == (ends[0] > 99)


def test_paths() -> None:
    graph = chain((6, 5, 4, 3), readout=False).graph
    paths = learning.error_paths(graph, ["fc2"])
    assert (paths.output, paths.neurons) == ("lif3", ("lif3", "lif2"))
    assert [g.synapses for g in paths.back["lif2"]] == ["fc3"]
    assert dict(paths.lanes) == {"fc3": 0, "fc2": 1, "fc1": 2}
    assert (paths.learning[0].arriving, paths.learning[0].source, paths.learning[0].target) == (
        "lif1",
        "lif1",
        "lif2",
    )


def changed(edges: list[tuple[str, str]], **ops: Any) -> Graph:
    """The chain 6-5-4 of spiking neurons with some operations and edges more, less the edge fc1 -> lif1."""
    graph = chain((6, 5, 4), readout=False).graph
    kept = [edge for edge in graph.edges if edge not in (("fc1", "lif1"), ("lif1", "fc2"))]
    return Graph({n: graph.op(n) for n in graph.names} | ops, [*kept, *edges])


@pytest.mark.parametrize(
    ("graph", "name", "message"),
    [
        (
            changed([("fc1", "late"), ("late", "lif1"), ("lif1", "fc2")], late=Delay((5,), 1, "current")),
            "fc1",
            "layer 'fc1' cannot learn: its current is delayed",
        ),
        (
            changed([("fc1", "lif1"), ("lif1", "late"), ("late", "fc2")], late=Delay((5,), 1)),
            "fc1",
            "no error reaches its neurons 'lif1' from the output 'lif2', except through a delay",
        ),
    ],
    ids=["delayed current", "delayed spikes"],
)
def test_groups_that_cannot_learn(graph: Graph, name: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        learning.error_paths(graph, [name])


def test_cut_ways_are_named() -> None:
    back = IntDense(np.ones((5, 5)), 0)
    edges = [("fc1", "lif1"), ("lif1", "fc2"), ("lif1", "late"), ("late", "back"), ("back", "lif1")]
    graph = changed(edges, late=Delay((5,), 1), back=back)
    assert learning.error_paths(graph, ["back", "fc1"]).cut == ("back",)


def test_unknown_layer() -> None:
    with pytest.raises(UsageError, match="layer 'fc9' has no synapses; these have: fc1, fc2"):
        learning.error_paths(chain((6, 5, 4)).graph, ["fc9"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: synapses(trace_decay=4097), "trace_decay must be in 0..4096, not 4097"),
        (lambda: synapses(impulse_exponent=25), "impulse_exponent must be in -32..24, not 25"),
        (lambda: synapses(rate_shift=41), "rate_shift must be in 0..40, not 41"),
        (lambda: synapses(rate_shift_end=1), "rate_shift_end must be in 2..40, not 1"),
        (lambda: synapses(weight_max=128), "weight_max must be in 1..127, not 128"),
        (lambda: NeuronRule((3, 3), (1, 1)), "edges must rise, not [3, 3]"),
        (lambda: NeuronRule((3,), ()), "there are 1 edges and 0 levels; must be as many"),
        (lambda: NeuronRule((-1,), (1,)), "edges must be in 0..2147483648, not -1"),
        (lambda: Homeostasis(-1, 0), "homeostasis target must be in 0..1048576, not -1"),
        (lambda: rule(trace_bits=32), "trace_bits must be in 1..31, not 32"),
        (lambda: rule(margin=1 << 25), "margin must be in 0..16777216, not 33554432"),
        (lambda: rule(halve_every=0), "halve_every must be in 1..1099511627776, not 0"),
        (lambda: rule(seed=-1), "seed must be in 0..9223372036854775807, not -1"),
        (lambda: rule(weight_decay=0), "weight_decay must be in 1..40, not 0"),
        (lambda: rule(update="epoch"), "update must be one of step, sample, not 'epoch'"),
        (lambda: rule(feedback="none"), "feedback must be one of symmetric, sign, random, not 'none'"),
        (lambda: rule(rule="rate", update="step"), "rate learns once a sample from its means"),
        (lambda: ThreeFactorRule({}, {}), "no synapses learn; name at least one group"),
        (
            lambda: ThreeFactorRule({"fc": synapses()}, {"lif": NeuronRule((1,), (2,))}, post_bits=1),
            "levels must be in 0..1, not 2",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value).startswith("learning rule: ") and message in str(caught.value)


def test_plain_values() -> None:
    made = rule(homeostasis=Homeostasis(3, 2), weight_decay=9)
    assert ThreeFactorRule.from_dict(made.to_dict()) == made
