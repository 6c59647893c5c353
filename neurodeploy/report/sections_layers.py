"""The sections about layers: the layer tables, float against integer, membrane potentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurodeploy.ir import DECAY_ONE
from neurodeploy.report.content import Cells, Plot, Section, Table
from neurodeploy.report.format import MISSING, count, decibel, decimal, shape, significant

Row = Mapping[str, Any]

MADE = (
    ("op", "lif spikes, readout integrates only"),
    ("bits", "of the integers that the weights need"),
    ("scale", "real weight that one integer step is worth"),
    ("exponent", "synaptic sums are multiplied by 2 to this power"),
    ("weight SQNR dB", "10 log10(power of the weights / power of their rounding error); 6 dB are one bit"),
    ("keeps", "share of the potential that is left after a step"),
)
DID = (
    ("rate", "spikes per neuron and step, all samples"),
    ("mismatch", "share of spikes that differ between float and integer network"),
    ("membrane SQNR dB", "power of the float potential / power of the difference, at the end of each step"),
    ("dead", "neurons that never fired in these samples"),
    ("always on", "neurons that fired in every step"),
    ("saturated", "values of u or v that a register could not hold"),
    ("at ends", "weights with the largest or smallest integer of their bits; one a layer is normal"),
    ("headroom bits", "log2(end of the register / largest potential seen)"),
)


def layers(run: Mapping[str, Any]) -> Section:
    """What each layer is, and what it did."""
    made = Table(
        "What each layer is",
        (
            "layer",
            "synapses",
            "op",
            "shape",
            "weights",
            "bits",
            "scale",
            "exponent",
            "weight SQNR dB",
            "threshold",
            "keeps",
        ),
        tuple(_made(row) for row in run["layers"]),
        MADE,
    )
    did = Table(
        "What each layer did",
        (
            "layer",
            "rate",
            "mismatch",
            "membrane SQNR dB",
            "dead",
            "always on",
            "saturated",
            "at ends",
            "potential",
            "headroom bits",
        ),
        tuple(_did(row) for row in run["layers"]),
        DID,
    )
    return Section("layers", "Layers", tables=(made, did))


def _made(row: Row) -> Cells:
    return (
        row["layer"],
        _joined(row, "layer", str),
        row["op"],
        shape(row["shape"]),
        _joined(row, "weights", count),
        _joined(row, "bits", str),
        _joined(row, "scale", significant),
        _joined(row, "exponent", str),
        " + ".join(decibel(one) for one in row["synapses"]),
        _threshold(row),
        decimal(row["kept_v"] / DECAY_ONE, 4),
    )


def _threshold(row: Row) -> str:
    low, high = row["threshold_q"], row["threshold_q_high"]
    return count(low) if low == high else f"{count(low)} .. {count(high)}"


def _joined(row: Row, key: str, words: Any) -> str:
    return " + ".join(MISSING if one.get(key) is None else words(one[key]) for one in row["synapses"])


def _did(row: Row) -> Cells:
    spiking = row["op"] == "lif"
    against = row["against_float"] or {}
    return (
        row["layer"],
        decimal(row["rate"], 4),
        MISSING if against.get("mismatch_percent") is None else f"{against['mismatch_percent']:.3f} %",
        decibel(against),
        count(row["dead"]) if spiking else MISSING,
        count(row["always_on"]) if spiking else MISSING,
        count(row["overflows"]),
        count(row["weights_at_ends"]),
        f"{count(row['membrane_low'])} .. {count(row['membrane_high'])}",
        decimal(row["headroom_bits"], 2),
    )


def divergence(run: Mapping[str, Any]) -> Section | None:
    """Where the integer network first leaves the float one; None without a float model."""
    compared = [row["against_float"] for row in run["layers"] if row["against_float"]]
    if not compared:
        return None
    rows = tuple(_first(one) for one in compared if one["mismatch_percent"] is not None)
    columns = ("layer", "float rate", "integer rate", "mismatch", "first at", "float", "integer", "threshold")
    plot = Plot(
        "mismatch",
        "Spike mismatch by layer and step",
        "A line that rises with the steps means that rounding errors add up; one that is high from the first "
        "step points at weights, bias or threshold of that layer.",
    )
    text = (
        f"Every spike of the integer network against the float network ({run['float_model']['origin']}), "
        "in float32, on the same samples. Potentials are those compared with the threshold, in float units.",
    )
    table = Table("First difference of each spiking layer", columns, rows)
    return Section(
        "divergence",
        "Float against integer",
        text,
        tables=(table,) if rows else (),
        plots=(plot,) if rows else (),
    )


def _first(one: Row) -> Cells:
    first = one["first"]
    rates = (one["layer"], decimal(one["rate_float"], 5), decimal(one["rate"], 5))
    if first is None:
        return (*rates, "0 %", "none", MISSING, MISSING, MISSING)
    return (
        *rates,
        f"{one['mismatch_percent']:.3f} %",
        f"step {first['step'] + 1}, sample {first['sample']}, neuron {first['neuron']}",
        f"{_fired(first['float_spike'])} at {first['float_potential']:.7g}",
        f"{_fired(first['spike'])} at {first['potential']:.7g}",
        f"{first['threshold']:.7g}",
    )


def _fired(spike: int) -> str:
    return "spike" if spike else "none"


def potentials(run: Mapping[str, Any]) -> Section:
    """Potentials against registers and thresholds, and what the ranges prove."""
    rows = tuple(
        (
            row["layer"],
            count(row["current"]),
            count(row["u"]),
            count(row["u_limit"]),
            count(row["v"]),
            count(row["v_limit"]),
            decimal(row["headroom_bits"], 2),
            "cannot overflow" if row["proven"] else "may overflow",
        )
        for row in run["ranges"]
    )
    columns = ("layer", "|a| ≤", "|u| ≤", "limit of u", "|v| ≤", "limit of v", "headroom bits", "proof")
    sample = run["pictures"]["samples"][0]
    plots = (
        Plot(
            "headroom",
            "Membrane headroom",
            "Bars are the largest potential seen, ticks the largest that any input could cause; both should "
            "end before the line, the register's width.",
        ),
        Plot(
            "membrane",
            "Potentials of single neurons",
            f"Sample {sample['sample']}; the most active, a middling and the most excited silent neuron of "
            "each layer, the three largest of a readout. Dots are spikes; the integer line should lie on the "
            "float one, drawn wide.",
        ),
    )
    text = "Bounds hold for every input within the input's range, not only for these data."
    table = Table("What no input can exceed", columns, rows)
    return Section("potentials", "Membrane potentials", (text,), tables=(table,), plots=plots)
