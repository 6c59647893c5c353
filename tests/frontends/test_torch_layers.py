from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from neurodeploy import ir
from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import quantize_input
from neurodeploy.training import LIF
from tests.frontends.agreement import Forward, active, imported, seeded, uniform

IMAGE, LINE = (4, 9, 12), (4, 12)


def behind_one(layer: nn.Module, shape: tuple[int, ...]) -> ir.Graph:
    """`layer` between a 1x1 convolution that makes signed currents of 4 channels, and neurons."""
    conv = nn.Conv2d if len(shape) == 3 else nn.Conv1d
    module = nn.Sequential(seeded(conv(4, 4, 1)), layer, LIF(0.5, 0.3))
    return active(imported(module, shape), shape)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 3)},
        {"kernel_size": 3, "groups": 2, "bias": False},
        {"kernel_size": 4, "padding": "same"},
        {"kernel_size": (2, 5), "padding": "same", "dilation": (3, 2)},
        {"kernel_size": 3, "padding": "valid", "stride": 3},
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_conv2d(options: dict[str, Any]) -> None:
    graph = behind_one(seeded(nn.Conv2d(4, 6, **options)), IMAGE)
    assert graph.of(ir.Conv)["1"].groups == options.get("groups", 1)


@pytest.mark.parametrize("options", [{"kernel_size": 3}, {"kernel_size": 4, "padding": "same", "groups": 4}])
def test_conv1d(options: dict[str, Any]) -> None:
    assert len(behind_one(seeded(nn.Conv1d(4, 8, **options)), LINE).of(ir.Conv)["1"].stride) == 1


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm2d(4), IMAGE),
        (nn.BatchNorm2d(4, affine=False, eps=0.1), IMAGE),
        (nn.BatchNorm1d(4), LINE),
    ],
)
def test_batch_norm(layer: Any, shape: tuple[int, ...]) -> None:
    seeded(layer)
    scale = behind_one(layer, shape).of(ir.Scale)["1"]
    gain = layer.weight if layer.affine else torch.ones(4)
    expected = gain.double() / torch.sqrt(layer.running_var.double() + layer.eps)
    np.testing.assert_allclose(scale.scale.reshape(-1), expected.detach().numpy(), rtol=1e-15)


def test_batch_norm_of_plain_inputs() -> None:
    module = nn.Sequential(seeded(nn.Linear(8, 6)), seeded(nn.BatchNorm1d(6)), LIF(0.5, 0.3))
    assert active(imported(module)).of(ir.Scale)["1"].scale.shape == (6,)


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (nn.AvgPool2d(2, ceil_mode=False), IMAGE, ir.AveragePool),
        (nn.AvgPool2d((3, 2), (2, 3), (1, 1)), IMAGE, ir.AveragePool),
        (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE, ir.AveragePool),
        (nn.AvgPool2d(3, ceil_mode=True), IMAGE, ir.AveragePool),
        (nn.AvgPool2d(2, divisor_override=3), IMAGE, ir.Scale),
        (nn.AvgPool1d(3, 2, 1), LINE, ir.AveragePool),
        (nn.MaxPool2d(2), IMAGE, ir.MaxPool),
        (nn.MaxPool2d(3, (1, 2), 1), IMAGE, ir.MaxPool),
        (nn.MaxPool1d(2), LINE, ir.MaxPool),
        (nn.AdaptiveAvgPool2d(1), IMAGE, ir.AveragePool),
        (nn.AdaptiveAvgPool2d((3, None)), IMAGE, ir.AveragePool),
        (nn.AdaptiveMaxPool2d((3, 4)), IMAGE, ir.MaxPool),
        (nn.AdaptiveAvgPool1d(4), LINE, ir.AveragePool),
        (nn.Dropout2d(0.5), IMAGE, ir.Conv),
    ],
)
def test_pools(layer: nn.Module, shape: tuple[int, ...], kind: type[ir.Op]) -> None:
    graph = behind_one(layer, shape)
    assert isinstance(graph.op(graph.sources("2")[0]), kind)


@pytest.mark.parametrize(
    "last", [nn.Identity(), nn.Flatten(), nn.AvgPool2d(3), nn.MaxPool2d(3), nn.BatchNorm2d(4)]
)
def test_layers_behind_the_last_neurons_are_read_out(last: nn.Module) -> None:
    module = nn.Sequential(seeded(nn.Conv2d(4, 4, 1)), LIF(0.5, 0.3), seeded(last))
    graph = active(imported(module, IMAGE), IMAGE)
    assert isinstance(graph.op(graph.output), ir.LIF if isinstance(last, nn.Identity) else ir.Readout)


