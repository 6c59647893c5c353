"""Writing a graph or a compiled network as a NIR file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.files import write_atomic
from neurodeploy.frontends.hdf5 import Group, import_h5py
from neurodeploy.frontends.nir.exact import NAME, describe, seal
from neurodeploy.ir import LIF, Add, Graph, IntInput
from neurodeploy.network import Network, Note
from neurodeploy.targets.nir.biases import biases_in_synapses
from neurodeploy.targets.nir.edges import graph_group, implied_delays, past, without_sums
from neurodeploy.targets.nir.float_meaning import float_meaning
from neurodeploy.targets.nir.hdf5 import to_bytes
from neurodeploy.targets.nir.nodes import Writing

VERSION = "1.0.8"
OLD = "1.0.4"
"""The last version that does not know v_reset; sinabs and rockpool need it."""


def export_nir(
    content: Graph | Network,
    path: str | Path,
    *,
    strict: bool = False,
    compat: str | None = None,
    dt: float = 1e-4,
) -> tuple[Note, ...]:
    """Write a float graph, or a compiled network, as a NIR file; returns what other readers do not learn.

    The nodes are the portable dialect, which snnTorch, SpikingJelly and Norse read alike: `dt` is what a step is in
    seconds (snnTorch knows 1e-4 only), neurons see `neurodeploy.targets.nir.neurons`. Of a network they hold the
    float meaning of its integers. The group `/neurodeploy`, which others pass over, holds graph or network exactly;
    `open_nir` reads these back number for number. `compat="1.0.4"` leaves out v_reset, which older packages refuse.

    The same content gives the same bytes, and the file is there complete or not at all. With `strict`,
    `UnsupportedError` names the layer of which NIR cannot say all (reset by subtraction, several spikes a step,
    refractory time, least or initial potential, cleared current); otherwise a note does. Layers without a NIR node
    (max pool, concatenation) are `UnsupportedError` always. `BackendMissing` without h5py.
    """
    path = Path(path)
    if compat not in (None, OLD):
        raise UsageError(f"compat must be {OLD!r} or None, not {compat!r}")
    if not 0.0 < dt < 1e6:
        raise UsageError(f"dt must be seconds above 0, not {dt}")
    h5py = import_h5py(path)
    graph = content.graph if isinstance(content, Network) else content
    writing = Writing(biases_in_synapses(float_meaning(graph)), dt, strict)
    if graph.of(IntInput):
        writing.notes.append(
            Note(
                "nir",
                "the nodes hold what the integers mean; their rounding and saturation stand in /neurodeploy only",
            )
        )
    root = _root(content, writing, old=compat == OLD)
    write_atomic(path, to_bytes(root, h5py))
    return tuple(writing.notes)


def _root(content: Graph | Network, writing: Writing, old: bool) -> Group:
    graph = writing.graph
    nodes = {name: writing.node(name) for name in graph.names if not isinstance(graph.op(name), Add)}
    edges = without_sums(graph)
    implied, recurrence = implied_delays(graph, nodes, edges)
    kept = {name: _aged(name, node) if old else node for name, node in nodes.items() if name not in implied}
    root = Group({"version": OLD if old else VERSION}, {"node": graph_group(kept, past(edges, implied))})
    root.groups[NAME] = describe(content, {**_reading(graph, writing.dt), "recurrence": recurrence})
    seal(root)
    return root


def _aged(name: str, node: Group) -> Group:
    """The node as the older package knows it."""
    if node.values["type"] == "CubaLI":
        raise UnsupportedError(f"layer '{name}': NIR {OLD} has no CubaLI")
    return Group({field: value for field, value in node.values.items() if field != "v_reset"})


def _reading(graph: Graph, dt: float) -> dict[str, Any]:
    """The settings (`NirConfig`) with which the nodes alone are read, as far as all layers agree on one."""
    neurons = list(graph.of(LIF).values())
    common: dict[str, set[Any]] = {
        "reset": {op.reset for op in neurons},
        "reset_timing": {_timing(op) for op in neurons},
        "comparison": {op.compare for op in neurons},
        "spikes": {op.max_spikes for op in neurons},
        "clamp": {_clamp(op) for op in neurons},
    }
    said = {
        key: next(iter(values)) for key, values in common.items() if len(values) == 1 and None not in values
    }
    always = {"integration": "euler", "if_convention": "dt", "current_order": "new", "initial": "zero"}
    return {"dt": dt, **always, **said}


def _timing(op: LIF) -> str | None:
    """When the reset of the neurons acts, or None where neither word says it."""
    if op.reset_by is None:
        return "same"
    return "next" if np.allclose(op.reset_by * op.decay, op.threshold, rtol=1e-12, atol=0.0) else None


def _clamp(op: LIF) -> float | str | None:
    if op.v_min is None:
        return "none"
    multiples = np.unique(op.v_min / op.threshold)
    return float(multiples[0]) if len(multiples) == 1 else None
