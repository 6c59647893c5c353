"""Dropped neurons: one mask for all steps while a rule learns, nothing anywhere else."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

import neurodeploy as nd
from neurodeploy.data import load
from neurodeploy.errors import UsageError
from neurodeploy.models import build
from neurodeploy.training import LIF, gradients, make_config
from neurodeploy.training.batches import Batches
from neurodeploy.training.description import describe
from neurodeploy.training.masks import Masks
from neurodeploy.training.modules import NeuronDropout, Scale
from neurodeploy.training.parallel import ALONE, Peers
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import RULES
from tests.training import autograd_rules as reference
from tests.training.networks import N, T, batch, ready, relative

MASKS = Masks((7,), N, slice(N))


def dropped(probability: float = 0.3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        LIF(),
        NeuronDropout(probability),
        Scale(1.5),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2),
        LIF(),
        NeuronDropout(probability),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def masking(name: str, layer: nn.Module, h: torch.Tensor) -> torch.Tensor:
    """The layer in the reference: as the rule draws it, for the node one behind the layer's place."""
    mask = MASKS.draw(int(name) + 1, layer.probability, h[:N])  # type: ignore[arg-type]
    return h * mask.repeat(len(h) // N, *[1] * (h.ndim - 1))


@pytest.mark.parametrize("rule", ["ottt-a", "bptt", "rate-m", "rate-s"])
def test_learning_equals_autograd_with_the_mask(rule: str) -> None:
    module, (x, y) = ready(dropped()), batch()
    frames = x.expand(T, *x.shape)
    with reference.replaced(module, (NeuronDropout,), masking):
        if rule == "ottt-a":
            _, _, expected = reference.ottt(module, frames, y, 0.5)
        elif rule == "bptt":
            _, _, expected = reference.bptt(module, frames, y)
        else:
            _, _, expected = reference.rate(module, frames, y)
    found: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        learner = RULES[rule].learner(module, "recommended", {})
        learner.learn(Batch(x, y, T, masks=MASKS), found.update)
    for name, gradient in expected.items():
        assert relative(found[name], gradient) < 1e-10, name
    without = gradients(module, x, y, rule, T).gradients
    assert relative(found["5.weight"], without["5.weight"]) > 0.01


def test_masks() -> None:
    like = torch.empty(1000, 5, 2)
    drawn = Masks((1, 2), 1000, slice(1000)).draw(3, 0.2, like)
    assert drawn.unique().tolist() == [0.0, pytest.approx(1.25)]
    assert float(drawn.mean()) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(drawn[1::2], Masks((1, 2), 1000, slice(1, None, 2)).draw(3, 0.2, like[1::2]))
    for other in (Masks((1, 3), 1000, slice(1000)).draw(3, 0.2, like), MASKS.draw(4, 0.2, like[:N])):
        assert not torch.equal(drawn[: len(other)], other)


def test_each_batch_has_its_own() -> None:
    data = load("digits@train").limit(12)
    config = make_config({"batch_size": 4}, "here")
    info = describe("mlp:64-10", data, None, "bptt", 2, 1, config, 3)
    seen = [b.masks for epoch in (0, 1) for b, _ in islice(Batches(data, info, ALONE).shares(epoch), 2)]
    assert [m.seed for m in seen if m] == [(3, 0, 2, 0), (3, 0, 2, 1), (3, 1, 2, 0), (3, 1, 2, 1)]
    part, _ = next(Batches(data, info, Peers(1, 3)).shares(0))
    assert part.masks == Masks((3, 0, 2, 0), 4, slice(1, None, 3))
    assert Batches(data, info, ALONE).whole().masks is None


@pytest.mark.parametrize("rule", ["ottt-o", "bptt", "rate-m"])
def test_nothing_is_dropped_elsewhere(rule: str) -> None:
    (x, y), module = batch(), ready(dropped(0.5))
    plain = nn.Sequential(*(layer for layer in module if not isinstance(layer, NeuronDropout)))
    found, same = gradients(module, x, y, rule, T), gradients(plain, x, y, rule, T)
    assert torch.equal(found.outputs, same.outputs)
    assert all(
        torch.equal(a, b) for a, b in zip(found.gradients.values(), same.gradients.values(), strict=True)
    )
    votes = RULES[rule].learner(module, "recommended", {}).votes(Batch(x, y, T, masks=MASKS))
    torch.testing.assert_close(votes, same.outputs.sum(0))


def test_deploys_to_nothing() -> None:
    layers = [nn.Flatten(), nn.Linear(64, 16), LIF(), NeuronDropout(0.5), nn.Linear(16, 10), LIF()]
    module = ready(nn.Sequential(*layers)).float()
    plain = nn.Sequential(*(layer for layer in module if not isinstance(layer, NeuronDropout)))
    x = np.random.default_rng(0).random((6, 8, 8), dtype=np.float32)
    found, same = (nd.compile(m, x, steps=4).run(x) for m in (module, plain))
    assert found.spikes.any()
    assert np.array_equal(found.spikes, same.spikes)


def test_notation() -> None:
    model = build("vgg-sws:input=2x8x8,dropout=0.1,classes=3", device="meta")
    names = [name for name, _ in model.named_children()]
    assert names[:5] == ["conv1", "lif1", "dropout1", "scale1", "conv2"]
    assert str(model.spec).endswith(",dropout=0.1")
    assert str(build(str(model.spec), device="meta").spec) == str(model.spec)
    assert sum(isinstance(m, NeuronDropout) for m in model.modules()) == 8


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ("vgg-sws:dropout=1", "dropout must be 0 or more and below 1, not '1'"),
        ("vgg-f:dropout=-0.1", "dropout must be 0 or more and below 1, not '-0.1'"),
        ("resnet-18:dropout=0.1", "no option 'dropout=0.1'. There are input, classes, decay, threshold"),
    ],
)
def test_refuses(notation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(notation, device="meta")
    with pytest.raises(UsageError, match=r"probability must be 0 or more and below 1, not 1\.0"):
        NeuronDropout(1.0)
