from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.models import build, check_input_shape, describe


def test_layers_and_shapes() -> None:
    made = describe("convnet:32C5-P2-64C5-P2-1024-10,input=1x28x28,padding=2")
    assert [(layer.name, layer.shape) for layer in made.layers] == [
        ("conv1", (32, 28, 28)),
        ("lif1", (32, 28, 28)),
        ("pool1", (32, 14, 14)),
        ("conv2", (64, 14, 14)),
        ("lif2", (64, 14, 14)),
        ("pool2", (64, 7, 7)),
        ("flatten", (3136,)),
        ("fc3", (1024,)),
        ("lif3", (1024,)),
        ("fc4", (10,)),
    ]
    assert made.parameters == 832 + 51264 + 3137 * 1024 + 10250
    assert made.to_dict()["layers"][0]["kind"] == "Conv2d"


@pytest.mark.parametrize(
    ("notation", "parameters"),
    [
        ("15C5-P2-40C5-P2-300-10,input=28x28,bias=no", 25 * 15 + 15 * 40 * 25 + 640 * 300 + 3000),
        ("12C5(p1)-P2-64C5-P2-10,input=2x34x34,bias=no", 2 * 12 * 25 + 12 * 64 * 25 + 64 * 36 * 10),
        ("4C3s2p1-8C3-5,input=1x8x8", 40 + 4 * 8 * 9 + 8 + (8 * 4 + 1) * 5),
    ],
)
def test_parameters(notation: str, parameters: int) -> None:
    assert describe(f"convnet:{notation}").parameters == parameters


def test_images_without_a_channel_axis() -> None:
    flat, deep = (build(f"convnet:4C3-P2-5,input={shape}") for shape in ("8x8", "1x8x8"))
    assert next(name for name, _ in flat.named_children()) == "image"
    x = torch.rand(3, 8, 8) * 4
    assert torch.equal(flat(x), deep(x.unsqueeze(1)))
    check_input_shape(flat, (8, 8))
    with pytest.raises(UsageError, match=r"takes images \(8, 8\), .* shape \(1, 8, 8\). Try input=1x8x8"):
        check_input_shape(flat, (1, 8, 8))


def test_pools() -> None:
    mean, largest = build("convnet:P2-2,input=1x3x2"), build("convnet:MP2-2,input=1x3x2")
    x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0], [9.0, 9.0]]]])
    assert mean.pool1(x).tolist() == [[[[3.0]]]]
    assert largest.pool1(x).tolist() == [[[[6.0]]]]


def test_spiking_readout_and_settings() -> None:
    model = build("convnet:4C3-5,input=8x8,readout=spiking,decay=0.25,threshold=0.5")
    assert [name for name, _ in model.named_children()][-2:] == ["fc2", "lif2"]
    assert (model.lif1.decay, model.lif2.threshold) == (0.25, 0.5)
    assert set(model(torch.rand(3, 8, 8) * 9).unique().tolist()) <= {0.0, 1.0}


def test_first_parameters() -> None:
    model = build("convnet:4C3-16C3-5,input=2x8x8", 4)
    assert float(model.conv2.weight.detach().std()) * 6 == pytest.approx(2.74, rel=0.05)
    assert 0.9 < float(model.fc3.weight.detach().abs().max()) * 16 <= 1.0
    high = build("convnet:4C3-16C3-5,input=2x8x8,threshold=2,readout=spiking", 4)
    assert torch.equal(high.conv1.weight, 2 * model.conv1.weight)
    assert float(high.fc3.weight.detach().std()) * 16 == pytest.approx(2 * 2.74, rel=0.05)
    assert torch.equal(model.fc3.bias, build("convnet:4C3-16C3-5,input=2x8x8", 4).fc3.bias)


