"""OTTT by hand against OTTT and BPTT by automatic differentiation."""

from __future__ import annotations

import itertools

import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import gradients
from tests.training.reference import bptt, cosine, make, ottt

T, N = 6, 16
MODELS = (
    "mlp:12-10",
    "mlp:12-20-10",
    "mlp:12-20-16-10,decay=0.9",
    "mlp:12-20-10,readout=spiking",
    "mlp:12-20-16-10,readout=spiking,decay=0.7,threshold=0.6",
)


def batch(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    x = 2 * torch.rand(N, 3, 4, generator=draw, dtype=torch.float64)
    return x.to(dtype), torch.randint(0, 10, (N,), generator=draw)


def frames_of(x: torch.Tensor) -> torch.Tensor:
    draw = torch.Generator().manual_seed(2)
    return (torch.rand(T, *x.shape, generator=draw) < 0.4).to(x.dtype) * x


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-30))


@pytest.mark.parametrize("notation", MODELS)
@pytest.mark.parametrize("switches", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("time_axis", [False, True])
def test_equals_autograd_in_double_precision(
    notation: str, switches: tuple[bool, ...], time_axis: bool
) -> None:
    model, (x, y) = make(notation), batch()
    frames = frames_of(x) if time_axis else x.expand(T, *x.shape)
    names = ("first_layer_trace", "readout_trace", "bias_trace")
    options = dict(zip(names, switches, strict=True))
    loss, outputs, expected = ottt(model, frames, y, **options)
    found = gradients(model, frames if time_axis else x, y, "ottt-a", T, time_axis=time_axis, **options)
    torch.testing.assert_close(found.outputs, outputs, rtol=0, atol=1e-12)
    assert found.loss == pytest.approx(loss, rel=1e-12)
    assert found.gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        assert relative(found.gradients[name], gradient) < 1e-12, name


@pytest.mark.parametrize("notation", MODELS)
@pytest.mark.parametrize("preset", ["official", "recommended"])
def test_equals_autograd_in_single_precision(notation: str, preset: str) -> None:
    model, (x, y) = make(notation, dtype=torch.float32), batch(torch.float32)
    switches = (False, True, False) if preset == "official" else (True, False, True)
    _, outputs, expected = ottt(model, x.expand(T, *x.shape), y, *switches)
    found = gradients(model, x, y, "ottt-a", T, preset=preset)
    torch.testing.assert_close(found.outputs, outputs, rtol=1e-6, atol=1e-6)
    for name, gradient in expected.items():
        assert relative(found.gradients[name], gradient) < 1e-6, name


def test_spiking_readout_equals_bptt() -> None:
    model, (x, y) = make("mlp:12-20-16-10,readout=spiking"), batch()
    frames = frames_of(x)
    _, _, exact = bptt(model, frames, y)
    found = gradients(model, frames, y, "ottt-a", T, time_axis=True).gradients
    for name in ("fc3.weight", "fc3.bias"):
        assert relative(found[name], exact[name]) < 1e-14
    assert relative(found["fc2.weight"], exact["fc2.weight"]) > 1e-3


def test_bare_bias_of_the_authors_is_not_bptt() -> None:
    model, (x, y) = make("mlp:12-20-10,readout=spiking"), batch()
    _, _, exact = bptt(model, x.expand(T, *x.shape), y)
    found = gradients(model, x, y, "ottt-a", T, preset="official").gradients
    assert relative(found["fc2.weight"], exact["fc2.weight"]) < 1e-14
    assert relative(found["fc2.bias"], exact["fc2.bias"]) > 1e-2


def test_linear_readout_has_an_exact_last_spiking_layer() -> None:
    model, (x, y) = make("mlp:12-20-16-10"), batch()
    frames = frames_of(x)
    _, _, exact = bptt(model, frames, y)
    official = gradients(model, frames, y, "ottt-a", T, time_axis=True, preset="official").gradients
    recommended = gradients(model, frames, y, "ottt-a", T, time_axis=True).gradients
    assert relative(official["fc2.weight"], exact["fc2.weight"]) < 1e-14
    assert relative(official["fc3.bias"], exact["fc3.bias"]) < 1e-14
    assert relative(official["fc3.weight"], exact["fc3.weight"]) > 1e-3
    for name in ("fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"):
        assert relative(recommended[name], exact[name]) < 1e-14


def test_recommended_is_nearer_to_bptt_than_official() -> None:
    model, (x, y) = make("mlp:12-20-16-10,decay=0.9"), batch()
    _, _, exact = bptt(model, x.expand(T, *x.shape), y)
    near, far = (gradients(model, x, y, "ottt-a", T, preset=p).gradients for p in ("recommended", "official"))
    assert cosine(exact, near) > cosine(exact, far) + 0.1


def test_one_hidden_layer_is_bptt() -> None:
    model, (x, y) = make("mlp:12-20-10"), batch()
    _, _, exact = bptt(model, x.expand(T, *x.shape), y)
    found = gradients(model, x, y, "ottt-a", T).gradients
    assert max(relative(found[name], exact[name]) for name in exact) < 1e-13


def test_gradients_changes_nothing_and_tells_the_spikes() -> None:
    model, (x, y) = make("mlp:12-20-10,readout=spiking"), batch()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    first = gradients(model, x, y, "ottt-a", T)
    again = gradients(model, x, y, "ottt-o", T)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert all(torch.equal(first.gradients[name], again.gradients[name]) for name in before)
    assert first.outputs.shape == (T, N, 10)
    assert {name: s.shape for name, s in first.spikes.items()} == {"lif1": (T, N, 20), "lif2": (T, N, 10)}
    assert torch.equal(first.spikes["lif2"], first.outputs)
    assert 0.05 < float(first.spikes["lif1"].mean()) < 0.95


def test_outputs_are_those_of_the_module() -> None:
    model, (x, y) = make("mlp:12-20-16-10"), batch()
    model.reset()
    alone = torch.stack([model(x) for _ in range(T)])
    assert torch.equal(gradients(model, x, y, "ottt-a", T).outputs, alone.detach())


def test_loss_of_squares_alone() -> None:
    model, (x, y) = make("mlp:12-20-10"), batch()
    _, _, expected = ottt(model, x.expand(T, *x.shape), y, True, False, True, eta=1.0)
    found = gradients(model, x, y, "ottt-a", T, eta=1.0).gradients
    assert max(relative(found[name], expected[name]) for name in expected) < 1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "stdp"}, "no training rule 'stdp'. There are ottt-a, ottt-o, rate-m, rate-s, bptt"),
        ({"steps": 0}, "must be 1 or more, not 0"),
        ({"preset": "best"}, "no preset 'best' of this rule. There are official, recommended"),
        ({"trace": True}, "no option 'trace' of this rule. There are first_layer_trace"),
        ({"time_axis": True}, "the data have 16 time steps, not 6. Try --steps 16"),
    ],
)
def test_refuses(arguments: dict[str, object], message: str) -> None:
    x, y = batch()
    with pytest.raises(UsageError, match=message):
        gradients(make("mlp:12-10"), x, y, **{"rule": "ottt-a", "steps": T, **arguments})
