"""Feedback over one time step: what is trained of it, what is refused, and that it deploys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neurodeploy.cli.main import main
from neurodeploy.errors import UnsupportedError
from neurodeploy.models import build
from neurodeploy.training import gradients, load_run
from neurodeploy.training.optimizers import SGD
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import RULES
from tests.training.networks import T, batch, fed_back, frames_of, ready, relative

FEEDBACK = ("1.conv.weight", "1.conv.bias", "10.conv.weight")


@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o", "bptt"])
def test_one_step_feeds_nothing_back(rule: str) -> None:
    module, (x, y) = ready(fed_back()), batch()
    found = gradients(module, x, y, rule, 1).gradients
    assert found.keys() == dict(module.named_parameters()).keys()
    assert not any(found[name].any() for name in FEEDBACK)
    again = gradients(module, x, y, rule, 2).gradients
    assert all(again[name].any() for name in FEEDBACK)


def test_online_updates_reach_the_feedback() -> None:
    """The first of them is of a step without feedback; the sum without learning is that of ottt-a."""
    module, (x, y) = ready(fed_back()), batch()
    seen: list[dict[str, torch.Tensor]] = []
    with torch.no_grad():
        RULES["ottt-o"].learner(module, "recommended", {}).learn(Batch(x, y, T), seen.append)
    assert [bool(step["1.conv.weight"].any()) for step in seen] == [False] + [True] * (T - 1)
    whole = gradients(module, x, y, "ottt-a", T).gradients
    for name, gradient in whole.items():
        assert relative(sum(step[name] for step in seen), gradient) < 1e-12, name  # type: ignore[arg-type]


def test_feedback_alone_learns() -> None:
    module, (x, y) = ready(fed_back()), batch()
    parameters = {name: p.data for name, p in module.named_parameters() if name in FEEDBACK}
    optimizer, before = SGD(parameters, 0.9, 0.0), gradients(module, x, y, "ottt-a", T)
    for _ in range(30):
        optimizer.update(parameters, gradients(module, x, y, "ottt-a", T).gradients, 0.05)
    after = gradients(module, x, y, "ottt-a", T)
    assert torch.equal(after.outputs[0], before.outputs[0])
    assert after.loss < 0.9 * before.loss


def test_numbers_of_16_bits() -> None:
    module, (x, y) = ready(fed_back()).float(), batch()
    learner = RULES["ottt-a"].learner(module, "recommended", {})
    with torch.no_grad():
        exact = learner.gradients(Batch(x.float(), y, 2)).gradients
        learner.round_to(torch.bfloat16)
        rounded = learner.gradients(Batch(x.float(), y, 2)).gradients
    for name in FEEDBACK:
        cosine = torch.nn.functional.cosine_similarity(exact[name].flatten(), rounded[name].flatten(), dim=0)
        assert cosine > 0.9
        assert not torch.equal(exact[name], rounded[name])


@pytest.mark.parametrize("rule", ["rate-m", "rate-s"])
def test_rates_have_no_step_before(rule: str) -> None:
    x, y = batch()
    with pytest.raises(
        UnsupportedError, match="layer '1' feeds spikes back, which the rate rules cannot train"
    ):
        gradients(ready(fed_back()), x, y, rule, T)


def test_vgg_f() -> None:
    """What is trained runs as the module does, spikes of the last layer included."""
    module, draw = build("vgg-f:input=2x8x8,classes=3,threshold=0.3"), torch.Generator().manual_seed(0)
    with torch.no_grad():
        module.feedback.conv.weight.normal_(0.0, 0.05, generator=draw)
        x = 2 * torch.randn(1, 2, 8, 8, generator=draw)
        alone = torch.stack([module(x) for _ in range(3)])
    found = gradients(module, x, torch.tensor([2]), "ottt-a", 3, preset="official")
    torch.testing.assert_close(found.outputs, alone)
    assert found.spikes["lif8"].any()
    assert found.gradients["feedback.conv.weight"].any()
    assert found.gradients.keys() == dict(module.named_parameters()).keys()


def test_trained_on_the_command_line_and_deployed(tmp_path: Path) -> None:
    run, net = str(tmp_path / "run"), str(tmp_path / "net.onnx")
    model = "convnet:3C3p1-P2-4C3p1-P4-10,input=8x8,feedback=yes"
    what = ["--model", model, "--data", "digits", "--rule", "ottt-o", "--steps", "2"]
    assert main(["train", *what, "--epochs", "1", "-o", run, "-q"]) == 0
    module, info = load_run(tmp_path / "run")
    assert info.model.endswith("feedback=yes")
    assert module.get_parameter("feedback.conv.weight").any()
    assert main(["compile", run, "-o", net, "--calibrate", "digits", "-q"]) == 0
    verify = ["verify", net, "--data", "digits", "--limit", "20", "--backends", "engine,onnxruntime", "-q"]
    assert main(verify) == 0


def test_frames_differ_from_a_static_input() -> None:
    """Over a changing input as over a static one, conv1's part of the gradient is traced apart from feedback's."""
    module, (x, y) = ready(fed_back()), batch()
    moving = gradients(module, frames_of(x), y, "ottt-a", T, time_axis=True).gradients
    still = gradients(module, x.expand(T, *x.shape), y, "ottt-a", T, time_axis=True).gradients
    static = gradients(module, x, y, "ottt-a", T).gradients
    for name in static:
        assert relative(still[name], static[name]) < 1e-12
    assert relative(moving["1.conv.weight"], static["1.conv.weight"]) > 1e-3