def test_spikes_reach_the_last_neurons() -> None:
    model = build("convnet:8C3p1-P2-16C3p1-P2-64-10,input=3x32x32")
    rates = []
    model.lif3.register_forward_hook(lambda layer, given, spikes: rates.append(float(spikes.mean())))
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _ in range(4):
            model(x)
    assert 0.005 < sum(rates) / 4 < 0.5


def test_notation_round_trips() -> None:
    written = str(build("convnet:4C3-MP2-6C3s2p3-7-5,input=8x8,padding=1,bias=no").spec)
    assert written == (
        "convnet:4C3s1p1-MP2-6C3s2p3-7-5,input=8x8,readout=linear,bias=no,decay=0.5,threshold=1.0"
    )
    assert str(build(written).spec) == written


def test_feedback() -> None:
    notation = "convnet:4C3p1-P2-6C3p1-P2-5,input=1x8x8"
    plain, fed = build(notation, 3), build(f"{notation},feedback=yes", 3)
    assert [name for name, _ in fed.named_children()] == [
        "conv1", "feedback", "lif1", "pool1", "conv2", "lif2", "remember", "pool2", "flatten", "fc3",
    ]  # fmt: skip
    assert fed.feedback.conv.weight.shape == (4, 6, 3, 3)
    assert not any(parameter.any() for parameter in fed.feedback.parameters())
    assert all(torch.equal(value, fed.state_dict()[name]) for name, value in plain.state_dict().items())
    assert str(fed.spec).endswith(",feedback=yes")
    assert str(build(str(fed.spec)).spec) == str(fed.spec)
    assert "feedback" not in str(plain.spec)
    x = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        fed.feedback.conv.bias.fill_(9.0)
        assert torch.equal(fed(x), plain(x))
        fed(x)
    assert describe(f"{notation},feedback=yes").layers[1].shape == (4, 8, 8)


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ("convnet:P2-5,input=8x8,feedback=yes", "feedback=yes needs a convolution"),
        (
            "convnet:4C3p1-P2-4C2-5,input=1x8x8,feedback=yes",
            "needs a last image 3x3 that fits the first, 8x8, a whole number of times",
        ),
        ("convnet:4C3-5,input=8x8,feedback=maybe", "feedback must be yes or no, not 'maybe'"),
        ("convnet", "the shape of its input is missing. Example: convnet:32C5-P2"),
        ("convnet:4C3-5", "the shape of its input is missing"),
        ("convnet:4C3-x-5,input=8x8", "model part 'x': there are 32C5, 32C5s2p1, P2, MP2 and 1024"),
        ("convnet:4C3(p2-5,input=8x8", r"model part '4C3\(p2'"),
        ("convnet:4C3,input=8x8", "the last part must be a number, the classes, not 4C3s1p0"),
        ("convnet:4C9-5,input=8x8", r"4C9s1p0 makes \(4, 0, 0\) of \(1, 8, 8\); extents must be 1..1048576"),
        ("convnet:P9-5,input=8x8", r"AP9 makes \(1, 0, 0\)"),
        ("convnet:7-4C3-5,input=8x8", "4C3s1p0 needs an image; it must stand before 7"),
        ("convnet:0C3-5,input=8x8", "model part '0C3': its numbers must be 1..1048576"),
        ("convnet:4C3s0-5,input=8x8", "its numbers must be"),
        ("convnet:9999999-5,input=8x8", "its numbers must be 1..1048576"),
        ("convnet:4C3p9999999-5,input=8x8", "extents must be 1..1048576"),
        ("convnet:4C3-5,input=8", "input must be CHANNELSxHEIGHTxWIDTH"),
        ("convnet:4C3-5,input=8x8,bias=maybe", "bias must be yes or no, not 'maybe'"),
        ("convnet:4C3-5,input=8x8,padding=-1", "padding must be an integer"),
        (
            "convnet:4C3-5,input=8x8,depth=2",
            "model convnet:4C3-5: no option 'depth=2'. There are input, padding",
        ),
    ],
)
def test_refuses(notation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(notation, device="meta")
