"""Rate-based gradients by hand against their definition by automatic differentiation, and against BPTT."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from neurodeploy.errors import UsageError
from neurodeploy.training import LIF, gradients
from neurodeploy.training.modules import Residual
from tests.training import autograd_rules as reference
from tests.training.networks import N, T, batch, conv, frames_of, ready, relative, residual, standardised
from tests.training.reference import cosine, make


def maxima() -> nn.Sequential:
    """Overlapping windows of which the maximum is taken."""
    layers = [
        nn.Conv2d(2, 4, 3),
        LIF(0.4),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(4, 4, 2),
        LIF(0.4),
        nn.MaxPool2d(2),
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4, 3))


RESETS = [("subtract", True), ("subtract", False), ("zero", True), ("zero", False)]


def expect(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], limit: float = 1e-10) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert found[name].shape == gradient.shape
        assert relative(found[name], gradient) < limit, name


@pytest.mark.parametrize(("reset", "detach"), RESETS)
@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.filterwarnings("ignore:the input changes")
def test_equals_its_definition(reset: str, detach: bool, time_axis: bool) -> None:
    module, (x, y) = ready(conv(0.4, reset)), batch()
    frames = frames_of(x) if time_axis else x.expand(T, *x.shape)
    loss, output, expected = reference.rate(module, frames, y, detach)
    for rule in ("rate-m", "rate-s"):
        given = frames if time_axis else x
        found = gradients(module, given, y, rule, T, time_axis=time_axis, detach_reset=detach)
        expect(found.gradients, expected)
        assert found.loss == pytest.approx(loss, rel=1e-12)
        torch.testing.assert_close(found.outputs.mean(0), output, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make_module", [standardised, residual, maxima])
def test_other_layers(make_module: object) -> None:
    module, (x, y) = ready(make_module()), batch()  # type: ignore[operator]
    _, _, expected = reference.rate(module, x.expand(T, *x.shape), y)
    expect(gradients(module, x, y, "rate-m", T).gradients, expected)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("last_step", [True, False])
@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.filterwarnings("ignore:the input changes")
def test_batch_norm(joint: bool, last_step: bool, time_axis: bool) -> None:
    """Statistics over all steps; those of the last step alone are what the authors' rate-s takes."""
    if joint and last_step:
        return
    module, (x, y) = ready(conv(0.4, norm=True)), batch()
    frames = frames_of(x) if time_axis else x.expand(T, *x.shape)
    _, _, expected = reference.rate(module, frames, y, joint=joint, last_step=last_step)
    options = {} if joint else {"last_step": last_step}
    given = frames if time_axis else x
    rule = "rate-m" if joint else "rate-s"
    expect(gradients(module, given, y, rule, T, time_axis=time_axis, **options).gradients, expected)


@pytest.mark.parametrize("joint", [True, False])
def test_batch_norm_in_a_residual_block(joint: bool) -> None:
    body = [nn.Conv2d(4, 5, 3, 2, 1, bias=False), nn.BatchNorm2d(5), LIF(0.3)]
    body += [nn.Conv2d(5, 5, 3, 1, 1, bias=False), nn.BatchNorm2d(5)]
    shortcut = nn.Sequential(nn.Conv2d(4, 5, 1, 2, bias=False), nn.BatchNorm2d(5))
    stem = [nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), LIF(0.3)]
    block = Residual(nn.Sequential(*body), shortcut)
    module = ready(nn.Sequential(*stem, block, LIF(0.3), nn.Flatten(), nn.Linear(80, 3)))
    x, y = batch()
    _, _, expected = reference.rate(module, x.expand(T, *x.shape), y, joint=joint)
    expect(gradients(module, x, y, "rate-m" if joint else "rate-s", T).gradients, expected)


def test_authors_batch_norm_is_farther_from_bptt() -> None:
    module, (x, y) = ready(conv(0.4, norm=True)), batch(32)
    module.train()
    exact = gradients(module, x, y, "bptt", T, loss="mean", eta=0.0).gradients
    official, intended = (
        gradients(module, x, y, "rate-s", T, preset=p).gradients for p in ("official", "recommended")
    )
    assert cosine(exact, official) < cosine(exact, intended)
    assert cosine(exact, intended) > 0.98