def test_neurons_without_synapses_before_them() -> None:
    module = nn.Sequential(LIF(0.5, 0.8), nn.AvgPool2d(3), LIF(0.5, 0.5), nn.Flatten(), LIF(0.0, 0.5))
    found = imported(module, IMAGE)
    graph = active(found, IMAGE)
    assert [graph.op(name).kind for name in ("input.synapses", "1.synapses", "3.synapses")] == [
        "conv",
        "conv",
        "dense",
    ]
    assert str(found.notes[0]).startswith("input: goes to neurons without a layer of synapses between")


def layers() -> dict[str, nn.Module]:
    """fc, fc2 and neurons."""
    return {"fc": seeded(nn.Linear(8, 6)), "fc2": seeded(nn.Linear(8, 6), 1), "lif": LIF(0.5, 0.4)}


@pytest.mark.parametrize(
    ("forward", "kinds"),
    [
        (lambda self, x: self.fc(x) + self.fc2(x), ["add"]),
        (lambda self, x: torch.add(self.fc(x), self.fc2(x), alpha=0.5), ["scale", "add"]),
        (lambda self, x: self.fc(x).add_(self.fc2(x)), ["add"]),
        (lambda self, x: self.fc(x) - self.fc2(x) + 0.25, ["scale", "add", "scale"]),
        (lambda self, x: torch.cat([self.fc(x), self.fc2(x)], dim=1), ["concat"]),
        (lambda self, x: torch.cat((self.fc(x), self.fc2(x)), -1), ["concat"]),
        (lambda self, x: 0.3 * self.fc(x) / 0.5, ["scale", "scale"]),
        (lambda self, x: 1.0 - self.fc(x).mul(2), ["scale", "scale"]),
        (lambda self, x: self.fc(x) * self.fc2.bias, ["scale"]),
        (lambda self, x: (lambda y: y + y)(self.fc(x)), ["scale"]),
        (lambda self, x: -self.fc(x) + torch.linspace(0.3, 0.6, 6), ["scale", "scale"]),
        (lambda self, x: functional.dropout(self.fc(x), training=self.training).contiguous(), []),
    ],
)
def test_functions(forward: Any, kinds: list[str]) -> None:
    module = Forward(lambda self, x: self.lif(forward(self, x)), **layers())
    graph = active(imported(module))
    kept = [graph.op(name).kind for name in graph.names]
    assert [kind for kind in kept if kind in ("add", "scale", "concat")] == kinds


def test_spikes_and_values_side_by_side() -> None:
    module = Forward(
        lambda self, x: self.last(self.fc3(torch.cat([self.lif(self.fc(x)), x], 1))),
        **layers(),
        fc3=seeded(nn.Linear(14, 4)),
        last=LIF(0.5, 0.5),
    )
    del module.fc2
    active(imported(module))


@pytest.mark.parametrize(
    "flatten",
    [
        lambda x: x.view(x.size(0), -1),
        lambda x: x.view(-1, 72),
        lambda x: x.reshape((x.shape[0], 72)),
        lambda x: torch.reshape(x, (x.size()[0], -1)),
        lambda x: x.flatten(1, -1),
    ],
)
def test_ways_to_flatten(flatten: Any) -> None:
    module = Forward(lambda self, x: self.fc(flatten(x)), fc=seeded(nn.Linear(72, 3)))
    assert len(imported(module, (2, 4, 9)).graph.of(ir.Flatten)) == 1


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.conv(x.unsqueeze(1)),
        lambda self, x: self.conv(x.view(-1, 1, 9, 12)),
        lambda self, x: self.conv(self.image(x)),
    ],
)
def test_images_without_an_axis_of_channels(forward: Any) -> None:
    module = Forward(forward, conv=seeded(nn.Conv2d(1, 2, 3)), image=nn.Unflatten(1, (1, 9)))
    found = imported(module, (9, 12))
    assert found.graph.of(ir.Input)["input"].shape == (1, 9, 12)
    assert "the input (9, 12) is taken as (1, 9, 12)" in str(found.notes[0])
    x = uniform((9, 12))
    runs = [interpret(found.graph, given, 3).membrane["readout"] for given in (x, x[:, np.newaxis])]
    np.testing.assert_array_equal(*runs)


