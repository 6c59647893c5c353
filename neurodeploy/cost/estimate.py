"""Energy and time of counted traffic, by a chip's coefficients, with where each comes from and how far off it may be.

Energy is a sum of events times coefficients; static power is kept apart. The time of a step is that of the busiest
core, the larger of its neurons and its incoming packets, and of the barrier that ends the step:

    E = sum over events of count * energy
    t[step] = max( max over cores of (accesses, updates, spikes, packets out),
                   max over cores of (packets in, synapse entries) ) + barrier(tiles, chips)
    t = sum over steps of t[step] + max over cores of weight updates

This is the linear model of SANA-FE (TCAD 2025) with its "simple" time; contention in the network is not in it. A
coefficient that is not public is named in `unknown`; what it stands for is left out, and the sum is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.cost.terms import Cost, priced
from neurodeploy.cost.traffic import Event, Traffic

Seconds = npt.NDArray[np.float64]
LINKS = ("contention on the links between chips",)
"""What is not in the numbers where several chips are in use."""


class _Term(NamedTuple):
    """A coefficient's name, which part of the chip it belongs to, and how often it happened."""

    coefficient: str
    part: str
    happened: Callable[[Traffic], float]


def _events(event: Event) -> Callable[[Traffic], float]:
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
    _Term("link", "network", lambda traffic: int(traffic.crossings.sum())),
    _Term("weight_update", "learning", lambda traffic: traffic.samples * float(traffic.weight_updates.sum())),
)
"""Everything that costs energy, static power apart."""
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
class Estimate:
    """What one sample costs on `chip`, alone on it, mean over `samples`.

    `dynamic_joules` is the sum of all terms, `seconds` the time of all steps. `unknown` names the coefficients that are
    needed and not public: the sums without them are lower bounds (`energy_at_least`, `time_at_least`), None where no
    coefficient at all is public. `energy_error` and `latency_error` are relative, None where none is public.
    `static_joules` is the static power of the chips in use over that time. `barrier_seconds` is the part of the
    barrier.
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
    def energy_at_least(self) -> bool:
        """True where events happen whose energy is not public, so that `dynamic_joules` is a lower bound."""
        return any(cost.joules is None for cost in self.costs)

    @property
    def time_at_least(self) -> bool:
        """True where something takes a time that is not public, so that `seconds` is a lower bound."""
        return any(path.startswith("costs.latency.") for path in self.unknown)

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
        bounds = {"energy_at_least": self.energy_at_least, "time_at_least": self.time_at_least}
        return {**asdict(self), **bounds, "costs": costs, "digits": self.digits, "edp": self.edp}


def estimate(traffic: Traffic, chip: Chip) -> Estimate:
    """Energy and time a sample."""
    energy, model, samples = chip.costs.energy, chip.costs.model, traffic.samples
    costs = [priced(term.coefficient, term.part, term.happened(traffic) / samples, chip) for term in TERMS]
    known = [cost.joules for cost in costs if cost.joules is not None]
    public = any(cost.joules_each is not None for cost in costs)
    times = _Times(traffic, chip)
    power = energy.static_power.value
    seconds = times.seconds()
    missing = [f"costs.energy.{cost.name}" for cost in costs if cost.joules is None]
    missing += [] if power is not None else ["costs.energy.static_power"]
    return Estimate(
        chip=chip.id,
        samples=samples,
        steps=traffic.steps,
        cores=traffic.cores,
        tiles=traffic.tiles,
        chips=traffic.chips,
        costs=tuple(costs),
        dynamic_joules=sum(known) if public else None,
        static_joules=None if power is None or seconds is None else power * traffic.chips * seconds,
        seconds=seconds,
        barrier_seconds=None if times.barrier is None else times.barrier * traffic.steps,
        energy_error=model.energy_error.value,
        latency_error=model.latency_error.value,
        calibrated=model.calibrated,
        calibration=model.calibration,
        unknown=(*missing, *times.unknown),
        not_modelled=(*model.not_modelled, *(LINKS if traffic.chips > 1 else ())),
    )


class _Times:
    """Seconds of cores and barrier; `unknown` names what is not public of what happens."""

    def __init__(self, traffic: Traffic, chip: Chip) -> None:
        self.unknown: list[str] = []
        self._traffic, self._costs, self._public = traffic, chip.costs.latency, False
        self.barrier = self._costs.barrier_seconds(traffic.tiles, traffic.chips)
        needed = self._costs.barrier if traffic.chips == 1 else self._costs.barrier_chips
        if needed.value is None:
            self.unknown.append(f"costs.latency.barrier{'_chips' * (traffic.chips > 1)}")

    def seconds(self) -> float | None:
        """Time of a sample, mean: every step's busiest core and barrier, and the weight updates."""
        traffic = self._traffic
        step = np.maximum(self._busiest(SENDING), self._busiest(RECEIVING))
        updating = float(self._taken("weight_update", traffic.weight_updates).max(initial=0.0))
        if not self._public and self.barrier is None:
            return None
        return float(step.sum() / traffic.samples + (self.barrier or 0.0) * traffic.steps + updating)

    def _busiest(self, coefficients: Mapping[str, Event]) -> Seconds:
        """The core with the largest sum of the given terms, `(steps, samples)`."""
        found = np.zeros(self._traffic.events["spikes"].shape)
        for name, event in coefficients.items():
            found += self._taken(name, self._traffic.events[event])
        busiest: Seconds = found.max(axis=2)
        return busiest

    def _taken(self, coefficient: str, events: npt.NDArray[Any]) -> Seconds:
        """Seconds of events; those whose time is not public are named, and take none here."""
        each: float | None = getattr(self._costs, coefficient).value
        self._public |= each is not None
        if each is None and events.any():
            self.unknown.append(f"costs.latency.{coefficient}")
        return events * (each or 0.0)
