from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy import ir
from neurodeploy.errors import InputError, UnsupportedError
from tests.frontends.agreement import Forward, active, chain, imported, result_of, seeded

snn = pytest.importorskip("snntorch")

BETA = torch.linspace(0.2, 1.2, 12)
THRESHOLD = torch.linspace(0.4, 0.9, 12)
V = torch.linspace(-0.5, 0.5, 12)


def last() -> Any:
    return snn.Leaky(0.8, threshold=0.4, init_hidden=True, output=True)


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("beta", [0.9, 0.0, BETA])
def test_leaky(reset: str, delay: bool, beta: Any) -> None:
    neurons = snn.Leaky(beta, threshold=THRESHOLD, reset_mechanism=reset, reset_delay=delay, init_hidden=True)
    graph = active(imported(chain(neurons, last())))
    lif = graph.of(ir.LIF)["1"]
    assert (lif.compare, lif.reset, lif.refractory) == ("gt", "zero" if reset == "zero" else "subtract", 0)
    np.testing.assert_array_equal(lif.threshold, neurons.threshold.numpy())


def test_a_late_reset_is_divided_by_the_decay() -> None:
    graph = imported(chain(snn.Leaky(0.5, init_hidden=True), last())).graph
    assert graph.of(ir.LIF)["1"].reset_by == 2.0


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("delay", [True, False])
def test_synaptic(reset: str, delay: bool) -> None:
    neurons = snn.Synaptic(
        0.6, BETA, threshold=2 * THRESHOLD, reset_mechanism=reset, reset_delay=delay, init_hidden=True
    )
    lif = active(imported(chain(neurons, last()))).of(ir.LIF)["1"]
    assert lif.current_decay == np.float32(0.6)
    assert lif.refractory == int(reset == "zero" and delay)


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("kind", ["dense", "own", "shared"])
def test_rleaky(reset: str, kind: str) -> None:
    synapses: dict[str, Any] = {
        "dense": {"linear_features": 12},
        "own": {"all_to_all": False, "V": V},
        "shared": {"all_to_all": False, "V": 0.25},
    }[kind]
    neurons = seeded(
        snn.RLeaky(0.8, threshold=THRESHOLD, reset_mechanism=reset, init_hidden=True, **synapses),
        low=-0.3,
        high=0.2,
    )
    graph = active(imported(chain(neurons, last())))
    assert graph.of(ir.Delay)["1.delay"].steps == 1
    assert ("1", "1.delay") in graph.feedback
    assert ("1.recurrent", "1") in graph.edges


def test_rsynaptic() -> None:
    neurons = snn.RSynaptic(0.5, 0.8, linear_features=12, threshold=2.0, init_hidden=True)
    active(imported(chain(seeded(neurons, low=-0.2, high=0.2), last())))


@pytest.mark.parametrize("settings", [{"beta": 0.7}, {"R": 5.0, "C": 1.4}])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_lapicque(settings: dict[str, float], reset: str) -> None:
    neurons = snn.Lapicque(**settings, threshold=0.5, reset_mechanism=reset, init_hidden=True)
    active(imported(chain(neurons, last())))


def test_convolutions_with_recurrent_ones() -> None:
    neurons = seeded(
        snn.RLeaky(0.7, conv2d_channels=4, kernel_size=3, threshold=2.0, init_hidden=True), low=-0.2, high=0.2
    )
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), neurons, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3), last()
    )
    seeded(module[0])
    active(imported(module, (2, 6, 6)), (2, 6, 6))


def states_in_the_layers(self: Any, x: torch.Tensor) -> Any:
    spikes, _ = self.lif1(self.fc1(x))
    return self.lif2(self.fc2(spikes))


def test_states_that_are_returned_are_left_out() -> None:
    module = Forward(
        states_in_the_layers,
        fc1=seeded(nn.Linear(8, 12)),
        lif1=snn.Leaky(0.8),
        fc2=seeded(nn.Linear(12, 5)),
        lif2=snn.Leaky(0.9),
    )
    active(imported(module))


