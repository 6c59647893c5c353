"""The group `/neurodeploy` of a NIR file: what NIR cannot hold of a graph or a network, number for number.

Other readers pass it over. It holds `format`, `description` (canonical JSON), `arrays` by `layer.field`, and
`digest`, the sha256 of everything else in the file, so that nodes and group cannot say different things unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from neurodeploy.errors import InputError, NeurodeployError
from neurodeploy.frontends.hdf5 import Group, Value
from neurodeploy.ir import Graph, from_json, to_json
from neurodeploy.network import Network, Note
from neurodeploy.semantics import Register, Registers

NAME = "neurodeploy"
FORMAT = "1"
_NETWORK = ("steps", "target", "registers", "notes", "provenance", "learning")


def describe(content: Graph | Network, reading: dict[str, Any]) -> Group:
    """The group for a graph or a network; `reading` are the settings with which the nodes are to be read."""
    graph = content.graph if isinstance(content, Network) else content
    ir, arrays = to_json(graph)
    described: dict[str, Any] = {"ir": ir, "reading": reading}
    if isinstance(content, Network):
        described["network"] = {
            "steps": content.steps,
            "target": content.target,
            "registers": asdict(content.registers),
            "notes": [asdict(note) for note in content.notes],
            "provenance": dict(content.provenance),
            "learning": dict(content.learning),
        }
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Group({"format": FORMAT, "description": text}, {"arrays": Group(dict(arrays))})


def seal(root: Group) -> None:
    """Add the digest to a file's own group."""
    root.groups[NAME].values["digest"] = _digest(root)


def restore(root: Group) -> Graph | Network | None:
    """What `describe` described, or None in a file without the group.

    Raises `InputError` where the file was changed since, or is not one that `describe` makes.
    """
    if NAME not in root.groups:
        return None
    own = root.groups[NAME]
    version, digest = (str(own.values.get(name)) for name in ("format", "digest"))
    if version != FORMAT:
        raise _fail(f"its format is {version:.40}; this version reads format {FORMAT}")
    if digest != _digest(root):
        raise _fail("file and group were changed since they were written together")
    try:
        described = json.loads(str(own.values["description"]), parse_constant=_refuse)
        arrays = {name: np.asarray(values) for name, values in own.groups["arrays"].values.items()}
        graph = from_json(described["ir"], arrays)
        return graph if "network" not in described else _network(graph, described["network"])
    except NeurodeployError as error:
        raise _fail(str(error)) from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise _fail(f"damaged: {type(error).__name__} {error}") from None


def _network(graph: Graph, said: dict[str, Any]) -> Network:
    if sorted(said) != sorted(_NETWORK):
        raise ValueError(f"a network has {', '.join(_NETWORK)}, not {', '.join(said)}")
    registers = Registers(**{name: Register(**said["registers"][name]) for name in ("u", "v")})
    notes = tuple(Note(**note) for note in said["notes"])
    return Network(
        graph,
        said["steps"],
        said["target"],
        registers,
        notes,
        dict(said["provenance"]),
        dict(said["learning"]),
    )


def _fail(problem: str) -> InputError:
    return InputError(
        f"group /{NAME}: {problem}. Without that group, the nodes are read as those of any NIR file"
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _digest(root: Group) -> str:
    found = hashlib.sha256()
    for path, value in _everything(root, ""):
        if path != f"/{NAME}/digest":
            array = np.asarray(value)
            kind = "text" if array.dtype.kind == "U" else array.dtype.newbyteorder("<").str
            content = "\0".join(array.ravel().tolist()).encode() if kind == "text" else _little(array)
            found.update(f"{path}\0{kind}\0{array.shape}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()


def _little(array: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), order="C").tobytes()


def _everything(group: Group, path: str) -> Iterator[tuple[str, Value]]:
    for name in sorted(group.values):
        yield f"{path}/{name}", group.values[name]
    for name in sorted(group.groups):
        yield from _everything(group.groups[name], f"{path}/{name}")
