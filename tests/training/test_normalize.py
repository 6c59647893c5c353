"""Networks that begin with Normalize learn from raw data as bare ones do from normalized data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from neurodeploy.data import Dataset, load
from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.models import build
from neurodeploy.training import LIF, gradients, load_run, train
from neurodeploy.training.event import SpikeResponse
from neurodeploy.training.forward import Forward
from neurodeploy.training.maps import Standardized
from neurodeploy.training.modules import Normalize
from neurodeploy.training.reading import network_of
from tests.training.networks import batch, conv, frames_of, ready, relative

MEAN, STD = (0.4, 0.7), (0.3, 0.5)


def constants() -> tuple[torch.Tensor, torch.Tensor]:
    mean, std = (torch.tensor(values, dtype=torch.float64).view(-1, 1, 1) for values in (MEAN, STD))
    return mean, std


def test_equation_and_buffers() -> None:
    layer = Normalize(MEAN, STD)
    assert {name: b.shape for name, b in layer.state_dict().items()} == {"mean": (2, 1, 1), "std": (2, 1, 1)}
    assert not list(layer.parameters())
    made = layer(torch.full((3, 2, 1, 1), 1.0))
    assert made[2].flatten().tolist() == pytest.approx([2.0, 0.6])
    layer.mean.zero_()
    layer.reset_parameters()
    assert layer.mean.flatten().tolist() == pytest.approx(MEAN)
    assert repr(layer) == "Normalize(mean=(0.4, 0.7), std=(0.3, 0.5))"


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.1,), (1.0, 1.0), "1 means and 2 deviations"),
        ((), (), "0 means and 0 deviations"),
        ((0.1,), (0.0,), "deviations must be positive"),
        ((float("nan"),), (1.0,), "all numbers finite"),
    ],
)
def test_refuses(mean: tuple[float, ...], std: tuple[float, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Normalize(mean, std)


@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o", "rate-m", "rate-s", "bptt"])
@pytest.mark.filterwarnings("ignore:the input changes over time")
def test_gradients_are_those_of_normalized_data(rule: str, time_axis: bool) -> None:
    normal = Normalize(MEAN, STD)
    bare = ready(conv(norm=not rule.startswith("ottt")))
    x, y = batch()
    x = frames_of(x) if time_axis else x
    normal.mean, normal.std = mean, std = constants()
    whole = gradients(nn.Sequential(normal, bare), x, y, rule, 5, time_axis=time_axis)
    alone = gradients(bare, (x - mean) / std, y, rule, 5, time_axis=time_axis)
    assert whole.loss == pytest.approx(alone.loss, rel=1e-12)
    assert torch.equal(whole.outputs, alone.outputs)
    for name, expected in alone.gradients.items():
        assert relative(whole.gradients[f"1.{name}"], expected) < 1e-12, name


def test_event_rule() -> None:
    layers = nn.Conv2d(2, 4, 3, bias=False), SpikeResponse(), nn.Flatten(), nn.Linear(144, 3, bias=False)
    bare = nn.Sequential(*layers, SpikeResponse()).double()
    x, y = batch()
    normal = Normalize(MEAN, STD)
    normal.mean, normal.std = mean, std = constants()
    whole = gradients(nn.Sequential(normal, *bare), x, y, "event", 5, average_spikes=0.0)
    alone = gradients(bare, (x - mean) / std, y, "event", 5, average_spikes=0.0)
    assert torch.equal(whole.outputs, alone.outputs)
    pairs = zip(whole.gradients.values(), alone.gradients.values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    with pytest.raises(UnsupportedError, match=r"layer '2' \(Normalize\) must be the first"):
        gradients(nn.Sequential(*bare[:2], Normalize(MEAN, STD), *bare[2:]), x, y, "event", 5)


def test_gradient_passes_a_layer_in_the_middle() -> None:
    x, y = batch()
    middle = Normalize((0.1,) * 4, (0.5,) * 4)
    first, last = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(256, 3)
    module = ready(nn.Sequential(first, LIF(), middle, nn.Flatten(), last))
    bptt, ottt = (gradients(module, x, y, rule, 5) for rule in ("bptt", "ottt-a"))
    assert relative(ottt.gradients["4.weight"], bptt.gradients["4.weight"]) < 1e-12
    assert relative(ottt.gradients["0.weight"], bptt.gradients["0.weight"]) < 1e-12


def test_static_input_is_normalized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    apply = Standardized.apply
    monkeypatch.setattr(Standardized, "apply", lambda self, h: calls.append(1) or apply(self, h))
    module = nn.Sequential(Normalize(MEAN, STD), conv())
    x, _ = batch()
    forward = Forward(network_of(module), x, False)
    with torch.no_grad():
        for t in range(4):
            forward.step(t)
    assert len(calls) == 1


def test_a_run_keeps_the_layer(tmp_path: Path) -> None:
    digits = load("digits@train").limit(100)
    run = train(
        "mlp:64-16-10,normalize=0.3:0.4", digits, rule="rate-m", steps=3, epochs=1, folder=tmp_path / "run"
    )
    module, info = load_run(tmp_path / "run")
    assert info.model.endswith(",normalize=0.3:0.4")
    assert isinstance(module[0], Normalize)
    assert module[0].std.flatten().tolist() == pytest.approx([0.4])
    assert module[0].std.dtype == next(run.module.parameters()).dtype


@pytest.mark.parametrize(
    ("notation", "first"),
    [
        (
            "vgg-sws:normalize=cifar10",
            "vgg-sws:input=3x32x32,classes=10,decay=0.5,threshold=1.0,normalize=cifar10",
        ),
        ("mlp:4-2,normalize=0.5:2", "mlp:4-2,readout=linear,decay=0.5,threshold=1.0,normalize=0.5:2.0"),
        ("convnet:4C3-2,normalize=.1/.2:1/2,input=2x8x8", "convnet:4C3s1p0-2,input=2x8x8,readout=linear"),
        ("event:28x28-10,normalize=mnist", "event:28x28-10,tau_m=5.0"),
    ],
)
def test_notation(notation: str, first: str) -> None:
    network = build(notation, device="meta")
    assert str(network.spec).startswith(first)
    assert str(build(str(network.spec), device="meta").spec) == str(network.spec)
    assert next(iter(network.named_children()))[0] == "normalize"


@pytest.mark.parametrize("option", ["cifar", "0.1", "1/2:1", "0.1:0", "a:1", "0.1:inf", ":"])
def test_notation_refuses(option: str) -> None:
    with pytest.raises(
        UsageError, match=f"normalize={option}: there are cifar10, cifar100, cifar10-dvs, imagenet, mnist"
    ):
        build(f"mlp:4-2,normalize={option}")
    with pytest.raises(UsageError, match="normalize is given twice"):
        build("mlp:4-2,normalize=mnist,normalize=mnist")


def test_channels_that_the_data_do_not_have() -> None:
    flat = Dataset(
        "flat", "all", "flat.npz", load("digits").x.reshape(-1, 64), load("digits").y, 10, False, "", ""
    )
    for data, model in ((load("digits"), "cifar10"), (flat, "mnist")):
        with pytest.raises(
            UsageError, match=r"normalize is for images of \d channels, but a time step of the data"
        ):
            train(f"mlp:64-10,normalize={model}", data, rule="bptt", steps=2)
