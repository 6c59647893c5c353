"""What a sample costs on a chip, as lines of text: never more digits than are known."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurodeploy.cost import Cost, Estimate, Traffic

PREFIXES = {0: "", -3: "m", -6: "u", -9: "n", -12: "p", -15: "f"}


def quantity(value: float, unit: str, digits: int) -> str:
    """A number with so many significant digits and a prefix: '12 uJ', '0.4 ms'."""
    if value == 0:
        return f"0 {unit}"
    rounded = float(f"{value:.{digits - 1}e}")
    power = max(min(3 * floor(log10(rounded) / 3), 0), min(PREFIXES))
    scaled = rounded / 10.0**power
    decimals = max(digits - 1 - floor(log10(scaled)), 0)
    return f"{scaled:.{decimals}f} {PREFIXES[power]}{unit}"


def counted_noun(count: int, noun: str) -> str:
    """'1 tile', '2 tiles'."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def cost_lines(counted: Traffic, found: Estimate) -> list[str]:
    """Counts, energy, time, and where the coefficients come from."""
    return [
        f"one sample on {found.chip}, mean of {found.samples}: {counted_noun(found.cores, 'core')} on "
        f"{counted_noun(found.tiles, 'tile')}, {counted_noun(found.steps, 'step')} of the chip",
        f"  counted: {_counts(counted)}",
        f"  energy: {_energy(found)}",
        f"  time: {_time(found)}",
        f"  coefficients: {found.calibration}",
        *(f"  not public, left out: {name}" for name in found.unknown),
        f"  not modelled: {'; '.join(found.not_modelled)}",
    ]


def _counts(counted: Traffic) -> str:
    totals: dict[str, float] = {
        "spikes": counted.total("spikes"),
        "synaptic operations": counted.synaptic_operations,
        "neuron updates": counted.total("updates"),
        "neurons visited": counted.total("accesses"),
        "packets": counted.total("packets_in"),
        "hops": int(counted.hops_x.sum() + counted.hops_y.sum()),
    }
    totals |= {"packets to another chip": int(counted.crossings.sum())} if counted.chips > 1 else {}
    totals |= (
        {"weight updates": counted.samples * counted.weight_updates.sum()}
        if counted.weight_updates.any()
        else {}
    )
    return ", ".join(f"{total / counted.samples:.1f} {name}" for name, total in totals.items())


def _energy(found: Estimate) -> str:
    if found.dynamic_joules is None:
        return "unknown"
    shares = ", ".join(f"{part} {100 * share:.0f} %" for part, share in _shares(found))
    static = "static power not public"
    if found.static_joules is not None:
        static = f"static power apart: {quantity(found.static_joules, 'J', 1)}"
    least = "at least " if found.energy_at_least else ""
    return f"{least}{_with_error(found.dynamic_joules, 'J', found, found.energy_error)} ({shares}); {static}"


def _shares(found: Estimate) -> Iterator[tuple[str, float]]:
    total = found.dynamic_joules or 1.0
    for part in dict.fromkeys(cost.part for cost in found.costs):
        joules = sum(_joules(cost) for cost in found.costs if cost.part == part)
        if joules:
            yield part, joules / total


def _joules(cost: Cost) -> float:
    return cost.joules or 0.0


def _time(found: Estimate) -> str:
    if found.seconds is None:
        return "unknown"
    least = "at least " if found.time_at_least else ""
    text = f"{least}{_with_error(found.seconds, 's', found, found.latency_error)}"
    if found.barrier_seconds is None or found.seconds == 0:
        return text
    return f"{text}, {100 * found.barrier_seconds / found.seconds:.0f} % of it the barrier of the steps"


def _with_error(value: float, unit: str, found: Estimate, error: float | None) -> str:
    text = quantity(value, unit, found.digits)
    if error is not None:
        return f"{text} +-{100 * error:.0f} %"
    return f"about {text}, error not public" if found.calibrated else f"about {text}, uncalibrated"
