"""One page for every chip of the package, from its description."""

from __future__ import annotations

from neurodeploy.chip import Chip, Entry, chip_names, load_chip, number

HEAD = """# {id}

{description}. {vendor}, {status}.

This page is written by `python docs/generate.py` from `targets/chips/{id}.toml`.
`neurodeploy targets {id}` prints it too.
Grade: *certain* is public and sure, *approx* second-hand or conflicting, *unknown* not public.
"""
TITLES = {
    "chip": "Chip",
    "core": "One core",
    "synapse": "Synapses",
    "neuron": "Neurons",
    "spike": "Spikes",
    "learning": "Learning",
    "costs": "Costs",
    "boards": "Boards",
    "cores": "Memories of the cores",
    "network": "The whole network",
    "layer": "One layer",
}


def chip_pages() -> dict[str, str]:
    """The pages by their names within docs/."""
    return {f"targets/{name}.md": _page(load_chip(name)) for name in chip_names()}


def _page(chip: Chip) -> str:
    facts = {"id": chip.id, "description": chip.description, "vendor": chip.vendor, "status": chip.status}
    sections: dict[str, list[str]] = {}
    for path, entry in chip.entries():
        section, _, rest = path.partition(".")
        sections.setdefault(section, []).append(_row(rest, entry))
    lines = [HEAD.format(**facts)]
    for section, rows in sections.items():
        lines += [f"## {TITLES[section]}", "", *_note(chip, section)]
        lines += ["| | value | grade | basis | source |", "|---|---|---|---|---|", *rows, ""]
    missing = [f"- {item}" for item in chip.not_checked] or ["Nothing: every limit is known."]
    return "\n".join([*lines, "## Not public, not checked", "", *missing, ""])


def _row(name: str, entry: Entry) -> str:
    return f"| `{name}` | {number(entry)} | {entry.grade} | {entry.basis} | {entry.source} |"


def _note(chip: Chip, section: str) -> list[str]:
    if section != "costs":
        return []
    model = chip.costs.model
    return [f"From: {model.calibration}.", "", f"Not modelled: {'; '.join(model.not_modelled)}.", ""]
