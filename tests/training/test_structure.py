from __future__ import annotations

import pytest
import torch
from torch import nn

from neurodeploy.errors import UnsupportedError
from neurodeploy.models import build
from neurodeploy.training import LIF, gradients
from neurodeploy.training.forward import Forward
from neurodeploy.training.maps import Sum
from neurodeploy.training.modules import Memory, Recall, Remember
from neurodeploy.training.reading import network_of
from neurodeploy.training.synapses import Dense
from tests.training.networks import T, batch, conv, fed_back, ready, relative, residual, standardised


def test_names_and_parameters_are_the_modules() -> None:
    model = build("mlp:4-3-2,readout=spiking")
    network = network_of(model)
    assert [node.name for node in network.nodes] == ["", "flatten", "fc1", "lif1", "fc2", "lif2"]
    op = network.nodes[2].op
    assert isinstance(op, Dense)
    assert op.weight is model.fc1.weight


class Traced(nn.Module):
    """A module with its own forward()."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), LIF())
        self.body = nn.Conv2d(4, 4, 3, padding=1)
        self.lif = LIF()
        self.head = nn.Linear(256, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.stem(x)
        return self.head(torch.flatten(self.lif(self.body(h) + h), 1))


def test_traces_a_module_with_its_own_forward() -> None:
    module, (x, y) = Traced().double(), batch()
    network = network_of(module)
    assert [node.name for node in network.nodes if isinstance(node.op, Sum)] == ["add"]
    found = gradients(module, x, y, "ottt-a", T)
    assert set(found.gradients) == {name for name, _ in module.named_parameters()}
    assert set(found.spikes) == {"stem.1", "lif"}


@pytest.mark.parametrize("make_module", [conv, standardised, residual])
@pytest.mark.parametrize("rule", ["ottt-a", "rate-m", "rate-s", "bptt"])
def test_outputs_are_those_of_the_module(make_module: object, rule: str) -> None:
    module, (x, y) = ready(make_module()), batch()  # type: ignore[operator]
    alone = torch.stack([module(x) for _ in range(T)]).detach()
    found = gradients(module, x, y, rule, T)
    torch.testing.assert_close(found.outputs, alone, rtol=0, atol=1e-12)
    assert all(0.02 < float(s.mean()) < 0.98 for s in found.spikes.values())


@torch.no_grad()
def test_static_part_runs_once() -> None:
    network, (x, _) = network_of(ready(conv())), batch()
    forward = Forward(network, x, time_axis=False)
    assert [network.nodes[i].name for i in sorted(forward.static)] == ["", "0"]
    forward.step(0)
    first = forward.values[1]
    forward.step(1)
    assert forward.values[1] is first
    forward.weights_changed()
    forward.step(2)
    assert forward.values[1] is not first
    assert Forward(network, x.unsqueeze(0), time_axis=True).static == frozenset()


def chain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), LIF(), *layers)


def recalled_twice() -> nn.Sequential:
    memory = Memory()
    return nn.Sequential(*(Recall(memory, nn.Conv2d(1, 1, 1), 1) for _ in range(2)), Remember(memory))


class TwoInputs(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.fc(x))


class Product(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(2, 2), r"cannot train a single Linear; put the layers in a torch.nn.Sequential"),
        (chain(nn.LSTM(2, 2)), r"layer '2' \(LSTM\) cannot be trained"),
        (chain(nn.ReLU()), r"layer '2' \(ReLU\) cannot be trained: it is no spiking neuron"),
        (chain(nn.Sequential(nn.MaxPool2d(2, dilation=2))), r"layer '2.0': MaxPool2d with dilation"),
        (chain(nn.Unflatten(0, (1, 2))), r"layer '2': Unflatten\(0\) cannot be trained"),
        (chain(nn.Dropout()), r"\(Dropout\) cannot be trained: its mask would change"),
        (chain(nn.GRU(2, 2)), r"\(GRU\) cannot be trained: trainable are .*Conv2d, .*LIF, .*Linear"),
        (
            chain(Recall(Memory(), nn.Conv2d(1, 1, 1), 1)),
            "layer '2' recalls what no layer behind it remembers",
        ),
        (chain(Remember(Memory())), "layer '2' remembers what no layer before it recalls"),
        (nn.Sequential(*fed_back()[:9], fed_back()[1]), "layer '9' recalls what no layer behind it"),
        (recalled_twice(), "layer '1' recalls a memory that another layer recalls"),
        (chain(nn.Flatten(0)), r"layer '2': Flatten\(0, -1\) cannot be trained"),
        (chain(nn.AdaptiveAvgPool2d(2)), "only size 1 can"),
        (chain(nn.AvgPool2d(2, divisor_override=3)), "AvgPool2d with a divisor_override"),
        (chain(nn.Conv2d(1, 1, 3, padding="same")), "padding='same', padding_mode='zeros'"),
        (chain(nn.Conv2d(1, 1, 3, padding_mode="circular")), "padding_mode='circular'"),
        (chain(nn.BatchNorm2d(2, track_running_stats=False)), "Use track_running_stats=True"),
        (nn.Sequential(nn.Flatten()), "no Linear or Conv2d layer"),
        (TwoInputs(), "takes more than one input"),
        (Twice(), "layer 'fc' is used twice"),
        (Product(), "operation 'mul' .* cannot be trained"),
        (Branching(), "cannot train a Branching: torch.fx cannot trace it"),
    ],
)
def test_refuses_what_cannot_be_trained(module: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        network_of(module)


@pytest.mark.parametrize("rule", ["rate-m", "bptt"])
def test_maximum_of_windows_of_one_is_nothing(rule: str) -> None:
    module, (x, y) = ready(conv()), batch()
    maximum = nn.Sequential(*module[:3], nn.MaxPool2d(1), *module[3:])
    found, same = (list(gradients(m, x, y, rule, T).gradients.values()) for m in (maximum, module))
    assert all(torch.equal(a, b) for a, b in zip(found, same, strict=True))


def test_ottt_refuses_the_maximum() -> None:
    module, (x, y) = ready(nn.Sequential(*conv()[:3], nn.MaxPool2d(2))), batch()
    with pytest.raises(UnsupportedError, match="layer '3' is MaxPool2d, which OTTT cannot train"):
        gradients(module, x, y, "ottt-a", T)


def test_unflatten_is_a_map() -> None:
    module, (x, y) = ready(conv()), batch()
    image = nn.Sequential(nn.Unflatten(1, (2, 8, 8)), *module)
    found, same = (
        list(gradients(m, v, y, "ottt-a", T).gradients.values())
        for m, v in ((image, x.flatten(1)), (module, x))
    )
    assert all(torch.equal(a, b) for a, b in zip(found, same, strict=True))


def test_layers_without_bias_learn_too() -> None:
    module = nn.Sequential(nn.Linear(4, 3, bias=False), LIF(), nn.Linear(3, 2, bias=False))
    for rule in ("ottt-a", "rate-m", "bptt"):
        found = gradients(module, torch.rand(5, 4), torch.ones(5).long(), rule, 2)
        assert set(found.gradients) == {"0.weight", "2.weight"}


@pytest.mark.parametrize("rule", ["ottt-a", "rate-m", "rate-s", "bptt"])
def test_overlapping_pooling_windows(rule: str) -> None:
    """Weights before a pool get the gradient of the same pool written as a convolution with fixed weights."""
    module = ready(
        nn.Sequential(nn.Conv2d(2, 3, 3), LIF(), nn.AvgPool2d(3, 2, 1), nn.Flatten(), nn.Linear(27, 3))
    )
    x, y = batch()
    fixed = nn.Conv2d(3, 3, 3, 2, 1, bias=False).double()
    with torch.no_grad():
        fixed.weight.copy_(torch.eye(3, dtype=torch.float64).view(3, 3, 1, 1).expand(3, 3, 3, 3) / 9)
    same = nn.Sequential(module[0], module[1], fixed, nn.Flatten(), module[4])
    found, expected = (gradients(m, x, y, rule, T).gradients["0.weight"] for m in (module, same))
    assert relative(found, expected) < 1e-12
