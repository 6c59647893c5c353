"""run.json to the sections of a page, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurodeploy.report.content import Plot, Section, Table, Tile
from neurodeploy.report.energy import energy_plots, energy_text
from neurodeploy.report.format import MISSING, count, decimal, interval, percent, points, size
from neurodeploy.report.sections_layers import divergence, layers, potentials
from neurodeploy.report.sections_record import learning, notes, origin, reproduce

Run = Mapping[str, Any]
MATRIX_CLASSES = 20


def title(run: Run) -> str:
    """Heading of the page."""
    return f"{run['data']['name']} on {run['network']['target']}, {run['network']['steps']} steps"


def tiles(run: Run) -> tuple[Tile, ...]:
    """The numbers of the verdict."""
    verdict = run["verdict"]
    integer, real, changed = (verdict["accuracy"][key] for key in ("integer", "float", "change"))
    lost, warnings, work = verdict["overflows"], verdict["warnings"], run["operations"]
    return (
        Tile("integer accuracy", percent(integer["accuracy"]), f"95 % interval {interval(integer)}"),
        Tile("float accuracy", *_float_tile(real)),
        Tile("change in points", *_change_tile(changed)),
        Tile("overflows", count(lost), "values of u or v", "warn" if lost else "good"),
        Tile("warnings", count(warnings), "about layers, below", "warn" if warnings else "good"),
        Tile(
            "synaptic operations",
            count(work["Effective_ACs"] + work["Effective_MACs"]),
            "effective, per sample",
        ),
    )


def _float_tile(real: Mapping[str, Any] | None) -> tuple[str, str]:
    if real is None:
        return MISSING, "no float model was given"
    return percent(real["accuracy"]), f"95 % interval {interval(real)}"


def _change_tile(changed: Mapping[str, Any] | None) -> tuple[str, str]:
    if changed is None:
        return MISSING, "needs a float model"
    return points(changed["points"]), f"95 % interval {points(changed['low'])} to {points(changed['high'])}"


def sections(run: Run) -> tuple[Section, ...]:
    """All sections; those without content are left out."""
    found = (
        _warnings(run),
        layers(run),
        divergence(run),
        _accuracy(run),
        _confusion(run),
        potentials(run),
        _activity(run),
        _weights(),
        _operations(run),
        learning(run),
        notes(run),
        origin(run),
        reproduce(run),
    )
    return tuple(one for one in found if one is not None)


def _warnings(run: Run) -> Section:
    items = tuple(f"layer '{w['layer']}': {w['what']}. {w['remedy']}." for w in run["warnings"])
    return Section("warnings", "Warnings", ("No layer needs attention.",) if not items else (), items)


def _accuracy(run: Run) -> Section:
    rows = [
        (
            str(row["steps"]),
            percent(row["integer"]["accuracy"]),
            interval(row["integer"]),
            percent(row["float"]["accuracy"]) if row["float"] else MISSING,
        )
        for row in _thinned(run["accuracy_by_steps"])
    ]
    columns = ("steps", "integer", "95 % interval", "float")
    plot = Plot(
        "accuracy_by_steps",
        "Accuracy against time steps",
        "Where the curve is flat, fewer steps give the same accuracy for less work. The band is the 95 % "
        "Wilson interval of the integer network.",
    )
    text = "The prediction after the first t steps of the same run: largest potential, or most spikes so far."
    table = Table("Accuracy from the first t steps", columns, tuple(rows))
    return Section("accuracy", "Accuracy against time steps", (text,), (), (table,), (plot,))


def _thinned(rows: list[Any], most: int = 16) -> list[Any]:
    stride = -(-len(rows) // most)
    return rows[stride - 1 :: stride] if stride > 1 else rows


def _confusion(run: Run) -> Section:
    found = run["confusion"]
    text = ["Rows are the true classes, columns the predicted ones."]
    text += [
        f"Class {m['true']} is taken for {m['predicted']} in {m['samples']} of its samples."
        for m in found["most"][:1]
    ]
    tables: tuple[Table, ...]
    if found["classes"] <= MATRIX_CLASSES:
        columns = ("true", *(str(c) for c in range(found["classes"])))
        rows = tuple((str(c), *(str(n) for n in row)) for c, row in enumerate(found["counts"]))
        heat = tuple(tuple(n / max(sum(row), 1) for n in row) for row in found["counts"])
        tables = (Table("Confusion matrix, samples", columns, rows, (), heat),)
    else:
        text[0] = (
            f"The matrix of {found['classes']} classes is in run.json; the most frequent confusions are here."
        )
        rows = tuple((str(m["true"]), str(m["predicted"]), str(m["samples"])) for m in found["most"])
        tables = (Table("Most frequent confusions", ("true", "predicted", "samples"), rows),)
    return Section("confusion", "Confusion matrix", tuple(text), (), tables)


def _activity(run: Run) -> Section:
    plots = (
        Plot(
            "raster",
            "Spikes of single samples",
            "Each mark is a spike. Look for rows without any mark (dead neurons), full rows (always on), and "
            "columns that are empty at first: information needs some steps to arrive.",
        ),
        Plot(
            "rates",
            "Firing rates",
            "How many neurons fire how often, over all samples. A bar at 0 are neurons that hardly ever "
            "fire, a bar at 1 neurons that always do; both waste hardware.",
        ),
    )
    shown = "; ".join(
        f"{row['layer']}: {row['neurons_shown']} of {row['neurons']} neurons"
        for row in run["pictures"]["raster"]
    )
    if not shown:
        return Section("activity", "Spikes", ("The network has no layer that spikes.",))
    return Section("activity", "Spikes", (f"Rasters show {shown}.",), plots=plots)


def _weights() -> Section:
    caption = (
        "How many weights have each integer value. A pile at either end means that weights were clipped; "
        "only a few values in use mean that bits are wasted."
    )
    return Section("weights", "Weights", plots=(Plot("weights", "Weights on the integer grid", caption),))


def _operations(run: Run) -> Section:
    work = run["operations"]
    columns = ("synapses", "Effective_MACs", "Effective_ACs", "Dense", "effective / dense", "zero weights")
    return Section(
        "operations",
        "Operations and memory",
        (
            f"Names and definitions are NeuroBench's; counts are the mean over {run['data']['samples']} "
            f"samples of {run['network']['steps']} steps. A static input counts in every step.",
            *energy_text(work["energy"]),
        ),
        tables=(
            Table("Per sample", ("metric", "value", "meaning"), _work_of_all(work)),
            Table("By layer", columns, tuple(map(_work_of_layer, work["layers"]))),
        ),
        plots=energy_plots(work["energy"]),
    )


def _work_of_all(work: Run) -> tuple[tuple[str, ...], ...]:
    macs, acs, dense, footprint = (
        count(work[key]) for key in ("Effective_MACs", "Effective_ACs", "Dense", "Footprint")
    )
    active, connected = (decimal(work[key], 4) for key in ("ActivationSparsity", "ConnectionSparsity"))
    return (
        ("Effective_MACs", macs, "per sample, inputs other than -1, 0, 1; zero weights skipped"),
        ("Effective_ACs", acs, "per sample, inputs -1, 0 or 1; zero weights skipped"),
        ("Dense", dense, "per sample, every synapse in every step"),
        ("ActivationSparsity", active, "zeros among the outputs of spiking layers"),
        ("ConnectionSparsity", connected, "zeros among the weights"),
        ("Footprint", f"{footprint} B", "int8 weights and int64 biases, as the artefact stores them"),
        ("weights alone", size(work["weights_packed_bytes"]), "packed at the bits of each layer"),
        ("spikes", decimal(work["spikes"]), "per sample, all layers"),
    )


def _work_of_layer(row: Run) -> tuple[str, ...]:
    return (
        row["layer"],
        count(row["Effective_MACs"]),
        count(row["Effective_ACs"]),
        count(row["Dense"]),
        percent((row["Effective_MACs"] + row["Effective_ACs"]) / row["Dense"], 1),
        percent(row["zeros"] / row["weights"], 1),
    )