def test_official_gradient_is_t_times_smaller() -> None:
    module, (x, y) = ready(conv()), batch()
    official, ours = (gradients(module, x, y, "rate-m", T, preset=p) for p in ("official", "recommended"))
    assert official.loss == ours.loss
    expect({k: T * g for k, g in official.gradients.items()}, ours.gradients, 1e-13)


def test_m_is_s_without_batch_norm() -> None:
    model, x = make("mlp:128-40-30-10,decay=0.2"), batch()[0].flatten(1)
    y = torch.arange(N) % 10
    m, s = (gradients(model, x, y, rule, T).gradients for rule in ("rate-m", "rate-s"))
    assert all(torch.equal(m[name], s[name]) for name in m)


@pytest.mark.parametrize("decay", [0.2, 0.5])
@pytest.mark.parametrize("steps", [4, 8])
def test_static_input_is_close_to_bptt(decay: float, steps: int) -> None:
    model, x = make(f"mlp:128-60-40-10,decay={decay}"), batch(40)[0].flatten(1)
    y = torch.arange(40) % 10
    exact = gradients(model, x, y, "bptt", steps, loss="mean", eta=0.0).gradients
    found = gradients(model, x, y, "rate-m", steps).gradients
    official = gradients(model, x, y, "rate-m", steps, preset="official").gradients
    for name, gradient in exact.items():
        assert cosine({name: gradient}, {name: found[name]}) >= 0.998, name
        assert 0.9 < float(steps * official[name].norm() / gradient.norm()) < 1.1


def test_readout_is_exact() -> None:
    module, (x, y) = ready(conv()), batch()
    exact = gradients(module, x, y, "bptt", T, loss="mean", eta=0.0).gradients
    found = gradients(module, x, y, "rate-s", T).gradients
    for name in ("9.weight", "9.bias"):
        assert relative(found[name], exact[name]) < 1e-12


def test_rectangular_surrogate() -> None:
    module = nn.Sequential(nn.Linear(1, 1, bias=False), LIF(0.5), nn.Linear(1, 2)).double()
    with torch.no_grad():
        module[0].weight.fill_(1.0)
    x, y = torch.full((1, 1), 2.5, dtype=torch.float64), torch.tensor([0])
    flat = gradients(module, x, y, "rate-m", 1, surrogate="rectangular")
    assert float(flat.gradients["0.weight"].abs()) == 0.0
    assert float(gradients(module, x, y, "rate-m", 1).gradients["0.weight"].abs()) > 0.0


def test_batch_of_one_is_its_row() -> None:
    module, (x, y) = ready(conv()), batch()
    rows = [gradients(module, x[i : i + 1], y[i : i + 1], "rate-m", T).gradients for i in range(N)]
    whole = gradients(module, x, y, "rate-m", T).gradients
    expect({name: sum(row[name] for row in rows) / N for name in whole}, whole, 1e-12)  # type: ignore[misc]


def test_warns_once_of_input_that_is_not_steady() -> None:
    module, (x, y) = ready(conv()), batch()
    flicker = frames_of(x) * (torch.arange(T) == 2).view(T, 1, 1, 1, 1)
    with pytest.warns(UserWarning, match=r"its mean holds 20% of its energy.*Try the rule ottt-a"):
        gradients(module, flicker, y, "rate-m", T, time_axis=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradients(module, x.expand(T, *x.shape), y, "rate-m", T, time_axis=True)


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("rate-m", {"grad_scale": "T"}, "no grad_scale 'T'. There are 1, 1/T"),
        ("rate-m", {"last_step": True}, "no option 'last_step' of this rule. There are grad_scale"),
        ("rate-s", {"last_step": 1}, "option last_step must be a bool, not 1"),
        ("rate-s", {"surrogate": "box"}, "no surrogate 'box'. There are sigmoid, rectangular"),
        ("rate-s", {"alpha": 0.0}, "alpha must be positive and at most 1e6, not 0.0"),
        ("rate-s", {"eta": 2}, r"eta must be in \[0, 1\], not 2"),
        ("rate-s", {"steps": 0}, "must be 1 or more, not 0"),
    ],
)
def test_refuses(rule: str, options: dict[str, object], message: str) -> None:
    x, y = batch()
    with pytest.raises(UsageError, match=message):
        gradients(ready(conv()), x, y, rule, **{"steps": T, **options})  # type: ignore[arg-type]
