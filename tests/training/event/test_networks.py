"""Notation, modules, first weights and what the rule refuses."""

from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import GateError, UnsupportedError, UsageError
from neurodeploy.training import LIF
from neurodeploy.training.event import (
    PRESETS,
    EventLearner,
    EventOptions,
    EventSpec,
    Residual,
    SpikeResponse,
    StandardizedLinear,
    effective_weight,
)
from neurodeploy.training.event.initialize import target_spikes
from neurodeploy.training.rule import Batch
from tests.training.event.networks import build


@pytest.mark.parametrize(
    ("notation", "shape", "sizes", "names"),
    [
        ("784-256-10", None, (784, 256, 10), "flatten fc1 neurons1 fc2 neurons2"),
        (
            "15C5-P2-40C5-P2-300-10",
            (28, 28),
            (784, 8640, 2160, 2560, 640, 300, 10),
            "image conv1 neurons1 pool2 conv3 neurons3 pool4 flatten fc5 neurons5 fc6 neurons6",
        ),
        (
            "2x34x34-12C5(p1)-P2-64C5-P2-10",
            None,
            (2312, 12288, 3072, 9216, 2304, 10),
            "conv1 neurons1 pool2 conv3 neurons3 pool4 flatten fc5 neurons5",
        ),
    ],
)
def test_builds_the_networks_of_the_paper(
    notation: str, shape: tuple[int, ...] | None, sizes: tuple[int, ...], names: str
) -> None:
    network = build(notation, shape)
    assert network.spec.sizes == sizes
    assert [name for name, _ in network.named_children()] == names.split()
    assert EventSpec.parse(str(network.spec).partition(":")[2]) == network.spec
    x = torch.rand(2, *network.spec.input_shape)
    assert network(x).shape == (2, 10)


def test_fashion_mnist_network_has_the_parameters_of_its_layers() -> None:
    network = build("28x28-32C5(p2)-P2-64C5(p2)-P2-1024-10,standardize=no")
    assert sum(p.numel() for p in network.parameters()) == 800 + 51200 + 3136 * 1024 + 10240


@pytest.mark.parametrize(
    ("notation", "shape", "fits"),
    [
        ("784-10", (28, 28), True),
        ("784-10", (1, 28, 28), True),
        ("28x28-5C3-10", (28, 28), True),
        ("28x28-5C3-10", (1, 28, 28), False),
        ("784-10", (8, 8), False),
    ],
)
def test_input_of_the_data_must_fit(notation: str, shape: tuple[int, ...], fits: bool) -> None:
    spec = EventSpec.parse(notation)
    if fits:
        spec.check_input(shape)
        return
    text = "x".join(map(str, shape))
    with pytest.raises(UsageError, match=f"but a time step of the data is .* Try event:{text}-"):
        spec.check_input(shape)


def test_seed_fixes_the_weights_and_leaves_the_global_state() -> None:
    before = torch.get_rng_state()
    a, b, c = (build("12-9-4,standardize=yes", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(a.fc1.weight, b.fc1.weight)
    assert not torch.equal(a.fc1.weight, c.fc1.weight)


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ("784", "must start with the input, such as 784 or 28x28, and have a layer"),
        ("5C3-10", "must start with the input"),
        ("784-5C3-10", "5C3 needs images, but has 784 plain inputs before it"),
        ("4x4-5C5-10", "5C5 does not fit into 4x4 images"),
        ("4x4-P2-P4-10", "P4 does not fit into 2x2 images"),
        ("4x4-5C3", "must end in a number of classes, not 5C3"),
        ("4x4-5D3-10", "model layer '5D3': must be such as"),
        ("2000x2000-10", "a layer has 4000000 values; the limit is 1048576"),
        ("784-10,pool=sum", "model option 'pool=sum': there are"),
        ("784-10,tau_m=x", "tau_m must be a number"),
        ("784-10,tau_m=2,tau_s=3", "tau_m must be above tau_s, but 2.0 <= 3.0"),
        ("784-10,tau_s=1", "tau_s must be a number of steps above 1, not 1.0"),
        ("784-10,threshold=0", "threshold must be positive, not 0.0"),
        ("784-10,pool=max,pool=max", "an option is given twice"),
    ],
)
def test_notation_refuses(notation: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EventSpec.parse(notation)


def test_one_step_modules_spike_as_the_rule_does() -> None:
    network = build("1x8x8-4C3-P2-6-3,pool=max,standardize=yes").double()
    learner = EventLearner(network, PRESETS["official"])
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64)
    batch = Batch(x, torch.tensor([0, 1, 2, 0, 1]), 6)
    learner.prepare(batch)
    network.reset()
    stepped = torch.stack([network(x) for _ in range(6)])
    found = learner.gradients(batch)
    assert torch.equal(found.outputs, stepped) and stepped.sum() > 0
    assert set(found.spikes) == {"neurons1", "neurons3", "neurons4"}


