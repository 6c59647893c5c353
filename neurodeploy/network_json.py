"""The canonical JSON form of a network, as files hold it; its arrays are kept beside it, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from neurodeploy.ir import Graph, to_json
from neurodeploy.ir.json import Arrays
from neurodeploy.network import Network, Note
from neurodeploy.semantics import Register, Registers


def network_to_json(network: Network) -> tuple[dict[str, Any], Arrays]:
    """Everything about the network as plain JSON values, its graph as `ir`, and the graph's arrays."""
    ir, arrays = to_json(network.graph)
    facts = {
        "target": network.target,
        "steps": network.steps,
        "registers": asdict(network.registers),
        "ir": ir,
        "notes": [asdict(note) for note in network.notes],
        "provenance": dict(network.provenance),
        "learning": dict(network.learning),
    }
    return facts, arrays


def network_from_json(graph: Graph, facts: Mapping[str, Any]) -> Network:
    """The network of such facts around its graph (`neurodeploy.ir.from_json` reads `ir`).

    Raises `NeurodeployError` where they make no network, and KeyError, TypeError, ValueError, AttributeError or
    OverflowError for values of other kinds.
    """
    return Network(
        graph,
        facts["steps"],
        facts["target"],
        Registers(**{name: Register(**facts["registers"][name]) for name in ("u", "v")}),
        tuple(Note(**note) for note in facts["notes"]),
        dict(facts["provenance"]),
        dict(facts["learning"]),
    )


def canonical(value: Any) -> str:
    """The one text of JSON values: sorted keys, no blanks; ValueError for NaN and infinite numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parse(text: str) -> Any:
    """The values of a JSON text; ValueError for NaN and infinite numbers, which are no JSON."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
