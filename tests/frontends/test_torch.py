from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import neurodeploy as nd
from neurodeploy import ir
from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.torch import import_torch
from neurodeploy.ir import Dense, Readout
from neurodeploy.models import build
from neurodeploy.training import LIF
from tests.frontends.agreement import Forward
from tests.frontends.modules import small
from tests.nets import pixels


def imported(module: nn.Module, shape: tuple[int, ...] = (8,), steps: int = 4) -> Imported:
    return import_torch(module, shape, steps, pixels((20, *shape)))


@pytest.mark.parametrize("notation", ["mlp:16-12-5", "mlp:16-7-6-3,readout=spiking,decay=0.25,threshold=0.3"])
def test_models_of_the_package(notation: str) -> None:
    model = build(notation, seed=3)
    graph = imported(model, (4, 4)).graph
    assert graph.names[:2] == ("input", "flatten")
    dense = graph.of(Dense)
    np.testing.assert_array_equal(dense["fc1"].weight, model.fc1.weight.detach().numpy())
    np.testing.assert_array_equal(dense["fc1"].bias, model.fc1.bias.detach().numpy())
    lif = graph.of(ir.LIF)["lif1"]
    assert (lif.decay, lif.threshold, lif.reset, lif.compare) == (
        model.spec.decay,
        model.spec.threshold,
        "subtract",
        "ge",
    )
    assert (graph.output == "readout") == (model.spec.readout == "linear")


def test_what_is_left_out_or_assumed_is_noted() -> None:
    module = nn.Sequential(
        nn.Linear(8, 6, bias=False), LIF(reset="zero"), nn.Dropout(0.5), nn.Identity(), nn.Linear(6, 3)
    )
    found = imported(module)
    assert [str(note) for note in found.notes] == [
        "2: left out: it changes nothing when the network runs",
        "3: left out: it changes nothing when the network runs",
        "4: has no neurons behind it: read out as the sum of its outputs over time",
    ]
    assert found.graph.of(Dense)["0"].bias.tolist() == [0.0] * 6
    assert found.graph.of(ir.LIF)["1"].reset == "zero"
    assert found.graph.of(Readout)["readout"].decay == 1.0


@pytest.mark.parametrize("name", ["readout", "output", "input", "x", "spikes", "samples", "block.s"])
def test_any_layer_name(name: str) -> None:
    last: OrderedDict[str, nn.Module] = OrderedDict(fc1=nn.Linear(8, 6), lif1=LIF(0.5, 0.2))
    module = nn.Sequential(last)
    parent: nn.Module = module
    if "." in name:
        parent = nn.Sequential()
        module.add_module(name.split(".")[0], parent)
    parent.add_module(name.split(".")[-1], nn.Linear(6, 3))
    network = nd.compile(module, pixels((20, 8)), steps=4)
    assert nd.verify(network, pixels((20, 8)), ("engine", "onnxruntime")).equal


def twice(self: Any, x: torch.Tensor) -> Any:
    return self.lif(self.fc(self.fc(x)))


def depends_on_data(self: Any, x: torch.Tensor) -> Any:
    return self.fc(x) if x.sum() > 0 else self.fc(-x)


class Subclass(nn.Linear):
    """Not the layer that the table knows: its forward may do anything."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(x, self.weight)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Flatten(0)), "Flatten(start_dim=0, end_dim=-1) is not supported"),
        (Forward(twice, fc=nn.Linear(8, 8), lif=LIF()), "layer 'fc' is called twice in one time step"),
        (Forward(depends_on_data, fc=nn.Linear(8, 8)), "Forward cannot be traced (TraceError"),
        (
            Subclass(8, 3),
            "operation 'linear' calls linear, which is not supported; use a module instead, and leave",
        ),
    ],
)
def test_unsupported(module: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        imported(module)
    assert message in str(caught.value)


class TwoInputs(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x


class Sum(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


@pytest.mark.parametrize("module", [TwoInputs(), Sum()])
def test_two_inputs(module: nn.Module) -> None:
    with pytest.raises(UnsupportedError, match="the module has a second input 'y'; only one is supported"):
        imported(module)


class Optional(nn.Module):
    """An input with a default keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 3)

    def forward(
        self, x: torch.Tensor, labels: torch.Tensor | None = None, scaled: bool = True
    ) -> torch.Tensor:
        result: torch.Tensor = self.fc(x) if labels is None else labels
        return 2 * result if scaled else result


