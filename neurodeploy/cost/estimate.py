"""Energy and time of counted traffic, by a chip's coefficients, with where each comes from and how far off it may be.

Energy is a sum of events times coefficients; static power is kept apart. The time of a step is that of the busiest
core, the larger of its neurons and its incoming packets, and of the barrier that ends the step:

    E = sum over events of count * energy
    t[step] = max( max over cores of (accesses, updates, spikes, packets out),
                   max over cores of (packets in, synapse entries) ) + barrier(tiles)

This is the linear model of SANA-FE (TCAD 2025) with its "simple" time; contention in the network is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip, Limit
from neurodeploy.cost.traffic import Event, Traffic

Seconds = npt.NDArray[np.float64]


class _Term(NamedTuple):
    """A coefficient's name, which part of the chip it belongs to, and its count."""

    coefficient: str
    part: str
    count: Callable[[Traffic], int]


def _events(event: Event) -> Callable[[Traffic], int]:
    return lambda traffic: traffic.total(event)


TERMS = (
    _Term("neuron_access", "neurons", _events("accesses")),
    _Term("neuron_update", "neurons", _events("updates")),
    _Term("spike", "neurons", _events("spikes")),
    _Term("synapse_dense", "synapses", _events("dense")),
    _Term("synapse_sparse", "synapses", _events("sparse")),
    _Term("synapse_conv", "synapses", _events("conv")),
    _Term("packet", "network", _events("packets_out")),
    _Term("hop_x", "network", lambda traffic: int(traffic.hops_x.sum())),
    _Term("hop_y", "network", lambda traffic: int(traffic.hops_y.sum())),
)
"""Everything that costs energy but weight updates, which `estimate` gets as a number."""
SENDING: Mapping[str, Event] = {
    "neuron_access": "accesses",
    "neuron_update": "updates",
    "spike": "spikes",
    "packet": "packets_out",
}
RECEIVING: Mapping[str, Event] = {
    "packet_in": "packets_in",
    "synapse_dense": "dense",
    "synapse_sparse": "sparse",
    "synapse_conv": "conv",
}
"""Coefficients of time by the event that takes it; a core sends and receives at the same time."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One term: `count` events a sample at `joules_each`, None where no coefficient is public."""

    name: str
    part: str
    count: float
    joules_each: float | None
    grade: str
    basis: str
    source: str

    @property
    def joules(self) -> float | None:
        """Energy a sample; 0 where nothing happens, None where something does at an unknown cost."""
        if self.count == 0:
            return 0.0
        return None if self.joules_each is None else self.count * self.joules_each


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one sample costs on `chip`, alone on it, mean over `samples`.

    `dynamic_joules` is the sum of all terms, `seconds` the time of all steps; None where a coefficient is not public,
    then `unknown` names it. `energy_error` and `latency_error` are relative, None where none is public.
    `static_joules` is the static power of the chips in use over that time. `barrier_seconds` is the
    part of the barrier.
    """

    chip: str
    samples: int
    steps: int
    cores: int
    tiles: int
    chips: int
    costs: tuple[Cost, ...]
    dynamic_joules: float | None
    static_joules: float | None
    seconds: float | None
    barrier_seconds: float | None
    energy_error: float | None
    latency_error: float | None
    calibrated: bool
    calibration: str
    unknown: tuple[str, ...]
    not_modelled: tuple[str, ...]

    @property
    def edp(self) -> float | None:
        """Energy-delay product of a sample, J s: (dynamic + static energy, where it is public) * time."""
        if self.dynamic_joules is None or self.seconds is None:
            return None
        return (self.dynamic_joules + (self.static_joules or 0.0)) * self.seconds

    @property
    def digits(self) -> int:
        """Digits that are worth printing: two where the error is known, one otherwise."""
        return 2 if self.calibrated and self.energy_error is not None else 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        costs = [{**asdict(cost), "joules": cost.joules} for cost in self.costs]
        return {**asdict(self), "costs": costs, "digits": self.digits, "edp": self.edp}


def estimate(traffic: Traffic, chip: Chip, *, weight_updates: float = 0.0) -> Estimate:
    """Energy and time a sample; `weight_updates` are those of learning, a sample."""
    energy, model, samples = chip.costs.energy, chip.costs.model, traffic.samples
    costs = [_cost(term, getattr(energy, term.coefficient), term.count(traffic) / samples) for term in TERMS]
    learning = _Term("weight_update", "learning", lambda _: 0)
    costs.append(_cost(learning, energy.weight_update, weight_updates))
    joules = [cost.joules for cost in costs]
    step, barrier, unknown = _step_seconds(traffic, chip)
    seconds = (
        None if step is None or barrier is None else float(step.sum() / samples + barrier * traffic.steps)
    )
    power = energy.static_power.value
    missing = [f"costs.energy.{c.name}" for c in costs if c.joules is None]
    missing += [] if power is not None else ["costs.energy.static_power"]
    return Estimate(
        chip=chip.id,
        samples=samples,
        steps=traffic.steps,
        cores=traffic.cores,
        tiles=traffic.tiles,
        chips=traffic.chips,
        costs=tuple(costs),
        dynamic_joules=None if None in joules else sum(j for j in joules if j is not None),
        static_joules=None if power is None or seconds is None else power * traffic.chips * seconds,
        seconds=seconds,
        barrier_seconds=None if barrier is None else barrier * traffic.steps,
        energy_error=model.energy_error.value,
        latency_error=model.latency_error.value,
        calibrated=model.calibrated,
        calibration=model.calibration,
        unknown=(*missing, *unknown),
        not_modelled=(*model.not_modelled, *(("links between chips",) if traffic.chips > 1 else ())),
    )


def _cost(term: _Term, given: Limit[float], count: float) -> Cost:
    return Cost(term.coefficient, term.part, count, given.value, given.grade, given.basis, given.source)


def _step_seconds(traffic: Traffic, chip: Chip) -> tuple[Seconds | None, float | None, tuple[str, ...]]:
    """Time of each step without the barrier `(steps, samples)`, the barrier, and what is not public."""
    unknown: list[str] = []
    sending = _core_seconds(traffic, chip, SENDING, unknown)
    receiving = _core_seconds(traffic, chip, RECEIVING, unknown)
    barrier = chip.costs.latency.barrier_seconds(traffic.tiles)
    if barrier is None:
        unknown.append("costs.latency.barrier")
        return None, None, tuple(unknown)
    step = None if unknown else np.maximum(sending.max(axis=2), receiving.max(axis=2))
    return step, barrier, tuple(unknown)


def _core_seconds(
    traffic: Traffic, chip: Chip, coefficients: Mapping[str, Event], unknown: list[str]
) -> Seconds:
    """Sum of the given terms, `(steps, samples, cores)`; coefficients that are not public are named in `unknown`."""
    found = np.zeros(traffic.events["spikes"].shape)
    for name, event in coefficients.items():
        seconds = getattr(chip.costs.latency, name).value
        if seconds is not None:
            found += traffic.events[event] * seconds
        elif traffic.total(event):
            unknown.append(f"costs.latency.{name}")
    return found
