"""The sections about how the network came to be: learning, roundings, digests, the command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from neurodeploy.report.content import Plot, Section, Table
from neurodeploy.report.format import MISSING, count, percent, significant

Run = Mapping[str, Any]


def learning(run: Run) -> Section | None:
    """What was learned on the chip; None without learning."""
    record = run["learning"]
    if record is None:
        return None
    rows = tuple(
        (key.replace("_", " "), _value(key, value)) for key, value in record.items() if key != "curve"
    )
    plot = Plot(
        "learning_curve",
        "Accuracy while learning",
        "Each point is the accuracy after that many samples. A curve that falls after it rose means too "
        "high a learning rate, or forgetting.",
    )
    table = Table("Learning on the chip", ("", "value"), rows)
    curve = record.get("curve") or ()
    text = "One layer learned on the chip after compilation; the float network did not."
    return Section("learning", "Learning", (text,), tables=(table,), plots=(plot,) if curve else ())


def _value(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(name, one)}" for name, one in value.items())
    if value is None:
        return MISSING
    if isinstance(value, float):
        return percent(value) if "accuracy" in key else significant(value, 6)
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return value if isinstance(value, str) else json.dumps(value)


def notes(run: Run) -> Section:
    """What was rounded or assumed."""
    rows = tuple((note["layer"], note["what"]) for note in run["notes"])
    assumed = run["float_model"]["notes"] if run["float_model"] else []
    return Section(
        "roundings",
        "Every rounding and assumption",
        ("What the compiler rounded, clipped, rescaled or assumed, in the order in which it happened.",),
        tuple(f"float model: {note}" for note in assumed),
        (Table("Notes of the compiler", ("layer", "what"), rows),) if rows else (),
    )


def origin(run: Run) -> Section:
    """Digests, versions and provenance."""
    data, network, where = run["data"], run["network"], run["environment"]
    given = network["input"]
    rows = [
        ("artefact", f"sha256 {network['artifact_sha256']}"),
        ("graph", f"sha256 {network['graph_sha256']}"),
        ("data", f"{data['spec']}, {data['samples']} samples, sha256 {data['sha256']}"),
        ("data source", f"{data['source']} ({data['licence']})"),
        (
            "input",
            f"{significant(given['levels'], 6)} levels per unit, integers {given['low']}..{given['high']}",
        ),
        ("input values clipped", count(data["input_values_clipped"])),
        ("float model", run["float_model"]["origin"] if run["float_model"] else "none given"),
        ("Python", f"{where['python']} on {where['system']}"),
        ("versions", ", ".join(f"{name} {number}" for name, number in where["versions"].items())),
        ("time", ", ".join(f"{name} {seconds:.2f} s" for name, seconds in where["seconds"].items())),
    ]
    table = Table("Environment and digests", ("", "value"), tuple(rows))
    text = ("How the network was made is recorded in the artefact:",) if run["provenance"] else ()
    code = json.dumps(run["provenance"], indent=2) if run["provenance"] else ""
    return Section("origin", "Origin", text, tables=(table,), code=code)


def reproduce(run: Run) -> Section:
    """The command line."""
    if not run["command"]:
        text = "Made from Python: `neurodeploy.report(network, dataset)`; no command line was recorded."
        return Section("reproduce", "How to make this report again", (text,))
    text = 'The same files give the same run.json, except for its section "environment".'
    return Section("reproduce", "How to make this report again", (text,), code=run["command"])