def test_inputs_with_a_default() -> None:
    assert "mul" in imported(Optional()).graph.names


def test_layers_whose_result_is_not_used() -> None:
    module = Forward(
        lambda self, x: (self.aux(x).relu(), self.fc(x))[1], fc=nn.Linear(8, 3), aux=nn.Linear(8, 2)
    )
    found = imported(module)
    assert str(found.notes[0]) == "aux: left out: its result is not used"
    assert "aux" not in found.graph.names


def test_two_outputs() -> None:
    module = Forward(lambda self, x: (self.fc(x), self.fc2(x)), fc=nn.Linear(8, 3), fc2=nn.Linear(8, 3))
    with pytest.raises(
        InputError, match="the module returns 2 values; it must return one result, and behind it st"
    ):
        imported(module)


def test_outputs_that_are_none() -> None:
    with pytest.raises(InputError, match="the module must return a tensor, not"):
        imported(Forward(lambda self, x: {"out": self.fc(x)}, fc=nn.Linear(8, 3)))
    with pytest.raises(InputError, match="the output takes Parameter containing"):
        imported(Forward(lambda self, x: self.fc.bias, fc=nn.Linear(8, 3)))


def test_a_layer_with_two_inputs() -> None:
    module = Forward(lambda self, x: self.both(x, x), both=nn.Linear(8, 3))
    with pytest.raises(
        InputError, match="layer 'both' must take one tensor, and states that are None at fir"
    ):
        imported(module)


def test_one_layer() -> None:
    graph = imported(nn.Linear(8, 3)).graph
    assert graph.names == ("input", "linear", "readout", "output")


def test_a_module_that_cannot_run_the_sample() -> None:
    module = nn.Sequential(nn.Linear(8, 3))
    module[0].register_forward_pre_hook(lambda layer, given: (given[0][:, :, None],))
    with pytest.raises(InputError, match=r"Sequential cannot run the sample \(20, 8\): RuntimeError: mat1"):
        imported(module)


def test_input_of_another_size() -> None:
    with pytest.raises(
        InputError, match=r"layer 'fc1': op 'dense': weight \(12, 64\) takes 64 inputs, but gets shape \(8,\)"
    ):
        imported(small())


def test_graph_that_differs_from_the_module() -> None:
    module = nn.Sequential(nn.Linear(8, 6), LIF(0.5, 0.2), nn.Linear(6, 3))
    module[1].register_forward_hook(lambda layer, given, result: result * 0)
    with pytest.raises(
        InputError,
        match=r"the traced graph does not compute what the module does: .* differ, first at step 0, sample \d+, ",
    ):
        imported(module)


def test_nan_weights_name_the_layer() -> None:
    module = small(inputs=8)
    module.fc2.weight.data[1, 2] = float("nan")
    with pytest.raises(InputError, match=r"'fc2'.*weight holds 1 of 120 values that are NaN"):
        imported(module)


def test_the_module_is_not_changed() -> None:
    module = small(readout=False, inputs=8)
    module.train()
    module(torch.rand(3, 8))
    weights, potential = copy.deepcopy(module.state_dict()), module.lif1.v.clone()
    nd.compile(module, pixels((20, 8)), steps=3)
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert torch.equal(module.lif1.v, potential)
    assert all(layer.training for layer in module.modules())


def test_state_left_in_the_module_has_no_effect() -> None:
    fresh, used = small(inputs=8), small(inputs=8)
    used(torch.rand(20, 8))
    assert nd.compile(fresh, pixels((20, 8)), steps=3) == nd.compile(used, pixels((20, 8)), steps=3)


def test_numbers_that_a_graph_cannot_hold_are_rounded_and_noted() -> None:
    module = small(inputs=8).double()
    module.fc1.weight.data += 1e-12
    notes = [str(note) for note in imported(module).notes]
    assert notes.count("fc1: its torch.float64 numbers rounded to float32") == 1
    assert not any(note.startswith("fc2: its") for note in notes)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    module = small(inputs=8)
    rounded = copy.deepcopy(module).to(dtype)
    network = nd.compile(rounded, pixels((20, 8)), steps=3)
    assert nd.verify(network, pixels((20, 8)), ("engine", "onnxruntime")).equal
