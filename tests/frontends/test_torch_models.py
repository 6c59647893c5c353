"""Every network of the package, small: the import compares it with its graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy import ir
from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.torch import import_torch
from neurodeploy.ir.interpreter import interpret
from neurodeploy.models import ARCHITECTURES, build
from neurodeploy.training import LIF
from neurodeploy.training.event.modules import Residual, SpikeResponse, StandardizedConv2d, StandardizedLinear
from neurodeploy.training.modules import Memory, Normalize, Recall, Remember, ScaledWSConv2d
from tests.frontends.agreement import active, imported, seeded, uniform

PAPERS = {
    "vgg-sws": "input=3x8x8,threshold=0.2",
    "vgg-f": "input=3x8x16,threshold=0.2",
    "nf-resnet-34": "input=3x16x16,threshold=0.3",
    "vgg-11": "input=3x16x16,threshold=0.02",
    "vggsnn-dvs": "input=2x16x16,threshold=0.02",
    "resnet-18": "input=3x8x8,threshold=0.02",
    "resnet-19": "input=3x4x4,threshold=0.02",
    "sew-resnet-34": "input=3x16x16,threshold=0.02",
    "preact-resnet-34": "input=3x16x16,threshold=0.1",
    "preact-resnet-34-avg": "input=3x16x16,threshold=0.1",
    "sew-resnet-14": "input=3x8x8,threshold=0.02",
}


def network(notation: str) -> Any:
    """A network whose gains, biases, statistics and zero weights are numbers that matter."""
    model = build(notation, seed=1)
    draw = torch.Generator().manual_seed(0)
    tensors = [p.data for p in model.parameters()] + [b for n, b in model.named_buffers() if "running" in n]
    for values in tensors:
        if (values == values.flatten()[0]).all():
            values += torch.rand(values.shape, generator=draw) * 0.2 + 0.01
    return model


def test_every_paper_is_here() -> None:
    assert set(PAPERS) == set(ARCHITECTURES)


@pytest.mark.parametrize("name", PAPERS)
def test_networks_of_the_papers(name: str) -> None:
    model = network(f"{name}:{PAPERS[name]}")
    x = uniform(model.spec.input_shape, 2)
    graph = import_torch(model, model.spec.input_shape, 3, x).graph
    rates = [float(s.mean()) for n, s in interpret(graph, x, 3).spikes.items() if n != graph.output]
    assert len(rates) == sum(isinstance(layer, LIF) for layer in model.modules())
    assert all(0.05 < rate < 0.95 for rate in rates), rates


@pytest.mark.parametrize(
    "notation",
    [
        "convnet:4C3-P2-8C3s2-MP2-10-3,input=2x12x12,padding=1,threshold=0.3",
        "convnet:4C3-P2-10-3,input=12x12,readout=spiking,bias=no,threshold=0.3",
        "convnet:4C3-P2-10-3,input=3x12x12,normalize=cifar10,threshold=0.3",
        "event:2x12x12-6C5(p2)-P2-8C3-P2-20-5",
        "event:12x12-6C5(p2)-P2-20-5,pool=max",
        "event:20-12-5,standardize=no,threshold=0.05",
    ],
)
def test_families(notation: str) -> None:
    model = network(notation)
    shape = model.spec.input_shape
    graph = active(imported(model, shape), shape)
    assert len(graph.of(ir.LIF)) == sum(isinstance(layer, (LIF, SpikeResponse)) for layer in model.modules())


def test_spike_response_neurons() -> None:
    module = nn.Sequential(seeded(nn.Linear(8, 12)), SpikeResponse(6.0, 2.0, 0.5))
    lif = active(imported(module)).of(ir.LIF)["1"]
    assert (lif.decay, lif.current_decay, lif.clear_current) == (1 - 1 / 6.0, 0.5, True)


def test_computed_weights_are_those_of_the_layer() -> None:
    module = nn.Sequential(
        ScaledWSConv2d(2, 4, 3, padding=1, groups=2),
        LIF(0.5, 0.3),
        StandardizedConv2d(4, 4, 3, padding=1),
        SpikeResponse(),
        nn.Flatten(),
        StandardizedLinear(100, 5),
        LIF(0.5, 0.5),
    )
    found = imported(seeded(module), (2, 5, 5))
    active(found, (2, 5, 5))
    np.testing.assert_allclose(
        found.graph.of(ir.Conv)["0"].weight, module[0].effective_weight().detach().numpy(), rtol=1e-5
    )
    told = [str(note) for note in found.notes]
    assert "0: the weights that ScaledWSConv2d computes, rounded to float32" in told
    assert isinstance(module[0], ScaledWSConv2d)


def test_residual_of_spikes() -> None:
    body = nn.Sequential(seeded(nn.Linear(12, 12), 1), LIF(0.5, 0.5))
    module = nn.Sequential(
        seeded(nn.Linear(8, 12)), LIF(0.5, 0.3), Residual(body), seeded(nn.Linear(12, 4), 2), LIF(0.5, 0.9)
    )
    graph = active(imported(module))
    assert [graph.types[name].signal for name in graph.of(ir.Add)] == ["value"]


@pytest.mark.parametrize(("shape", "channels"), [((3, 4, 5), 3), ((4, 5), 1)])
def test_normalized_images(shape: tuple[int, ...], channels: int) -> None:
    mean, std = [0.5, 0.25, 0.375][:channels], [0.25, 0.5, 2.0][:channels]
    module = nn.Sequential(Normalize(mean, std), nn.Flatten(), seeded(nn.Linear(int(np.prod(shape)), 4)))
    scale = imported(module, shape).graph.of(ir.Scale)["0"]
    np.testing.assert_array_equal(scale.scale.reshape(-1), 1 / np.array(std))


class Looped(nn.Module):
    """Convolution, feedback, neurons; pooled spikes are fed back."""

    def __init__(
        self, conv: nn.Conv2d, factor: int, first: nn.Conv2d, neurons: nn.Module, bias: bool = True
    ) -> None:
        super().__init__()
        memory = Memory()
        self.conv, self.feedback = first, Recall(memory, conv, factor)
        self.neurons, self.pool = neurons, nn.AvgPool2d(factor)
        self.remember, self.head = Remember(memory), nn.Flatten()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.neurons(self.feedback(self.conv(x)))
        flat: torch.Tensor = self.head(self.remember(self.pool(spikes)))
        return flat


def looped(factor: int = 2, decay: float = 0.5, **options: Any) -> Looped:
    conv = seeded(nn.Conv2d(4, 4, **options), 1, -0.3, 0.3)
    return Looped(conv, factor, seeded(nn.Conv2d(2, 4, 1)), LIF(decay, 0.6))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("factor", "shape", "options"),
    [
        (2, (2, 6, 8), {"kernel_size": 3, "padding": 1}),
        (3, (2, 6, 9), {"kernel_size": 3, "padding": 1}),
        (4, (2, 4, 8), {"kernel_size": (1, 5), "padding": (0, 2)}),
        (2, (2, 6, 4), {"kernel_size": 3, "padding": 2, "dilation": 2, "bias": False}),
        (6, (2, 6, 6), {"kernel_size": 5, "padding": 2}),
    ],
)
def test_feedback(factor: int, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    graph = active(imported(looped(factor, **options), shape), shape)
    assert graph.of(ir.Delay)["feedback.delay"].steps == 1
    assert len(graph.feedback) == 1
    (lif,) = graph.of(ir.LIF).values()
    assert lif.initial.any() == options.get("bias", True)


def test_weights_of_a_feedback() -> None:
    module = looped(kernel_size=3, padding=1)
    graph = imported(module, (2, 6, 8)).graph
    parts = {name: op.weight for name, op in graph.of(ir.Conv).items() if name.startswith("feedback.")}
    taps = parts.pop("feedback.taps")
    assert set(taps.flatten()) == set(module.feedback.conv.weight.detach().numpy().flatten())
    assert set(parts) == {
        f"feedback.{axis}.{part}" for axis in ("rows", "columns") for part in ("pick", "place")
    }
    assert all(set(weight.flatten()) == {0.0, 1.0} for weight in parts.values())


def test_feedback_of_a_small_image_needs_no_pick() -> None:
    graph = imported(looped(6, kernel_size=3, padding=1), (2, 6, 6)).graph
    assert sorted(n for n in graph.of(ir.Conv) if "feedback" in n) == [
        "feedback.columns.place",
        "feedback.rows.place",
        "feedback.taps",
    ]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            looped(kernel_size=3, padding=1, stride=2),
            "layer 'feedback': its convolution must have stride 1, one group",
        ),
        (
            looped(kernel_size=2, padding=1),
            "layer 'feedback': 6 places along an axis are not made of values",
        ),
        (
            looped(decay=0.0, kernel_size=3, padding=1),
            "layer 'neurons': its input has a bias that starts",
        ),
    ],
)
def test_feedback_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        imported(module, (2, 6, 8))
    assert message in str(caught.value)


def test_feedback_without_an_end() -> None:
    module = looped(kernel_size=3, padding=1)
    alone = nn.Sequential(module.conv, module.feedback, module.neurons)
    with pytest.raises(UnsupportedError, match="a feedback is recalled but never remembered"):
        imported(alone, (2, 6, 8))
    with pytest.raises(UnsupportedError, match="layer '1': its memory is not recalled by a layer before it"):
        imported(nn.Sequential(module.conv, module.remember), (2, 6, 8))


def test_feedback_of_another_shape() -> None:
    module = looped(kernel_size=3, padding=1)
    module.pool = nn.AvgPool2d(3)
    with pytest.raises(
        InputError, match=r"layer 'feedback' takes back value\[4, 3, 4\], but gets value\[4, 2, 2\] of"
    ):
        imported(module, (2, 6, 8))


def test_a_large_network_is_checked_on_fewer_samples() -> None:
    from neurodeploy.frontends.torch.check import CHECK_SAMPLES, samples_within

    small, large = (imported(network(f"convnet:{maps}C3-3,input=2x8x8"), (2, 8, 8)).graph for maps in (2, 64))
    assert samples_within(small, 4) == CHECK_SAMPLES
    assert samples_within(large, 1 << 15) == 12
    assert samples_within(large, 1 << 20) == 1
