"""What is held for the backward pass does not grow with the number of steps."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from neurodeploy.models import build
from neurodeploy.training.online import OnlinePass, OTTTOptions
from neurodeploy.training.rate_pass import RateOptions, RatePass
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch
from tests.training.networks import SHAPE, conv, fed_back


def held_bytes(thing: object) -> int:
    """Bytes of all tensors that can be reached from `thing`, each storage once."""
    seen: set[int] = set()
    storages: dict[int, int] = {}
    stack: list[object] = [thing]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            storages[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()
        elif isinstance(thing, (list, tuple, dict)) or type(thing).__module__.startswith("neurodeploy"):
            stack.extend(gc.get_referents(thing))
    return sum(storages.values())


def held_by(rule: str, module: nn.Module, x: torch.Tensor, steps: int, time_axis: bool) -> int:
    """Bytes at the end of the forward pass over `steps` steps."""
    batch = Batch(x[:steps] if time_axis else x, torch.zeros(16).long(), steps, time_axis)
    with torch.no_grad():
        if rule == "ottt":
            run: object = OnlinePass(network_of(module), batch, OTTTOptions())
            for t in range(steps):
                run.step(t)  # type: ignore[attr-defined]
        else:
            run = RatePass(network_of(module), batch, RateOptions(), joint=rule == "rate-m")
    return held_bytes(run)


@pytest.mark.parametrize("time_axis", [False, True])
def test_feedback_is_traced_as_it_is_fed_back(time_axis: bool) -> None:
    x = torch.rand(64, 16, *SHAPE) if time_axis else torch.rand(16, *SHAPE)
    few, many = (held_by("ottt", fed_back(), x, steps, time_axis) for steps in (2, 64))
    assert few == many


@pytest.mark.parametrize("rule", ["ottt", "rate-m", "rate-s"])
@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.parametrize("convolutional", [False, True])
def test_equal_at_2_and_64_steps(rule: str, time_axis: bool, convolutional: bool) -> None:
    module = conv() if convolutional else build("mlp:128-40-30-10,readout=spiking")
    x = torch.rand(64, 16, *SHAPE) if time_axis else torch.rand(16, *SHAPE)
    few, many = (held_by(rule, module, x, steps, time_axis) for steps in (2, 64))
    assert few > 40 * 16 * 4
    assert few == many
