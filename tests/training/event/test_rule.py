"""The rule as a whole: against the loops over events, batch against rows, updates, learning."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurodeploy.training.event import (
    PRESETS,
    Conv2d,
    EventLearner,
    EventOptions,
    Residual,
    SpikeResponse,
    effective_weight,
)
from neurodeploy.training.optimizers import Adam
from neurodeploy.training.rule import Batch
from tests.training.event import reference
from tests.training.event.networks import build

T = 7


def make(notation: str, preset: str, n: int = 4, **options: object) -> tuple[EventLearner, Batch]:
    network = build(notation, seed=2).double()
    draw = torch.Generator().manual_seed(1)
    x = torch.rand(n, *network.spec.input_shape, generator=draw, dtype=torch.float64)
    labels = torch.arange(n) % network.spec.sizes[-1]
    learner = EventLearner(network, replace(PRESETS[preset], **options))  # type: ignore[arg-type]
    batch = Batch(x, labels, T)
    learner.prepare(batch)
    return learner, batch


def test_network_equals_loops_over_events() -> None:
    learner, batch = make("12-15-11-4,standardize=no", "paper", average_spikes=1.5)
    found = learner.gradients(batch)
    w = [learner.parameters[f"fc{i}.weight"].detach().numpy() for i in (1, 2, 3)]
    h, classes = reference.exponential(2.5), 4
    expected = [np.zeros_like(v) for v in w]
    for n, x in enumerate(batch.x.numpy()):
        inputs = [np.tile(x, (T, 1))]
        for v in w:
            current = inputs[-1] @ v.T
            inputs.append(np.stack([reference.forward(c, 5, 3, 1)[0] for c in current.T], 1))
        np.testing.assert_array_equal(found.outputs[:, n], inputs[-1])
        wanted = np.where(np.arange(classes) == int(batch.labels[n]), T, 1)
        d = (inputs[-1].sum(0) - wanted) / T
        g = -2 * d / (T * len(batch.x) * classes) * inputs[-1]
        for i in (2, 1, 0):
            by_w, g = reference.backward(inputs[i], w[i], g, h, 5, 3, 1)
            expected[i] += by_w
    for i in range(3):
        assert np.abs(expected[i]).max() > 1e-4
        np.testing.assert_allclose(found.gradients[f"fc{i + 1}.weight"], expected[i], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("preset", ["paper", "official"])
@pytest.mark.parametrize(
    "notation",
    ["12-15-4,standardize=no", "1x8x8-4C3(p1)-P2-3C3-9-4,standardize=yes", "8x8-4C3-P2-4,pool=max"],
)
def test_a_batch_is_its_rows(notation: str, preset: str) -> None:
    learner, batch = make(notation, preset, gradient_norm=0.0)
    together = learner.gradients(batch)
    rows = [
        learner.gradients(Batch(batch.x[n : n + 1], batch.labels[n : n + 1], T)) for n in range(len(batch.x))
    ]
    share = 1 / len(rows) if preset == "paper" else 1
    assert together.loss == pytest.approx(share * sum(row.loss for row in rows), rel=1e-12)
    for n, row in enumerate(rows):
        assert torch.equal(row.outputs[:, 0], together.outputs[:, n])
    for name, gradient in together.gradients.items():
        summed = share * torch.stack([row.gradients[name] for row in rows]).sum(0)
        torch.testing.assert_close(gradient, summed, rtol=1e-9, atol=1e-10)


def test_time_axis_is_the_same_as_static_where_nothing_changes() -> None:
    learner, batch = make("1x8x8-4C3-P2-4", "official")
    moving = Batch(batch.x.expand(T, *batch.x.shape), batch.labels, T, time_axis=True)
    one, other = learner.gradients(batch), learner.gradients(moving)
    assert torch.equal(one.outputs, other.outputs)
    assert torch.equal(learner.votes(batch), learner.votes(moving))
    for name in one.gradients:
        torch.testing.assert_close(one.gradients[name], other.gradients[name], rtol=1e-10, atol=1e-12)


def test_long_gradients_are_shortened_together() -> None:
    learner, batch = make("12-15-4", "official", gradient_norm=0.0)
    free = learner.gradients(batch).gradients
    length = torch.cat([g.flatten() for g in free.values()]).norm()
    short = with_options(learner, gradient_norm=float(length) / 3).gradients(batch).gradients
    long = with_options(learner, gradient_norm=float(length) * 3).gradients(batch).gradients
    for name, gradient in free.items():
        torch.testing.assert_close(short[name], gradient / 3)
        assert torch.equal(long[name], gradient)


def with_options(learner: EventLearner, **options: float) -> EventLearner:
    """The same network under other options."""
    other = copy.copy(learner)
    other.options = replace(learner.options, **options)  # type: ignore[arg-type]
    return other


def test_supervision_changes_gradients_and_loss_but_not_what_is_shown() -> None:
    with_it, batch = make("12-15-4", "official", average_spikes=0.3, gradient_norm=0.0)
    without, _ = make("12-15-4", "official", average_spikes=0.3, gradient_norm=0.0, supervise=False)
    a, b = with_it.gradients(batch), without.gradients(batch)
    assert torch.equal(a.outputs, b.outputs)
    assert a.loss < b.loss
    assert not torch.equal(a.gradients["fc1.weight"], b.gradients["fc1.weight"])


def test_learn_updates_once_and_gradients_never() -> None:
    learner, batch = make("12-15-4", "official")
    before = {name: p.clone() for name, p in learner.parameters.items()}
    found = learner.gradients(batch)
    updates: list[dict[str, torch.Tensor]] = []
    outcome = learner.learn(batch, updates.append)
    assert len(updates) == 1
    assert all(torch.equal(updates[0][name], found.gradients[name]) for name in before)
    assert all(torch.equal(p, before[name]) for name, p in learner.parameters.items())
    assert outcome.loss == pytest.approx(found.loss / len(batch.labels))
    assert outcome.correct == int((learner.votes(batch).argmax(1) == batch.labels).sum())
    assert set(outcome.firing_rates) == {"neurons1", "neurons2"}


def test_residual_networks_train() -> None:
    def conv() -> list[torch.nn.Module]:
        return [torch.nn.Conv2d(3, 3, 3, padding=1, bias=False), SpikeResponse()]

    head = [torch.nn.Flatten(), torch.nn.Linear(3 * 36, 4, bias=False), SpikeResponse()]
    network = torch.nn.Sequential(*conv(), Residual(torch.nn.Sequential(*conv())), *head)
    draw = torch.Generator().manual_seed(0)
    for p in network.parameters():
        p.data.normal_(0.02, 0.2, generator=draw)
    batch = Batch(torch.rand(4, 3, 6, 6, generator=draw), torch.arange(4), T)
    learner = EventLearner(network, PRESETS["official"])
    learner.prepare(batch)
    found = learner.gradients(batch)
    assert all(g.abs().sum() > 0 for g in found.gradients.values())
    assert set(found.spikes) == {"1", "2.body.1", "5"}
    for layer in network.modules():
        if isinstance(layer, SpikeResponse):
            layer.reset()
    assert torch.equal(found.outputs, torch.stack([network(batch.x) for _ in range(T)]))


def learn_prototypes(notation: str, preset: str) -> tuple[float, float, int]:
    """Loss at first and at last, and correct of 60, learning three noisy patterns in 60 updates."""
    draw = torch.Generator().manual_seed(5)
    network = build(notation, seed=1)
    labels = torch.arange(60) % 3
    x = torch.rand(3, 20, generator=draw)[labels] + 0.1 * torch.rand(60, 20, generator=draw)
    batch = Batch(x.view(60, *network.spec.input_shape), labels, 5)
    learner = EventLearner(network, PRESETS[preset])
    learner.prepare(batch)
    parameters = {name: p.data for name, p in network.named_parameters()}
    optimizer = Adam(parameters, weight_decay=0.0)
    losses = [learner.learn(batch, lambda g: optimizer.update(parameters, g, 0.005)).loss for _ in range(60)]
    return losses[0], losses[-1], int(learner.votes(batch).argmax(1).eq(labels).sum())


@pytest.mark.parametrize("preset", ["official", "recommended"])
@pytest.mark.parametrize("notation", ["20-64-3", "1x4x5-8C3(p1)-P2-32-3", "4x5-8C3(p1)-P2-32-3,pool=max"])
def test_learns_to_tell_patterns_apart(notation: str, preset: str) -> None:
    first, last, correct = learn_prototypes(notation, preset)
    assert last < 0.2 * first
    assert correct >= 58


def test_equations_alone_lower_the_loss() -> None:
    first, last, _ = learn_prototypes("20-64-3", "paper")
    assert last < 0.8 * first


def test_gradient_through_standardization_is_the_derivative() -> None:
    learner, batch = make("12-15-4,standardize=yes", "paper")
    plain = build("12-15-4,standardize=no").double()
    standardized = dict(learner_modules(learner))
    for name, layer in standardized.items():
        plain.get_submodule(name).weight.data.copy_(effective_weight(layer))  # type: ignore[union-attr,operator]
    by_effective = EventLearner(plain, PRESETS["paper"]).gradients(batch).gradients
    found = learner.gradients(batch).gradients
    for name, layer in standardized.items():
        leaves = (layer.weight, layer.norm_weight, layer.norm_bias)
        expected = torch.autograd.grad(effective_weight(layer), leaves, by_effective[f"{name}.weight"])
        for part, gradient in zip(("weight", "norm_weight", "norm_bias"), expected, strict=True):
            torch.testing.assert_close(found[f"{name}.{part}"], gradient, rtol=1e-9, atol=1e-12)


def learner_modules(learner: EventLearner):
    return [(stage.name, stage.module) for stage in learner.stages if hasattr(stage, "synapses")]


def test_memory_for_backward_grows_no_faster_than_time() -> None:
    kept = []
    for steps in (8, 32):
        learner, batch = make("12-64-4", "paper")
        total = 0

        def pack(x: torch.Tensor) -> torch.Tensor:
            nonlocal total
            total += x.numel() * x.element_size()
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            learner.gradients(Batch(batch.x, batch.labels, steps))
        kept.append(total)
    assert kept[1] < 4.2 * kept[0]


def test_options_are_plain_values() -> None:
    assert Conv2d() == Conv2d((1, 1), (0, 0))
    assert hash(EventOptions()) == hash(PRESETS["paper"])
