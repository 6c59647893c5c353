"""A `.net` file as a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.frontends.hdf5 import Group, read_hdf5
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.netx.chain import Chain
from neurodeploy.frontends.netx.config import Answers, NetxConfig, answers
from neurodeploy.frontends.netx.fields import Fields, layer_fields, single_text
from neurodeploy.frontends.netx.layer import Layer
from neurodeploy.frontends.netx.layers import read_layer
from neurodeploy.ir import Graph, IntLIF
from neurodeploy.network import Note

NOTHING_SAID = NetxConfig()


@dataclass(frozen=True, slots=True)
class NetxModel:
    """A `.net` file whose HDF5 content was read; `steps` is its tSample, None where it has none."""

    origin: str
    content: Group
    answers: Answers
    steps: int | None
    data: str | None = None

    def read(self, sample: npt.NDArray[np.float32] | None = None, steps: int | None = None) -> Imported:
        """The integer graph and everything that was assumed.

        A file holds its numbers as integers, so `sample` and `steps` change nothing. Raises `InputError` for a file
        that contradicts itself, `UnsupportedError` for what is not supported or has to be said (`NetxConfig`).
        """
        try:
            return self._read()
        except InputError as error:
            raise type(error)(f"{self.origin}: {error}") from None

    def _read(self) -> Imported:
        chain = Chain(self.answers)
        chain.notes += _attributes("file", self.content)
        layers = self.content.groups["layer"]
        for layer in _layers(layers):
            chain.notes += _attributes(layer.where, layers.groups[str(layer.index)])
            read_layer(chain, layer)
        if not chain.spiking:
            raise InputError("none of its layers has neurons")
        graph = chain.graph()
        return Imported(graph, _merged([*chain.notes, *_timing(graph)]))


def open_net(path: Path, preset: str | None = None, config: NetxConfig = NOTHING_SAID) -> NetxModel:
    """Open a lava-dl `.net` file.

    `preset` may be "lava-dl", for what lava-dl's netx assumes; `config` says what the file leaves open.
    Raises `InputError` for a damaged or foreign file, `BackendMissing` without h5py, `UsageError` for settings that
    make no sense.
    """
    said = answers(preset, config)
    content = read_hdf5(Path(path))
    foreign = set(content.names) - {"layer", "simulation"}
    if foreign or "layer" not in content.groups or "simulation" in content.values:
        raise InputError(
            f"{path}: not a .net file of lava-dl, which holds a group 'layer' and at most a group 'simulation'; "
            f"this holds {', '.join(map(repr, content.names[:8])) or 'nothing'}"
        )
    return NetxModel(str(path), content, said, _steps(str(path), content.groups.get("simulation")))


def _steps(origin: str, simulation: Group | None) -> int | None:
    """Time steps of a sample: its length tSample in units of Ts."""
    if simulation is None:
        return None
    fields = Fields(f"{origin}: simulation", simulation.values)
    length = fields.integer("tSample") if "tSample" in fields else None
    unit = fields.integer("Ts") if "Ts" in fields else 1
    fields.finish()
    if length is None:
        return None
    if unit < 1 or length < unit:
        raise fields.fail(f"a sample of tSample {length} in steps of Ts {unit} has no steps")
    return length // unit


def _layers(group: Group) -> list[Layer]:
    count = len(group.groups)
    if group.values or not count or set(group.groups) != {str(i) for i in range(count)}:
        held = ", ".join(group.names[:8])
        raise InputError(f"its layers must be groups called 0 to n-1, not {held or 'nothing'}")
    return [_layer(index, group.groups[str(index)], index == count - 1) for index in range(count)]


def _layer(index: int, group: Group, last: bool) -> Layer:
    kind = single_text(group.values.get("type"))
    if kind is None:
        raise InputError(f"layer {index}: there is no field 'type' with a plain word")
    fields, neuron = layer_fields(f"layer {index} ({kind})", group)
    fields.word("type")
    return Layer(index, kind, fields, neuron, last)


def _attributes(where: str, group: Group) -> list[Note]:
    """lava-dl writes no HDF5 attributes; what others wrote there is left out."""
    inner = [] if where == "file" else list(group.groups.items())
    found = [*group.attributes, *(f"{name}/{key}" for name, part in inner for key in part.attributes)]
    return [Note(where, f"HDF5 attributes are left out: {', '.join(found[:5])}")] if found else []


def _merged(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes that say the same of several layers as one."""
    layers: dict[str, list[str]] = {}
    for note in notes:
        layers.setdefault(note.what, []).append(note.layer)
    return tuple(Note("; ".join(where), what) for what, where in layers.items())


def _timing(graph: Graph) -> list[Note]:
    """What differs from a run of lava-dl's netx, where neurons have biases."""
    later = [name for name, op in list(graph.of(IntLIF).items())[1:] if op.bias_q.any()]
    if not later:
        return []
    what = (
        "its biases act from the first step on in which its input may come (model time); slayer's delay_shift and "
        "lava-dl's netx start all layers at once, so that there they act some steps before"
    )
    return [Note(name, what) for name in later]
