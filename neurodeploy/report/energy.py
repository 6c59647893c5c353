"""Energy, time and map of cores in words, from `operations.energy` of run.json."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from neurodeploy.report.content import Plot


def energy_text(energy: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Energy and time of a sample with no more digits than are known, where they come from, what is not in them."""
    if energy is None:
        return (
            "No energy is given: no cost of an operation of this target is public, or the network does not fit one "
            "chip and holds no map of cores.",
        )
    where = f"{energy['cores']} cores on {energy['chips']} {energy['chip']}"
    return (
        f"Energy and time of one sample on {where}, mean of {energy['samples']}: {_dynamic(energy)}; "
        f"{_static(energy)}; {_time(energy)}.",
        f"Coefficients: {energy['calibration']}.{_unknown(energy)} Not modelled: {'; '.join(energy['not_modelled'])}.",
    )


def energy_plots(energy: Mapping[str, Any] | None) -> tuple[Plot, ...]:
    """The map of cores, where the artefact holds one."""
    if energy is None or energy["mapping"] is None:
        return ()
    caption = "Each square is a core on its tile, darker the longer it is expected to be busy in a step."
    return (Plot("cores", "Map of cores", caption),)


def _dynamic(energy: Mapping[str, Any]) -> str:
    least = "at least " if energy["energy_at_least"] and energy["dynamic_joules"] is not None else ""
    return f"{least}{_number(energy, 'dynamic_joules', 'J', 'energy_error')} of dynamic energy"


def _static(energy: Mapping[str, Any]) -> str:
    if energy["static_joules"] is None:
        return "static power is not public"
    return f"about {_digits(energy['static_joules'], 1)} J of static energy"


def _time(energy: Mapping[str, Any]) -> str:
    least = "at least " if energy["time_at_least"] and energy["seconds"] is not None else ""
    return f"{least}{_number(energy, 'seconds', 's', 'latency_error')}"


def _unknown(energy: Mapping[str, Any]) -> str:
    return f" Not public, and left out: {', '.join(energy['unknown'])}." if energy["unknown"] else ""


def _number(energy: Mapping[str, Any], key: str, unit: str, error: str) -> str:
    value = energy[key]
    if value is None:
        return f"unknown {unit}"
    text = f"about {_digits(value, energy['digits'])} {unit}"
    if not energy["calibrated"]:
        return f"{text} (uncalibrated)"
    return text if energy[error] is None else f"{text} +-{100 * energy[error]:.0f} %"


def _digits(value: float, digits: int) -> str:
    """So many significant digits in powers of a thousand: 1.2e-06, 450e-09."""
    if value == 0:
        return "0"
    power = 3 * floor(log10(float(f"{value:.{digits - 1}e}")) / 3)
    scaled = value / 10.0**power
    return f"{float(f'{scaled:.{digits - 1}e}'):g}e{power:+03d}"
