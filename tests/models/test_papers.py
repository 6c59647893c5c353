from __future__ import annotations

import pytest
import torch
import torch.fx

from neurodeploy.errors import UsageError
from neurodeploy.models import ARCHITECTURES, build, check_input_shape, describe
from neurodeploy.models.initialization import Draw
from neurodeploy.training import LIF
from neurodeploy.training.modules import LearnedScale, Recall, Remember, Scale, ScaledWSConv2d

PARAMETERS = {
    "vgg-sws": (9_228_362, 9.23),
    "vgg-f": (9_569_508, 9.57),
    "nf-resnet-34": (21_797_688, 21.8),
    "vgg-11": (11_001_354, 11.0),
    "vggsnn-dvs": (9_271_498, 9.27),
    "resnet-18": (11_173_962, 11.17),
    "resnet-19": (12_697_994, 12.70),
    "sew-resnet-34": (21_797_672, 21.8),
    "preact-resnet-34": (21_797_672, 21.8),
    "preact-resnet-34-avg": (21_797_672, 21.8),
    "sew-resnet-14": (11_106_688, 11.11),
}
SMALL = {
    "vgg-sws": "input=2x8x8,classes=3",
    "vgg-f": "input=2x8x8,classes=3",
    "nf-resnet-34": "input=2x32x32,classes=3",
    "vgg-11": "input=2x16x16,classes=3",
    "vggsnn-dvs": "input=2x16x16,classes=3",
    "resnet-18": "input=2x8x8,classes=3",
    "resnet-19": "input=2x8x8,classes=3",
    "sew-resnet-34": "input=2x32x32,classes=3",
    "preact-resnet-34": "input=2x32x32,classes=3",
    "preact-resnet-34-avg": "input=2x32x32,classes=3",
    "sew-resnet-14": "input=2x8x8,classes=3",
}


LEAVES = (LIF, ScaledWSConv2d, Scale, LearnedScale, Recall, Remember)


class Tracer(torch.fx.Tracer):
    def is_leaf_module(self, module: torch.nn.Module, name: str) -> bool:
        return isinstance(module, LEAVES) or super().is_leaf_module(module, name)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_as_in_the_paper(name: str) -> None:
    exact, millions = PARAMETERS[name]
    made = describe(name)
    assert made.parameters == exact
    assert exact / 1e6 == pytest.approx(millions, abs=0.05 if millions == 21.8 else 0.005)
    assert sum(layer.parameters for layer in made.layers) == exact
    assert made.layers[-1].shape == (ARCHITECTURES[name].classes,)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_runs_forgets_and_is_the_same_for_a_seed(name: str) -> None:
    notation = f"{name}:{SMALL[name]}"
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    model, again = build(notation, 1).eval(), build(notation, 1)
    assert torch.equal(torch.rand(1), expected)
    for (key, a), (_, b) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(a, b), key
        assert torch.isfinite(a).all(), key
    x = torch.rand(2, *model.spec.input_shape) * 4
    with torch.no_grad():
        first = [model(x) for _ in range(3)]
        model.reset()
        second = [model(x) for _ in range(3)]
    assert first[0].shape == (2, 3)
    assert torch.equal(torch.stack(first), torch.stack(second))
    assert (
        not torch.equal(model.state_dict()["fc.weight"], x) if "fc" in dict(model.named_children()) else True
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_number_is_set(name: str) -> None:
    model = build(f"{name}:{SMALL[name]}", device="meta").to_empty(device="cpu")
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 7)
    model.spec.initialize(model, Draw(0))
    for key, tensor in model.state_dict().items():
        assert torch.isfinite(tensor).all(), key
        assert not key.endswith("num_batches_tracked") or int(tensor) == 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_can_be_traced(name: str) -> None:
    model = build(f"{name}:{SMALL[name]}", device="meta")
    calls = [n for n in Tracer().trace(model).nodes if n.op == "call_function"]
    blocks = [m for m in model.modules() if type(m).__name__ == "Residual"]
    assert {n.target.__name__ for n in calls} == ({"add"} if blocks else set())
    assert len(calls) == len(blocks)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_notation_round_trips(name: str) -> None:
    written = str(build(f"{name}:{SMALL[name]}", device="meta").spec)
    assert written.startswith(f"{name}:{SMALL[name]},decay=")
    assert str(build(written, device="meta").spec) == written


