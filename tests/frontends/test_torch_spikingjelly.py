from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from neurodeploy import ir
from neurodeploy.errors import UnsupportedError
from tests.frontends.agreement import active, chain, imported, seeded

pytest.importorskip("spikingjelly")
from spikingjelly.activation_based import functional, layer, neuron


@pytest.mark.parametrize("v_reset", [None, 0.0, -0.3, 0.2])
def test_integrate_and_fire(v_reset: float | None) -> None:
    graph = active(imported(chain(neuron.IFNode(1.2, v_reset), neuron.IFNode(1.0, None))))
    lif = graph.of(ir.LIF)["1"]
    assert (lif.decay, lif.compare, lif.reset) == (1.0, "ge", "subtract" if v_reset is None else "zero")
    assert lif.threshold == 1.2 - (v_reset or 0.0)
    assert lif.initial == 0.0


@pytest.mark.parametrize("v_reset", [None, 0.0, -0.3, 0.2])
@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("kind", [neuron.LIFNode, neuron.ParametricLIFNode])
def test_leaky_integrate_and_fire(kind: Any, decay_input: bool, v_reset: float | None) -> None:
    neurons = kind(2.5, decay_input, 0.35 if decay_input else 0.9, v_reset)
    graph = active(imported(chain(neurons, neuron.LIFNode(2.0, v_threshold=0.5))))
    assert graph.of(ir.LIF)["1"].decay == pytest.approx(0.6, rel=1e-6)
    assert ("1.gain" in graph.names) == decay_input


@pytest.mark.parametrize("v_reset", [0.0, -0.3])
def test_classes_that_start_at_zero(v_reset: float) -> None:
    hidden = neuron.SimpleLIFNode(2.0, False, 0.9, v_reset)
    lif = active(imported(chain(hidden, neuron.SimpleIFNode(1.0, v_reset)))).of(ir.LIF)["1"]
    assert lif.initial == -v_reset
    assert lif.threshold == 0.9 - v_reset


def test_half_threshold() -> None:
    graph = active(imported(chain(neuron.HalfThresholdIFNode(2.0), neuron.IFNode())))
    assert graph.of(ir.LIF)["1"].initial == 1.0


def convolutions() -> nn.Sequential:
    module = nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1, bias=False),
        layer.BatchNorm2d(4),
        neuron.LIFNode(v_threshold=0.1),
        layer.MaxPool2d(2),
        layer.Conv2d(4, 6, 3, padding=1),
        neuron.IFNode(1.5, v_reset=None),
        layer.AvgPool2d(3),
        layer.Dropout(0.5),
        layer.Flatten(),
        layer.Linear(6, 3),
        neuron.LIFNode(v_threshold=0.2),
    )
    return seeded(module)  # type: ignore[return-value]


def test_layers() -> None:
    graph = active(imported(convolutions(), (2, 6, 6)), (2, 6, 6))
    assert [type(graph.op(str(i))) for i in (0, 1, 3, 6)] == [ir.Conv, ir.Scale, ir.MaxPool, ir.AveragePool]


def test_multi_step_mode() -> None:
    module = convolutions()
    functional.set_step_mode(module, "m")
    with pytest.raises(UnsupportedError, match=r"layer '0' is in step mode 'm', .*set_step_mode\(net, 's'\)"):
        imported(module, (2, 6, 6))


def test_state_of_training_does_not_matter() -> None:
    module = chain(neuron.LIFNode(), neuron.IFNode())
    fresh = imported(module).graph
    module(torch.rand(12, 8))
    kept = module[1].v.clone()
    assert imported(module).graph == fresh
    assert torch.equal(module[1].v, kept)


def test_unknown_neuron() -> None:
    with pytest.raises(UnsupportedError, match=r"layer '1' is a spikingjelly.*IzhikevichNode, which is not"):
        imported(chain(neuron.IzhikevichNode(), neuron.IFNode()))
