from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.backend import LearningBackend, get_backend
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Graph, IntDense
from neurodeploy.learning import default_rule, with_weights
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule, learning
from neurodeploy.targets.engine import run as engine_run
from tests.nets import chain, reference, stimulus


def engine() -> LearningBackend:
    backend = get_backend("engine")
    assert isinstance(backend, LearningBackend)
    return backend


def learn_plainly(
    network: Network, rule: ThreeFactorRule, given_: Stimulus, labels: list[int]
) -> tuple[list[list[int]], list[int], int]:
    """Weights, predictions and number of changes, from the equations of `semantics.learning`."""
    hidden = reference(network, given_)["lif1"].spikes
    op, dense = network.neurons["lif2"], network.graph.of(IntDense)["fc2"]
    dv, threshold = int(op.dv), int(op.threshold_q)
    weight = [[int(w) for w in row] for row in dense.weight_q]
    out, into = len(weight), len(weight[0])
    predictions, changed, k = [], 0, 0
    for n, label in enumerate(labels):
        v, trace, score = [0] * out, [0] * into, [0] * out
        gathered = [[0] * into for _ in range(out)]
        for t in range(network.steps):
            pre = hidden[t, n].tolist()
            a = [sum(w * s for w, s in zip(row, pre, strict=True)) * 2**dense.exponent for row in weight]
            p = [
                int(x * (4096 - dv) / 4096) + 64 * i + int(b) for x, i, b in zip(v, a, op.bias_q, strict=True)
            ]
            if op.reset == "none":
                v = score = p
                shifted = [x - (rule.margin if i == label else 0) for i, x in enumerate(p)]
                winner = shifted.index(max(shifted))
                error = [(i == winner) - (i == label) for i in range(out)]
            else:
                fired = [int(x >= threshold) for x in p]
                v = [x - threshold * s for x, s in zip(p, fired, strict=True)]
                score = [x + s for x, s in zip(score, fired, strict=True)]
                near = [abs(x - threshold) <= rule.window for x in p]
                error = [(s - (i == label)) * g for i, (s, g) in enumerate(zip(fired, near, strict=True))]
            trace = [
                min(x * (4096 - rule.trace_decay) // 4096 + rule.impulse * s, 2**rule.trace_bits - 1)
                for x, s in zip(trace, pre, strict=True)
            ]
            top = 2**23 - 1
            gathered = [
                [max(-top, min(top, g + e * x)) for g, x in zip(row, trace, strict=True)]
                for row, e in zip(gathered, error, strict=True)
            ]
            if rule.update == "step" or t == network.steps - 1:
                shift = min(rule.rate_shift + k // rule.halve_every, rule.rate_shift_end)
                noise = learning.draw(rule.seed, k, (out, into)).tolist()
                for i in range(out):
                    for j in range(into):
                        new = weight[i][j] + (noise[i][j] % 2**shift - gathered[i][j]) // 2**shift
                        new = max(-rule.weight_max, min(rule.weight_max, new))
                        changed += new != weight[i][j]
                        weight[i][j] = new
                gathered = [[0] * into for _ in range(out)]
                k += 1
        predictions.append(score.index(max(score)))
    return weight, predictions, changed


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["step", "sample"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 6),
)
def test_engine_equals_plain_python(seed: int, update: Any, readout: bool, static: bool, shift: int) -> None:
    draw = np.random.default_rng(seed)
    network = chain((6, 7, 4), readout=readout, seed=seed % 1000, steps=3)
    rule = replace(
        default_rule(network, update, seed=seed), rate_shift=shift, rate_shift_end=shift + 2, halve_every=4
    )
    given_ = stimulus(network, draw, 6, static)
    labels = draw.integers(0, 4, 6)
    done = engine().learn(network, rule, given_, labels)
    weight, predictions, changed = learn_plainly(network, rule, given_, labels.tolist())
    assert done.weight_q.tolist() == weight
    assert (done.prediction.tolist(), done.changed) == (predictions, changed)


def case(samples: int = 8) -> tuple[Network, ThreeFactorRule, Stimulus, np.ndarray]:
    network = chain((6, 7, 4))
    given_ = stimulus(network, np.random.default_rng(5), samples)
    return network, default_rule(network), given_, np.arange(samples) % 4


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = engine().learn(*case())
    monkeypatch.setattr(engine_run, "CHUNK_ELEMENTS", 3 * 7 * 4)
    parts = engine().learn(*case())
    np.testing.assert_array_equal(parts.weight_q, whole.weight_q)
    np.testing.assert_array_equal(parts.prediction, whole.prediction)


def test_snapshots_are_what_fewer_samples_give() -> None:
    network, rule, given_, labels = case()
    done = engine().learn(network, rule, given_, labels, snapshot_at=(3, 8))
    first = engine().learn(network, rule, given_.select(slice(3)), labels[:3])
    assert set(done.snapshots) == {3, 8}
    np.testing.assert_array_equal(done.snapshots[3], first.weight_q)
    np.testing.assert_array_equal(done.snapshots[8], done.weight_q)


def test_prediction_is_made_before_learning() -> None:
    network, rule, given_, labels = case()
    done = engine().learn(network, rule, given_, labels, snapshot_at=(3,))
    before = with_weights(network, done.snapshots[3])
    assert done.prediction[3] == get_backend("engine").run(before, given_.select(slice(3, 4))).prediction[0]


def test_weights_stay_within_the_limit() -> None:
    network, rule, given_, labels = case(40)
    small = replace(rule, weight_max=20, rate_shift=0, rate_shift_end=0)
    network = with_weights(network, np.clip(network.graph.of(IntDense)["fc2"].weight_q, -20, 20))
    done = engine().learn(network, small, given_, labels)
    assert np.abs(done.weight_q).max() == 20


def test_feedback_from_the_output_is_refused() -> None:
    network, rule, given_, labels = case()
    graph = chain((6, 7, 4), readout=False).graph
    ops = {n: graph.op(n) for n in graph.names} | {
        "late": Delay((4,), 1),
        "back": IntDense(np.ones((7, 4)), 0),
    }
    edges = [*graph.edges, ("lif2", "late"), ("late", "back"), ("back", "lif1")]
    with pytest.raises(
        UnsupportedError, match="layer 'lif1' depends on the output 'lif2', whose synapses learn"
    ):
        engine().learn(replace(network, graph=Graph(ops, edges)), rule, given_, labels)


def test_recurrent_hidden_layers_and_several_spikes() -> None:
    network, rule, given_, labels = case()
    graph = network.graph
    hidden = replace(network.neurons["lif1"], max_spikes=3, threshold_q=3000, refractory=1)
    ops = {n: graph.op(n) for n in graph.names}
    ops |= {"lif1": hidden, "late": Delay((7,), 1), "back": IntDense(np.eye(7) * 90, 0)}
    edges = [*graph.edges, ("lif1", "late"), ("late", "back"), ("back", "lif1")]
    network = replace(network, graph=Graph(ops, edges))
    assert reference(network, given_)["lif1"].spikes.max() > 1
    done = engine().learn(network, rule, given_, labels)
    weight, predictions, changed = learn_plainly(network, rule, given_, labels.tolist())
    assert done.weight_q.tolist() == weight
    assert (done.prediction.tolist(), done.changed) == (predictions, changed)
