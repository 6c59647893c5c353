"""In wide integers the rule accumulates the float gradient of OTTT, in every layer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, IntSynapses, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers, ThreeFactorRule, learning
from neurodeploy.semantics.learning import NeuronRule, SynapseRule
from neurodeploy.targets.engine.target import ENGINE

torch = pytest.importorskip("torch")

STEPS = 6
"""Potentials have 64 units: six halvings lose nothing, so integers and floats fire alike."""
THRESHOLDS = (200, 150, 120)
WIDE = Registers(Register(32, "saturate"), Register(32, "saturate"))


def dense(draw: np.random.Generator) -> list[IntSynapses]:
    sizes = pairwise((12, 16, 10, 4))
    return [IntDense(draw.integers(-60, 90, (n, into)), 0) for into, n in sizes]


def convolutional(draw: np.random.Generator) -> list[IntSynapses]:
    first = IntConv(draw.integers(-60, 90, (3, 1, 3, 3)), 0, (1, 1), (1, 1, 1, 1), (1, 1))
    second = IntConv(draw.integers(-60, 90, (4, 3, 2, 2)), 0, (2, 2), (0, 0, 0, 0), (1, 1))
    return [first, second, IntDense(draw.integers(-60, 90, (4, 16)), 0)]


CASES: list[tuple[Any, tuple[int, ...]]] = [(dense, (12,)), (convolutional, (1, 4, 4))]


def integer_network(groups: list[IntSynapses], shape: tuple[int, ...]) -> Network:
    ops: dict[str, Op] = {"in": IntInput(shape, 1.0, 0, 4)}
    names = ["in"]
    for i, (group, threshold) in enumerate(zip(groups, THRESHOLDS, strict=True)):
        if isinstance(group, IntDense) and len(shape) > 1:
            ops["flat"] = Flatten()
            names.append("flat")
        ops[f"syn{i}"] = group
        before = dict(ops)
        shape = Graph(before, list(pairwise([*names, f"syn{i}"]))).types[f"syn{i}"].shape
        ops[f"lif{i}"] = IntLIF(shape, 4096, 2048, 0, 64 * threshold, "subtract")
        names += [f"syn{i}", f"lif{i}"]
    return Network(Graph({**ops, "out": Output()}, list(pairwise([*names, "out"]))), STEPS, "any", WIDE)


def float_module(groups: list[IntSynapses]) -> Any:
    """The same network in PyTorch: weights are divided by the threshold, which is 1."""
    from neurodeploy.training import LIF

    layers: list[Any] = []
    for group, threshold in zip(groups, THRESHOLDS, strict=True):
        if isinstance(group, IntConv):
            out, into = group.weight_q.shape[:2]
            layer: Any = torch.nn.Conv2d(
                into, out, group.weight_q.shape[2:], group.stride, group.padding[0], bias=False
            )
        else:
            if any(isinstance(one, torch.nn.Conv2d) for one in layers):
                layers.append(torch.nn.Flatten())
            layer = torch.nn.Linear(group.weight_q.shape[1], len(group.weight_q), bias=False)
        layer.weight.data = torch.tensor(group.weight_q / threshold, dtype=torch.float64)
        layers += [layer, LIF(0.5)]
    return torch.nn.Sequential(*layers)


def float_gradients(groups: list[IntSynapses], x: Any, label: int, **options: Any) -> list[npt.NDArray[Any]]:
    from neurodeploy.training import gradients

    module = float_module(groups)
    found = gradients(
        module,
        torch.tensor(x[:, np.newaxis], dtype=torch.float64),
        torch.tensor([label]),
        "ottt-a",
        STEPS,
        time_axis=True,
        eta=1.0,
        **options,
    )
    return [found.gradients[name].numpy() for name, _ in module.named_parameters()]


def accumulated(
    monkeypatch: pytest.MonkeyPatch, network: Network, rule: ThreeFactorRule, x: Any, label: int
) -> dict[str, npt.NDArray[np.int64]]:
    """The accumulators of all groups at the update after one sample."""
    seen: dict[str, npt.NDArray[np.int64]] = {}
    updated = learning.updated

    def spy(rule: Any, name: str, lane: int, weight: Any, gathered: Any, *rest: Any) -> Any:
        seen[name] = gathered[0]
        return updated(rule, name, lane, weight, gathered, *rest)

    monkeypatch.setattr(learning, "updated", spy)
    done = ENGINE.learn(network, rule, Stimulus(x[:, np.newaxis], STEPS, False), np.array([label]))
    assert done.statistics is not None
    for one in done.statistics.values():
        assert (one.traces_saturated, one.errors_saturated, one.accumulators_saturated) == (0, 0, 0)
    return seen


def wide_rule(factors: list[NeuronRule], error_delay: int = 0) -> ThreeFactorRule:
    return ThreeFactorRule(
        {f"syn{i}": SynapseRule(2048, 6 if i else 3, 40, 40) for i in range(3)},
        {f"lif{i}": factor for i, factor in enumerate(factors)},
        error_delay=error_delay,
        trace_bits=31,
        error_bits=32,
        accumulator_bits=32,
    )


def cosine(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    a, b = one.ravel().astype(float), other.ravel().astype(float)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize(("make", "shape"), CASES, ids=["dense", "conv"])
@pytest.mark.parametrize("error_delay", [0, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_rectangular(
    monkeypatch: pytest.MonkeyPatch, make: Any, shape: Any, error_delay: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    groups, x = make(draw), draw.integers(0, 5, (STEPS, *shape))
    rule = wide_rule([NeuronRule((64 * th,), (1,)) for th in THRESHOLDS], error_delay)
    found = accumulated(monkeypatch, integer_network(groups, shape), rule, x, 1)
    expected = float_gradients(groups, x, 1, surrogate="rectangular", error_delay=error_delay)
    for i, gradient in enumerate(expected):
        assert np.abs(gradient).max() > 0
        assert cosine(found[f"syn{i}"], gradient) >= 0.999, f"layer {i}"


def sigmoid_table(threshold: int, bands: int = 64, reach: float = 2.0) -> NeuronRule:
    """The derivative of a sigmoid of steepness 4, within `reach` thresholds, in `bands` levels of 7 bits."""
    inner = (np.arange(bands) + 0.5) * reach / bands
    p = 1 / (1 + np.exp(-4 * inner))
    edges = [round((k + 1) * reach / bands * 64 * threshold) for k in range(bands)]
    return NeuronRule(tuple(edges), tuple(int(v) for v in np.rint(127 * 4 * p * (1 - p))))


@pytest.mark.parametrize("seed", [0, 1])
def test_sigmoid_as_a_table(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draw = np.random.default_rng(seed)
    groups, x = dense(draw)[1:], draw.integers(0, 5, (STEPS, 16))
    factors = [sigmoid_table(th) for th in THRESHOLDS[:2]]
    monkeypatch.setattr("tests.learning.test_gradient.THRESHOLDS", THRESHOLDS[:2])
    rule = ThreeFactorRule(
        {f"syn{i}": SynapseRule(2048, 3, 40, 40) for i in range(2)},
        {f"lif{i}": factor for i, factor in enumerate(factors)},
        trace_bits=31,
        error_bits=32,
        accumulator_bits=32,
    )
    found = accumulated(monkeypatch, integer_network(groups, (16,)), rule, x, 1)
    for i, gradient in enumerate(float_gradients(groups, x, 1, surrogate="sigmoid")):
        assert cosine(found[f"syn{i}"], gradient) >= 0.999, f"layer {i}"
