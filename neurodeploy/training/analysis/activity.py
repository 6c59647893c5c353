"""How much a network does for a sample: spikes by layer of neurons, operations by layer of synapses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.nn.functional import linear

from neurodeploy.data import Dataset
from neurodeploy.training.evaluation import BATCH_SIZE
from neurodeploy.training.event.modules import SpikeResponse, effective_weight
from neurodeploy.training.modules import Recall, ScaledWSConv2d
from neurodeploy.training.neurons import LIF
from neurodeploy.training.rules import check_steps

Synapses = torch.nn.Linear | torch.nn.Conv2d


@dataclass(frozen=True, slots=True)
class NeuronActivity:
    """`spikes` of a layer per sample over all steps; `firing_rate` per neuron and step."""

    layer: str
    neurons: int
    spikes: float
    firing_rate: float


@dataclass(frozen=True, slots=True)
class SynapseActivity:
    """Operations of a layer per sample over all steps, as NeuroBench defines them.

    A synapse with a weight other than zero does one where its input is other than zero: an accumulate
    (`effective_acs`) if all inputs of the layer are zero or of one size (spikes; a fixed factor on them folds
    into the weights), else a multiply-accumulate (`effective_macs`: pixels, averages of spikes). `dense`:
    every synapse in every step. Biases and padding are not counted. Synapses that nothing reached, as those of a
    feedback in a single step, have none.
    """

    layer: str
    effective_acs: float
    effective_macs: float
    dense: float


@dataclass(frozen=True, slots=True)
class NetworkActivity:
    """Means over `samples`, each run for `steps` time steps."""

    samples: int
    steps: int
    neurons: tuple[NeuronActivity, ...]
    synapses: tuple[SynapseActivity, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return asdict(self)


@torch.no_grad()
def measure_activity(module: torch.nn.Module, dataset: Dataset, steps: int) -> NetworkActivity:
    """Firing rates and synaptic operations of inference, of any network of Linear, Conv2d, LIF, SpikeResponse.

    A static input counts in every step. Source of the definitions: Yik et al., The NeuroBench framework,
    Nature Communications 2025 (synaptic operations); Xiao et al., NeurIPS 2022 (OTTT), section 5.6.
    Raises `UsageError` where `dataset` has another number of time steps.
    """
    check_steps(steps, dataset.steps)
    network = deepcopy(module).eval()
    neurons: dict[str, _Fired] = {}
    synapses: dict[str, _Active] = {}
    for name, layer in network.named_modules():
        if isinstance(layer, LIF | SpikeResponse):
            neurons[name] = _Fired()
            layer.register_forward_hook(neurons[name].add)
        elif isinstance(layer, Synapses):
            synapses[name] = _Active()
            layer.register_forward_pre_hook(synapses[name].add)
    for start in range(0, len(dataset), BATCH_SIZE):
        _run(network, dataset, slice(start, start + BATCH_SIZE), steps)
    runs = len(dataset) * steps
    return NetworkActivity(
        len(dataset),
        steps,
        tuple(one.result(name, runs, steps) for name, one in neurons.items()),
        tuple(one.result(name, network.get_submodule(name), runs, steps) for name, one in synapses.items()),
    )


def _run(network: torch.nn.Module, dataset: Dataset, part: slice, steps: int) -> None:
    """All time steps of some samples, from the start."""
    for layer in network.modules():
        if isinstance(layer, LIF | SpikeResponse | Recall):
            layer.reset()
    x = torch.tensor(dataset.x[part], device=next(network.parameters()).device)
    for t in range(steps):
        network(x[:, t] if dataset.time_axis else x)


class _Fired:
    """Counts the spikes that a layer gives."""

    def __init__(self) -> None:
        self.neurons, self.spikes = 0, 0.0

    def add(self, layer: torch.nn.Module, given: object, spikes: torch.Tensor) -> None:
        self.neurons = spikes[0].numel()
        self.spikes += float(spikes.sum(dtype=torch.float64))

    def result(self, name: str, runs: int, steps: int) -> NeuronActivity:
        rate = self.spikes / runs
        return NeuronActivity(name, self.neurons, rate * steps, rate / self.neurons)


class _Active:
    """Counts how often each input of a layer is other than zero, and whether all such have one size."""

    def __init__(self) -> None:
        self.counts = torch.zeros((), dtype=torch.float64)
        self.smallest, self.largest = float("inf"), 0.0

    def add(self, layer: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        size = given[0].abs()
        active = size > 0
        self.counts = self.counts + active.sum(0, dtype=torch.float64)
        self.largest = max(self.largest, float(size.max()))
        self.smallest = min(self.smallest, float(size.masked_fill(~active, torch.inf).min()))

    def result(self, name: str, layer: torch.nn.Module, runs: int, steps: int) -> SynapseActivity:
        """Operations: the counts through weights of 1 where there is one, summed."""
        if not self.counts.ndim:
            return SynapseActivity(name, 0.0, 0.0, 0.0)
        there = (_weight(layer) != 0).double()
        effective = _through(layer, self.counts, there) / runs * steps
        dense = _through(layer, torch.ones_like(self.counts), torch.ones_like(there)) * steps
        graded = self.smallest < self.largest
        return SynapseActivity(name, 0.0 if graded else effective, effective if graded else 0.0, dense)


def _weight(layer: torch.nn.Module) -> torch.Tensor:
    """The weights that a layer applies."""
    if isinstance(layer, ScaledWSConv2d):
        return layer.effective_weight()
    return effective_weight(layer)  # type: ignore[arg-type]


def _through(layer: torch.nn.Module, values: torch.Tensor, weight: torch.Tensor) -> float:
    """Sum of what the layer makes of one sample's values with this weight and no bias."""
    if isinstance(layer, torch.nn.Conv2d):
        return float(layer._conv_forward(values.unsqueeze(0), weight, None).sum())
    return float(linear(values, weight).sum())
