from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from neurodeploy.errors import UnsupportedError
from neurodeploy.models import build
from neurodeploy.training import LIF, PRESETS
from neurodeploy.training.chain import chain_of
from neurodeploy.training.ottt import OnlinePass


def test_names_and_parameters_are_the_modules() -> None:
    model = build("mlp:4-3-2,readout=spiking")
    layers = chain_of(model)
    assert [(layer.name, layer.neuron_name) for layer in layers] == [("fc1", "lif1"), ("fc2", "lif2")]
    assert layers[0].weight is model.fc1.weight


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(2, 2), "cannot train a Linear"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), r"layer '1' \(ReLU\) does not fit"),
        (nn.Sequential(LIF()), r"layer '0' \(LIF\) does not fit"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), r"layer '1' \(Linear\)"),
        (nn.Sequential(nn.Flatten()), "no Linear layer"),
    ],
)
def test_refuses_what_is_no_chain(module: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        chain_of(module)


def test_layers_without_bias_learn_too() -> None:
    module = nn.Sequential(nn.Linear(4, 3, bias=False), LIF(), nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        run = OnlinePass(
            chain_of(module), torch.rand(5, 4), torch.ones(5).long(), 2, False, PRESETS["official"]
        )
        run.step(0)
        assert set(run.take_gradients()) == {"0.weight", "2.weight"}


def held_bytes(run: OnlinePass) -> int:
    """Bytes of all tensors that can be reached from `run`, each storage once."""
    seen: set[int] = set()
    storages: dict[int, int] = {}
    stack: list[object] = [run]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            storages[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()
        elif isinstance(thing, (list, tuple, dict, OnlinePass)) or hasattr(thing, "layers"):
            stack.extend(gc.get_referents(thing))
    return sum(storages.values())


@pytest.mark.parametrize("time_axis", [False, True])
def test_memory_does_not_grow_with_time(time_axis: bool) -> None:
    layers = chain_of(build("mlp:50-40-30-10,readout=spiking"))
    x = torch.rand(50, 64, 50) if time_axis else torch.rand(64, 50)
    labels = torch.zeros(64).long()
    with torch.no_grad():
        run = OnlinePass(layers, x, labels, 50, time_axis, PRESETS["recommended"])
        sizes = []
        for t in range(50):
            run.step(t)
            sizes.append(held_bytes(run))
    assert sizes[0] > 50 * 64 * 4
    assert sizes[2] == sizes[49]