def test_layers_of_a_vgg() -> None:
    made = describe("vgg-sws")
    shapes = {layer.name: layer.shape for layer in made.layers}
    assert list(shapes)[:5] == ["conv1", "lif1", "scale1", "conv2", "lif2"]
    assert [shapes[f"pool{i}"] for i in (1, 2, 3)] == [(128, 16, 16), (256, 8, 8), (512, 4, 4)]
    kinds = [layer.kind for layer in made.layers]
    assert (kinds.count("ScaledWSConv2d"), kinds.count("LIF")) == (8, 8)
    assert describe("vgg-sws:input=2x48x48").layers[0].shape == (64, 48, 48)


def test_first_parameters() -> None:
    vgg = build("vgg-sws:input=2x8x8")
    assert float(vgg.conv8.weight.detach().std()) == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert float(vgg.fc.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    assert not vgg.fc.bias.any()
    assert vgg.conv3.gain.unique().tolist() == [1.0]
    assert float(build("vgg-11:input=2x16x16").conv8.weight.detach().std()) == pytest.approx(0.5, rel=0.01)
    assert not build("nf-resnet-34:input=3x32x32").fc.weight.any()


def test_feedback_starts_at_the_second_step() -> None:
    plain, fed = build("vgg-sws:input=2x8x8,classes=3"), build("vgg-f:input=2x8x8,classes=3")
    assert not fed.feedback.conv.weight.any()
    fed.load_state_dict(
        {**plain.state_dict(), **{f"feedback.conv.{n}": v for n, v in fed.feedback.conv.state_dict().items()}}
    )
    x = torch.rand(1, 2, 8, 8) * 4
    with torch.no_grad():
        assert torch.equal(plain(x), fed(x))
        fed.feedback.conv.bias.fill_(2.0)
        fed.reset()
        plain.reset()
        outputs = []
        fed.lif1.register_forward_hook(lambda layer, given, spikes: outputs.append(given[0]))
        plain.lif1.register_forward_hook(lambda layer, given, spikes: outputs.append(given[0]))
        for step in (0.0, 2.0):
            fed(x)
            plain(x)
            assert torch.allclose(outputs[-2], outputs[-1] + step)


def test_variances_of_nf_resnet() -> None:
    model = build("nf-resnet-34:input=3x32x32", device="meta")
    stage = [model.get_submodule(f"stage3_{i}") for i in (1, 2, 3)]
    factors = [stage[0].scale.factor, stage[1].body.scale.factor, stage[2].body.scale.factor]
    assert factors == pytest.approx([(1 + 0.04 * 4) ** -0.5, 1.04**-0.5, 1.08**-0.5])


def test_usual_decays() -> None:
    assert build("vgg-sws", device="meta").lif1.decay == 0.5
    assert build("resnet-18", device="meta").lif.decay == 0.2
    assert build("resnet-18:decay=0.9,threshold=2", device="meta").stage2_1.lif.threshold == 2.0


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ("vgg-sws:input=3x20x20", "height and width must be multiples of 8"),
        ("vgg-sws:input=32x32", "input must be CHANNELSxHEIGHTxWIDTH, such as 3x32x32, not '32x32'"),
        ("vgg-sws:input=0x8x8", "extents of 1..1048576"),
        ("vgg-sws:classes=0", "classes must be an integer of 1..1048576, not '0'"),
        ("vgg-sws:width=3", "no option 'width=3'. There are input, classes, decay, threshold"),
        ("vgg-sws:classes=3,classes=4", "option classes is given twice"),
        ("resnet-18:decay=1.5", r"decay must be in \[0, 1\], not '1.5'"),
        ("resnet-18:threshold=nan", r"threshold must be positive and at most 1e\+30, not 'nan'"),
    ],
)
def test_refuses(notation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(notation, device="meta")


def test_refuses_data_of_another_shape() -> None:
    with pytest.raises(
        UsageError, match=r"takes images \(3, 32, 32\), .* \(2, 48, 48\). Try vgg-sws:input=2x48x48"
    ):
        check_input_shape(build("vgg-sws", device="meta"), (2, 48, 48))
    with pytest.raises(UsageError, match="shape"):
        describe("resnet-18", (3, 16, 16))
