"""Cosine and norm ratio by hand, and of the rules against BPTT."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.models import build
from neurodeploy.training import LIF, gradients
from neurodeploy.training.analysis import Agreement, compare_gradients
from neurodeploy.training.analysis.gradient_comparison import agreement
from tests.training.networks import SHAPE, batch, conv, frames_of, ready
from tests.training.reference import make

T = 6


def dense_batch(n: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    x = 2 * torch.rand(n, 12, generator=draw, dtype=torch.float64)
    return x, torch.randint(0, 10, (n,), generator=draw)


def test_by_hand() -> None:
    g = {"a": torch.tensor([3.0, 0.0]), "b": torch.tensor([[4.0]])}
    r = {"a": torch.tensor([0.0, 5.0]), "b": torch.tensor([[12.0]])}
    assert agreement(g, r, ["a"]) == Agreement(0.0, 3 / 5)
    assert agreement(g, r, ["b"]) == Agreement(1.0, 4 / 12)
    assert agreement(g, r, ["a", "b"]) == Agreement(48 / (5 * 13), 5 / 13)
    assert agreement(g, {"b": -r["b"]}, ["b"]) == Agreement(-1.0, 4 / 12)


def test_no_cosine_of_nothing() -> None:
    zero, one = {"a": torch.zeros(2)}, {"a": torch.ones(2)}
    assert agreement(zero, one, ["a"]) == Agreement(None, 0.0)
    assert agreement(one, zero, ["a"]) == Agreement(None, None)


@pytest.mark.parametrize("options", [{}, {"loss": "mean", "eta": 0.3}, {"detach_reset": False}])
def test_bptt_with_itself(options: dict[str, object]) -> None:
    found = compare_gradients(make("mlp:12-20-16-10"), *dense_batch(), "bptt", T, **options)  # type: ignore[arg-type]
    for one in (found.whole, *found.layers.values(), *found.parameters.values()):
        assert one.cosine == pytest.approx(1, abs=1e-14)
        assert one.norm_ratio == 1
    assert list(found.layers) == ["fc1", "fc2", "fc3"]
    assert list(found.parameters) == [f"fc{i}.{kind}" for i in (1, 2, 3) for kind in ("weight", "bias")]
    assert (found.rule, found.steps, found.samples) == ("bptt", T, 16)


@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o"])
def test_last_layers_of_ottt_are_exact(rule: str) -> None:
    model = make("mlp:12-20-16-10,readout=spiking")
    found = compare_gradients(model, *dense_batch(), rule, T)
    assert found.layers["fc3"].cosine == pytest.approx(1, abs=1e-13)
    assert found.layers["fc3"].norm_ratio == pytest.approx(1, rel=1e-13)
    assert found.layers["fc2"].cosine is not None
    assert 0.9 < found.layers["fc2"].cosine < 1 - 1e-6


def test_presets_and_options_are_the_rules() -> None:
    model, (x, y) = make("mlp:12-20-16-10,decay=0.9"), dense_batch()
    near = compare_gradients(model, x, y, "ottt-a", T)
    far = compare_gradients(model, x, y, "ottt-a", T, preset="official")
    assert near.whole.cosine is not None
    assert far.whole.cosine is not None
    assert near.whole.cosine > far.whole.cosine + 0.1
    again = compare_gradients(model, x, y, "ottt-a", T, preset="official", eta=0.5, surrogate="rectangular")
    fc3 = again.parameters["fc3.bias"]
    assert (fc3.cosine, fc3.norm_ratio) == (pytest.approx(1, abs=1e-13), pytest.approx(1, rel=1e-13))


@pytest.mark.parametrize("rule", ["rate-m", "rate-s"])
def test_rates(rule: str) -> None:
    module, (x, y) = ready(conv(0.2)), batch()
    found = compare_gradients(module, x, y, rule, T)
    assert found.whole.cosine is not None
    assert found.whole.cosine > 0.95
    assert found.parameters["9.bias"].norm_ratio == pytest.approx(1, rel=1e-12)
    divided = compare_gradients(module, x, y, rule, T, grad_scale="1/T")
    assert divided.whole.norm_ratio == pytest.approx((found.whole.norm_ratio or 0) / T, rel=1e-12)


def test_agrees_with_the_gradients_over_time() -> None:
    module, (x, y) = ready(conv()), batch()
    frames = frames_of(x, T)
    found = compare_gradients(module, frames, y, "ottt-a", T, time_axis=True).parameters["0.weight"]
    g, r = (
        gradients(module, frames, y, rule, T, time_axis=True).gradients["0.weight"].flatten()
        for rule in ("ottt-a", "bptt")
    )
    assert found.cosine == pytest.approx(float(torch.cosine_similarity(g, r, 0)), abs=1e-12)
    assert found.norm_ratio == pytest.approx(float(g.norm() / r.norm()), rel=1e-12)


def test_changes_nothing() -> None:
    model = make("mlp:12-20-10")
    before = {name: p.clone() for name, p in model.state_dict().items()}
    compare_gradients(model, *dense_batch(), "ottt-o", T)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


def test_a_silent_network_has_no_cosine() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(128, 4, bias=False), LIF(), nn.Linear(4, 3, bias=False))
    with torch.no_grad():
        module[1].weight.fill_(-100.0)
    found = compare_gradients(module.double(), *batch(), "ottt-a", T)
    assert found.layers["3"] == Agreement(None, None)
    assert found.to_dict()["layers"]["3"] == {"cosine": None, "norm_ratio": None}


def test_refuses_the_event_rule() -> None:
    x, y = torch.rand(2, *SHAPE), torch.zeros(2).long()
    with pytest.raises(
        UnsupportedError, match=r"rule 'event' cannot be compared .*Rules that can: ottt-a, ottt-o"
    ):
        compare_gradients(build("event:128-10"), x, y, "event", T)


def test_refuses_an_unknown_rule() -> None:
    with pytest.raises(UsageError, match="no training rule 'stdp'"):
        compare_gradients(make("mlp:12-10"), *dense_batch(), "stdp", T)