def test_spike_response_is_a_current_based_neuron_in_two_forms() -> None:
    neuron, draw = SpikeResponse(7.0, 4.0, 0.8), torch.Generator().manual_seed(0)
    current = torch.randn(40, 3, generator=draw, dtype=torch.float64) + 0.3
    j, u, spikes = torch.zeros(3).double(), torch.zeros(3).double(), []
    for i in current:
        j = (1 - 1 / 4) * j + i
        u = (1 - 1 / 7) * u + j / 4
        s = (u >= 0.8).double()
        j, u = j * (1 - s), u * (1 - s)
        spikes.append(s)
    assert torch.equal(torch.stack([neuron(i) for i in current]), torch.stack(spikes))
    assert 3 < torch.stack(spikes).sum() < 100
    neuron.reset()
    assert torch.equal(neuron(current[0]), spikes[0])


@pytest.mark.parametrize("standardize", ["no", "yes"])
@pytest.mark.parametrize(("steps", "average"), [(5, 0.5), (12, 1.0)])
def test_first_weights_reach_their_rate_within_a_hundredth(
    standardize: str, steps: int, average: float
) -> None:
    network = build(f"100-400-300,standardize={standardize}", seed=4)
    options = EventOptions(average_spikes=average)
    x = torch.rand(128, 100, generator=torch.Generator().manual_seed(0))
    batch = Batch(x, torch.zeros(128, dtype=torch.int64), steps)
    learner = EventLearner(network, options)
    learner.prepare(batch)
    once = {name: p.clone() for name, p in network.named_parameters()}
    for spikes in learner.gradients(batch).spikes.values():
        late = float(spikes[2 * steps // 3 :].sum(0).mean())
        assert late == pytest.approx(target_spikes(steps, average), rel=0.01)
    again = build(f"100-400-300,standardize={standardize}", seed=4)
    EventLearner(again, options).prepare(batch)
    assert all(torch.equal(p, once[name]) for name, p in again.named_parameters())


def test_silent_layer_is_an_error() -> None:
    network = build("10-5")
    with pytest.raises(GateError, match="layer 'fc1' stays silent even with weights 500 times as large"):
        EventLearner(network, PRESETS["paper"]).prepare(Batch(torch.zeros(2, 10), torch.tensor([0, 1]), 5))


def test_standardized_weights_have_their_mean_and_deviation() -> None:
    layer = StandardizedLinear(400, 6)
    layer.norm_weight.data.copy_(torch.arange(1.0, 7.0))
    layer.norm_bias.data.fill_(0.5)
    layer.weight.data.mul_(100)
    weight = effective_weight(layer)
    torch.testing.assert_close(weight.mean(1), torch.full((6,), 0.5))
    torch.testing.assert_close(weight.std(1), torch.arange(1.0, 7.0), rtol=1e-4, atol=0)


def sequential(*layers: torch.nn.Module) -> torch.nn.Sequential:
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            sequential(torch.nn.Linear(3, 2, bias=False), LIF(), SpikeResponse()),
            "layer '1' \\(LIF\\) is a neuron without",
        ),
        (sequential(torch.nn.Linear(3, 2), SpikeResponse()), "layer '0' has a bias"),
        (sequential(torch.nn.Linear(3, 2, bias=False)), "must end in SpikeResponse neurons"),
        (
            sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.ReLU(), SpikeResponse()),
            "'1' \\(ReLU\\) follows '0'",
        ),
        (sequential(torch.nn.Dropout(), SpikeResponse()), "layer '0' \\(Dropout\\) does not fit here"),
        (sequential(SpikeResponse()), "layer '0' \\(SpikeResponse\\) does not fit here"),
        (torch.nn.Linear(3, 2), "cannot train a Linear"),
        (
            sequential(torch.nn.Conv2d(2, 2, 3, groups=2, bias=False), SpikeResponse()),
            "layer '0' has groups=2",
        ),
        (
            sequential(
                torch.nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular", bias=False), SpikeResponse()
            ),
            "padding_mode='circular'",
        ),
        (
            sequential(
                torch.nn.AvgPool2d(2, ceil_mode=True), torch.nn.Linear(3, 2, bias=False), SpikeResponse()
            ),
            "is supported only with torch's default settings",
        ),
        (
            sequential(Residual(sequential(torch.nn.Linear(3, 3, bias=False))), SpikeResponse()),
            "layer '0.body.0' has no SpikeResponse neurons behind it",
        ),
    ],
)
def test_rule_refuses(module: torch.nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        EventLearner(module, PRESETS["paper"])
