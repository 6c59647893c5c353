from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.fx

from neurodeploy.errors import UsageError
from neurodeploy.models import build, check_input_shape
from neurodeploy.training import LIF


def test_layers_and_defaults() -> None:
    model = build("mlp:784-256-10")
    assert [name for name, _ in model.named_children()] == ["flatten", "fc1", "lif1", "fc2"]
    assert (model.lif1.decay, model.lif1.threshold, model.lif1.reset_mode) == (0.5, 1.0, "subtract")


def test_spiking_readout() -> None:
    model = build("mlp:64-32-16-10,readout=spiking,decay=0.75,threshold=2")
    assert [name for name, _ in model.named_children()][-1] == "lif3"
    assert (model.lif3.decay, model.lif3.threshold) == (0.75, 2.0)
    assert set(model(torch.rand(3, 8, 8) * 9).unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("notation", ["mlp:4-2", "mlp:64-32-10,readout=spiking,decay=0.1,threshold=0.3"])
def test_notation_round_trips(notation: str) -> None:
    written = str(build(notation).spec)
    assert written.startswith(notation)
    assert str(build(written).spec) == written


def test_seed_fixes_the_weights_and_spares_the_global_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    a, b, c = build("mlp:4-3-2", 1), build("mlp:4-3-2", 1), build("mlp:4-3-2", 2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(a.fc1.weight, b.fc1.weight)
    assert not torch.equal(a.fc1.weight, c.fc1.weight)
    assert float(a.fc1.weight.detach().abs().max()) <= 0.5


def test_weights_of_a_seed_never_change() -> None:
    model, draw = build("mlp:20-30-10", 3), torch.Generator().manual_seed(3)
    for layer in (model.fc1, model.fc2):
        bound = layer.in_features**-0.5
        for parameter in (layer.weight, layer.bias):
            drawn = torch.empty_like(parameter).uniform_(-bound, bound, generator=draw)
            assert torch.equal(parameter, drawn)


def test_traces_with_neurons_as_leaves() -> None:
    class Tracer(torch.fx.Tracer):
        def is_leaf_module(self, module: torch.nn.Module, name: str) -> bool:
            return isinstance(module, LIF) or super().is_leaf_module(module, name)

    graph = Tracer().trace(build("mlp:4-3-2"))
    assert [n.target for n in graph.nodes if n.op == "call_module"] == ["flatten", "fc1", "lif1", "fc2"]


def test_neurons_reset_as_the_notation_says() -> None:
    for option, reset in (("", "subtract"), (",reset=subtract", "subtract"), (",reset=zero", "zero")):
        model = build(f"mlp:4-3-2{option}")
        assert repr(model.get_submodule("lif1")).endswith(f"reset={reset!r})")
        assert str(model.spec).endswith(",reset=zero") == (reset == "zero")
        assert build(str(model.spec)).spec == model.spec


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ("vgg:64", "no model 'vgg'. There is mlp, convnet, event, vgg-sws, .*: for example mlp:784-256-10"),
        ("mlp", "must be two or more positive sizes"),
        ("mlp:784", "must be two or more positive sizes"),
        ("mlp:784-0-10", "must be two or more positive sizes"),
        ("mlp:784--10", "must be two or more positive sizes"),
        ("mlp:784-9999999-10", "9999999 neurons; the limit is 1048576"),
        ("mlp:4-2,readout=maybe", "readout must be linear or spiking, not 'maybe'"),
        ("mlp:4-2,depth=3", "no option 'depth=3'. There are readout, decay, threshold, reset"),
        ("mlp:4-2,reset=half", "reset must be subtract or zero, not 'half'"),
        ("mlp:4-2,decay=x", r"decay must be a number in \[0, 1\], not \'x\'"),
        ("mlp:4-2,decay=1.5", r"decay must be in \[0, 1\], not '1.5'"),
        ("mlp:4-2,decay=nan", r"decay must be in \[0, 1\], not 'nan'"),
        ("mlp:4-2,threshold=0", r"threshold must be positive and at most 1e\+30, not '0'"),
        ("mlp:4-2,decay=0.1,decay=0.2", "option decay is given twice"),
    ],
)
def test_refuses(notation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(notation)


def test_refuses_data_of_another_size() -> None:
    with pytest.raises(
        UsageError, match=r"takes 784 inputs, .* has 64 \(shape \(8, 8\)\). Try mlp:64-256-10"
    ):
        check_input_shape(build("mlp:784-256-10"), (8, 8))


def test_models_is_not_a_top_level_package() -> None:
    done = subprocess.run([sys.executable, "-c", "import models"], capture_output=True, text=True)
    assert "import neurodeploy.models, not models" in done.stderr
