"""What an export is, and the registry of those that are installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from neurodeploy.errors import UsageError
from neurodeploy.ir import Graph
from neurodeploy.network import Network, Note

GROUP = "neurodeploy.exporters"


@dataclass(frozen=True, slots=True)
class Exporter:
    """One way to write a network for another tool.

    `write(network, path, options)` returns what its user has to know. `takes_models`: a float graph too, not only a
    compiled network. `options` names what can be chosen. `writes_folder`: a folder, not a file.
    """

    summary: str
    write: Callable[[Any, Path, Mapping[str, Any]], tuple[Note, ...]]
    takes_models: bool = False
    options: frozenset[str] = frozenset()
    writes_folder: bool = False


def exporter_entries() -> dict[str, EntryPoint]:
    """The registered exports by name, without importing any."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)}


def get_exporter(name: str) -> Exporter:
    """Import and return an export; raises `UsageError` for an unknown name."""
    entries = exporter_entries()
    if name not in entries:
        raise UsageError(f"there is no export {name!r}; there are: {', '.join(entries) or 'none'}")
    found: Exporter = entries[name].load()
    return found


def export(network: Network | Graph, to: str, path: str | Path, **options: Any) -> tuple[Note, ...]:
    """Write a compiled network, or where the format takes it a float graph, to `path`.

    Raises `UsageError` for an unknown format or option, or a graph where integers are needed; what the format cannot
    hold is refused with `UnsupportedError` or `FitError`, or told in the notes that are returned.
    """
    found = get_exporter(to)
    if isinstance(network, Graph) and not found.takes_models:
        raise UsageError(f"an export to {to} takes a compiled network; compile the model first")
    for option in options:
        if option not in found.options:
            raise UsageError(f"an export to {to} has no option {option!r}")
    return found.write(network, Path(path), options)
