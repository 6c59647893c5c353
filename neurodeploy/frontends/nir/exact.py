"""The group `/neurodeploy` of a NIR file: what NIR cannot hold of a graph or a network, number for number.

Other readers pass it over. It holds `format`, `description` (canonical JSON), `arrays` by `layer.field`, and
`digest`, the sha256 of everything else in the file, so that nodes and group cannot say different things unnoticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurodeploy.errors import InputError, NeurodeployError
from neurodeploy.frontends.hdf5 import Group, Value
from neurodeploy.ir import Graph, from_json, to_json
from neurodeploy.network import Network
from neurodeploy.network_json import canonical, network_from_json, network_to_json, parse

NAME = "neurodeploy"
FORMAT = "1"
_NETWORK = ("steps", "target", "registers", "notes", "provenance", "learning")


def describe(content: Graph | Network, reading: dict[str, Any]) -> Group:
    """The group for a graph or a network; `reading` are the settings with which the nodes are to be read."""
    described: dict[str, Any] = {"reading": reading}
    if isinstance(content, Network):
        facts, arrays = network_to_json(content)
        described |= {"ir": facts.pop("ir"), "network": facts}
    else:
        described["ir"], arrays = to_json(content)
    return Group({"format": FORMAT, "description": canonical(described)}, {"arrays": Group(dict(arrays))})


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
        described = parse(str(own.values["description"]))
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
    return network_from_json(graph, said)


def _fail(problem: str) -> InputError:
    line = " ".join(problem.split())  # arrays and texts of the file may have several
    return InputError(
        f"group /{NAME}: {line}. Without that group, the nodes are read as those of any NIR file"
    )


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
