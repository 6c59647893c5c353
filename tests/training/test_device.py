"""Where tensors are made: on the device of the data, never on a default one."""

from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import BackendMissing, UsageError
from neurodeploy.models import build
from neurodeploy.training import choose_device
from neurodeploy.training.optimizers import make_optimizer
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import RULES
from tests.training.networks import batch, conv, frames_of, ready


@pytest.mark.parametrize("precision", [None, torch.float16])
@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.filterwarnings("ignore:the input changes over time")
def test_nothing_is_made_on_the_default_device(
    rule: str, time_axis: bool, precision: torch.dtype | None
) -> None:
    """With 'meta' as the default device, a tensor made without naming a device cannot be calculated with."""
    x, y = batch()
    module = build("event:2x8x8-4C3-P2-3,normalize=cifar10-dvs")
    if rule != "event":
        module = ready(conv(norm=not rule.startswith("ottt"))).float()
    x = (frames_of(x) if time_axis else x).float()
    learner = RULES[rule].learner(module, "recommended", {})
    if precision:
        learner.round_to(precision)
    parameters = {name: p.data for name, p in module.named_parameters()}
    optimizer = make_optimizer("adam", parameters, 0.0, 0.1)
    with torch.no_grad(), torch.device("meta"):
        of = Batch(x, y, 5, time_axis)
        learner.learn(of, lambda found: optimizer.update(parameters, found, 0.01))
        learner.gradients(of)
        assert learner.votes(of).device.type == "cpu"


def test_choose() -> None:
    assert choose_device("cpu", 3) == torch.device("cpu")
    for name in ("tpu", "cuda:x", "cuda:", "cpu:0", "", "cuda:-1"):
        with pytest.raises(UsageError, match="There are cpu, cuda and cuda:N"):
            choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu() -> None:
    with pytest.raises(
        BackendMissing, match=r"device cuda:1: torch .* finds no CUDA GPU .* Try the device cpu"
    ):
        choose_device("cuda:1")


def test_gpus_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda", 1) == torch.device("cuda", 1)
    assert choose_device("cuda:0", 1) == torch.device("cuda", 0)
    with pytest.raises(UsageError, match=r"GPU 2 is asked for, but there are 2 \(0..1\)"):
        choose_device("cuda:2")