class Threaded(nn.Module):
    """States are taken and returned, as snnTorch's own examples do."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = seeded(nn.Linear(8, 12)), snn.Synaptic(0.5, 0.8)
        self.fc2, self.lif2 = seeded(nn.Linear(12, 5)), snn.Leaky(0.9, reset_mechanism="none")

    def forward(self, x: torch.Tensor, syn1: Any, mem1: Any, mem2: Any) -> Any:
        spikes, syn1, mem1 = self.lif1(self.fc1(x), syn1, mem1)
        spikes, mem2 = self.lif2(self.fc2(spikes), mem2)
        return spikes, syn1, mem1, mem2


def test_states_that_are_handed_on() -> None:
    assert imported(Threaded()).graph.output == "lif2"


class Reads(Threaded):
    """The membrane potential is the result."""

    def forward(self, x: torch.Tensor) -> Any:  # type: ignore[override]
        spikes, _, _ = self.lif1(self.fc1(x))
        spikes, membrane = self.lif2(self.fc2(spikes))
        return membrane, spikes


def test_membrane_potential_as_the_result() -> None:
    found = imported(Reads())
    assert found.graph.of(ir.Readout)["lif2"].decay == np.float32(0.9)
    assert result_of(found, (8,)).is_readout
    assert str(found.notes[-1]) == "output: 1 states that the module returns too are left out"


def test_membrane_potential_of_neurons_that_reset() -> None:
    module = Reads()
    module.lif2 = snn.Leaky(0.9)
    with pytest.raises(
        UnsupportedError, match="layer 'lif2': its membrane potential is used, which there is"
    ):
        imported(module)


class Both(Reads):
    def forward(self, x: torch.Tensor) -> Any:
        spikes, membrane = self.lif2(self.fc2(self.fc1(x)))
        return spikes + membrane


def test_spikes_and_membrane_potential() -> None:
    with pytest.raises(
        UnsupportedError, match="layer 'lif2': of its result and its states only one can be used"
    ):
        imported(Both())


def test_graded_spikes() -> None:
    graph = active(imported(chain(snn.Leaky(0.8, init_hidden=True, graded_spikes_factor=0.75), last())))
    assert graph.of(ir.Scale)["1.graded"].scale == 0.75


def test_a_second_subtraction_is_found() -> None:
    neurons = snn.RLeaky(0.5, linear_features=12, threshold=0.3, reset_delay=False, init_hidden=True)
    seeded(neurons, low=-0.5, high=0.2)
    with pytest.raises(
        InputError, match=r"does not compute what the module does: .*; layer '1': reset_delay=False is"
    ):
        imported(chain(neurons, last()))


def test_state_of_training_does_not_matter() -> None:
    module = chain(snn.Leaky(0.8, init_hidden=True), last())
    fresh = imported(module).graph
    module(torch.rand(12, 8))
    kept = module[1].mem.clone()
    assert imported(module).graph == fresh
    assert torch.equal(module[1].mem, kept)


@pytest.mark.parametrize(
    ("neurons", "message"),
    [
        (
            lambda: snn.Alpha(0.9, 0.8, init_hidden=True),
            "layer '1' is a snntorch.*Alpha, whose membrane potential",
        ),
        (
            lambda: snn.Leaky(0.9, inhibition=True, init_hidden=True),
            "layer '1': inhibition=True lets the largest",
        ),
        (lambda: snn.Leaky(0.9, state_quant=torch.round, init_hidden=True), "layer '1': state_quant rounds"),
        (
            lambda: snn.RSynaptic(0.9, 0.9, linear_features=12, reset_delay=False, init_hidden=True),
            r"layer '1': RSynaptic\(reset_delay=False\) does not work in snnTorch 1.0.0",
        ),
        (
            lambda: snn.Synaptic(0.9, 0.9, reset_mechanism="none", init_hidden=True),
            "layer '1': spikes of neurons that keep a synaptic current cannot be expressed",
        ),
        (lambda: snn.Leaky(0.9), "cannot run the sample .* TypeError"),
        (
            lambda: snn.Leaky(0.9, threshold=0.0, init_hidden=True),
            "layer '1': op 'lif': threshold must be positive",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Inhibition is an unstable")
def test_refused(neurons: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        imported(chain(neurons(), last()))