def test_integer_input_without_an_axis_of_channels() -> None:
    op, x = ir.IntInput((1, 9, 12), 255.0, 0, 255), uniform((9, 12))
    given = [quantize_input(op, values, 3, time_axis=False).x for values in (x, x[:, np.newaxis])]
    assert given[0].shape == (12, 1, 9, 12)
    np.testing.assert_array_equal(*given)
    for wrong in (x[:, :8], x[:, :, :, np.newaxis], x.reshape(-1)):
        with pytest.raises(InputError, match=r"the network takes samples of shape \(1, 9, 12\), not \("):
            quantize_input(op, wrong, 3, time_axis=False)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
            "layer '0': padding_mode must be 'zeros', not 'circu",
        ),
        (nn.MaxPool2d(2, dilation=2), "layer '0': dilation must be 1, not 2"),
        (nn.MaxPool2d(2, return_indices=True), "layer '0': return_indices=True is not supported"),
        (
            nn.AvgPool2d(2, ceil_mode=True),
            "layer '0': ceil_mode=True makes windows (2, 2) that go beyond the input",
        ),
        (nn.AdaptiveAvgPool2d(2), "layer '0': input (9, 12) does not divide into (2, 2) windows of one size"),
        (nn.BatchNorm2d(4, track_running_stats=False), "layer '0': it has no running statistics"),
        (
            nn.Upsample(scale_factor=2),
            "layer '0' is a torch.nn.modules.upsampling.Upsample, which has no operation in",
        ),
        (
            nn.ReLU(),
            "layer '0' is a torch.nn.modules.activation.ReLU, not a spiking neuron: this is an artificial",
        ),
        (
            nn.GroupNorm(2, 4),
            "layer '0' is a torch.nn.modules.normalization.GroupNorm, whose scale depends",
        ),
        (
            nn.ConvTranspose2d(4, 4, 3),
            "ConvTranspose2d, which is not supported; supported are AdaptiveAvgPool1d, ",
        ),
        (nn.Flatten(0), "layer '0': Flatten(start_dim=0, end_dim=-1) is not supported; only (1, -1) is"),
        (
            nn.Unflatten(1, (2, 2)),
            "layer '0': (4, 9, 12) is reshaped to (2, 2, 9, 12); only images at the input",
        ),
        (
            nn.Linear(12, 3),
            "layer '0': op 'dense': weight (3, 12) takes 12 inputs, but gets shape (4, 9, 12)",
        ),
    ],
)
def test_refused_layers(module: nn.Module, message: str) -> None:
    with pytest.raises(InputError) as caught:
        imported(nn.Sequential(module), IMAGE)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda self, x: self.fc(x) * self.fc2(x), "operation 'mul': two results are multiplied"),
        (lambda self, x: 1 / self.fc(x), "operation 'truediv': something is divided by a result"),
        (lambda self, x: self.fc(x).relu(), "operation 'relu': an activation is not a spiking neuron"),
        (
            lambda self, x: functional.relu(self.fc(x)),
            "operation 'relu': an activation is not a spiking neuron",
        ),
        (
            lambda self, x: self.fc(x).exp(),
            "operation 'exp' calls .exp(), which is not supported; use a module",
        ),
        (
            lambda self, x: torch.cat([self.fc(x), self.fc2(x)]),
            "operation 'cat': concatenates along axis 0; only axis",
        ),
        (lambda self, x: torch.cat([self.fc(x)] * 2, 1), "layer 'cat' takes the result of 'fc' twice"),
        (
            lambda self, x: self.fc(x).view(-1, 2, 3),
            "operation 'view': (6,) is reshaped to (2, 3); only images at",
        ),
        (lambda self, x: self.fc(x).view(6, -1), "operation 'view': is reshaped over the batch"),
        (
            lambda self, x: self.fc(x).flatten(),
            "operation 'flatten': flattens axes (0, -1); only (1, -1) is supported",
        ),
        (
            lambda self, x: functional.dropout(self.fc(x)),
            "operation 'dropout': drops values while the network runs",
        ),
        (
            lambda self, x: functional.linear(x, self.fc.weight),
            "operation 'linear' calls linear, which is not suppor",
        ),
        (lambda self, x: self.fc(x)[:, 1:], "operation 'getitem' calls getitem, which is not supported"),
        (
            lambda self, x: self.fc(x).sub(self.fc2(x), beta=2),
            "operation 'sub' calls .sub() with {'beta': 2}",
        ),
        (lambda self, x: self.lif(self.lif(self.fc(x))), "layer 'lif' is called twice in one time step"),
        (lambda self, x: self.fc(x).device, "operation 'getattr_1': reads .device, which is not supported"),
    ],
)
def test_refused_functions(forward: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        imported(Forward(forward, **layers()))
    assert message in str(caught.value)


def test_one_to_one_synapses_of_many_neurons() -> None:
    with pytest.raises(
        UnsupportedError, match=r"one-to-one synapses of 9000 neurons .* the limit is 8192 neurons"
    ):
        imported(nn.Sequential(LIF()), (9000,))
