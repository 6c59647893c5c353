"""From an integer network to the bytes of a `.net` file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.files import write_atomic
from neurodeploy.frontends.hdf5 import import_h5py
from neurodeploy.ir import IntConv, IntInput
from neurodeploy.network import Network, Note
from neurodeploy.semantics import Registers, signed_bits
from neurodeploy.targets.netx.chain import Block, blocks
from neurodeploy.targets.netx.neurons import bias, check_neurons, decays, threshold
from neurodeploy.targets.netx.weights import convolution, dense

Fields = dict[str, Any]
"""Arrays and words of one layer by name; those of its neurons begin with `neuron/`."""


def export_netx(network: Network, path: str | Path) -> tuple[Note, ...]:
    """Write a `.net` file (HDF5) that `lava.lib.dl.netx.hdf5.Network` loads with the same spikes; atomic, and the same
    bytes for the same network.

    Returns what its user has to know: what the file cannot hold is an argument or input of lava-dl.

    Raises `UnsupportedError` for layers and neurons that a `.net` file has no words for or lava-dl drops, `FitError`
    for numbers that it does not hold exactly, `BackendMissing` without h5py.
    """
    layers = list(_layers(network))
    content = _bytes(layers, network.steps)
    write_atomic(Path(path), content)
    return tuple(_notes(network))


def _layers(network: Network) -> Iterator[Fields]:
    if network.registers != Registers():
        raise UnsupportedError(f"{network.target} has {network.registers}; Lava's neurons have {Registers()}")
    chain = blocks(network.graph)
    yield {"type": "input", "shape": np.array(network.input.shape)}
    for block in chain:
        if block.flatten:
            yield {"type": "flatten", "shape": np.array([prod(block.input_shape), 1, 1])}
        yield _layer(network, block, block is chain[-1])


def _layer(network: Network, block: Block, last: bool) -> Fields:
    check_neurons(block, last)
    offset = bias(block)
    return {
        **(_convolution(block) if isinstance(block.groups[0].op, IntConv) else _dense(block)),
        "shape": np.array(block.neurons.shape),
        **({} if offset is None else {"bias": offset.astype(np.float32)}),
        "neuron/type": "CUBA",
        **{f"neuron/{name}": values for name, values in decays(block).items()},
        "neuron/vThMant": np.array(threshold(block, network)),
        "neuron/refDelay": np.array(1),
        "neuron/gradedSpike": np.array(False),
    }


def _dense(block: Block) -> Fields:
    held = dense(block)
    fields: Fields = {
        "type": "dense" if held.recurrent is None else "dense_rec",
        "inFeatures": np.array(held.weight.shape[1]),
        "outFeatures": np.array(held.weight.shape[0]),
        "weight": held.weight.astype(np.float32),
    }
    if held.recurrent is not None:
        fields["weight_rec"] = held.recurrent.astype(np.float32)
    if held.delay is not None:
        fields["delay"] = held.delay.astype(np.float32)
    return fields


def _convolution(block: Block) -> Fields:
    weight = convolution(block).weight
    op: Any = block.groups[0].op
    return {
        "type": "conv",
        "inChannels": np.array(weight.shape[1] * op.groups),
        "outChannels": np.array(weight.shape[0]),
        "groups": np.array(op.groups),
        "kernelSize": np.array(op.windows.kernel),
        "stride": np.array(op.stride),
        "padding": np.array(op.padding[:2]),
        "dilation": np.array(op.dilation),
        "weight": weight.astype(np.float32),
    }


def _bytes(layers: list[Fields], steps: int) -> bytes:
    h5py = import_h5py("a .net file")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=("earliest", "v108")) as file:
        for index, fields in enumerate(layers):
            for name, value in sorted(fields.items()):
                _write(file, f"layer/{index}/{name}", value)
        _write(file, "simulation/Ts", np.array(1))
        _write(file, "simulation/tSample", np.array(steps))
    return buffer.getvalue()


def _write(file: Any, path: str, value: Any) -> None:
    """Texts as lava-dl expects them: the type of a layer in an array of one, that of neurons alone."""
    if isinstance(value, str):
        text = np.array(value.encode("ascii"), "S10" if "/neuron/" not in path else None)
        value = text if "/neuron/" in path else text.reshape(1)
    file.create_dataset(path, data=np.ascontiguousarray(value) if value.ndim else value, track_times=False)


def _notes(network: Network) -> Iterator[Note]:
    given, last = network.input, network.graph.output
    if (given.low, given.high) != (0, 1):
        bits = signed_bits(np.array([given.low, given.high]))
        yield Note(
            _input_name(network), f"its spikes carry numbers: load the file with input_message_bits={bits}"
        )
    if given.levels != 1.0:
        yield Note(
            _input_name(network),
            f"the file does not hold the input's scale: give round(x * {given.levels:g}), {given.low}..{given.high}",
        )
    if len(given.shape) == 3:
        yield Note(
            _input_name(network), "lava-dl takes its axes as (width, height, channels), or flat as here"
        )
    if network.is_readout:
        yield Note(last, "never fires in lava-dl: its result is the potential, net.out_layer.neuron.v")
    if any(op.bias_q.any() for op in network.neurons.values()):
        yield Note(
            "network",
            "lava-dl starts all layers at once, so that biases act before the input comes: load the file with "
            f"reset_interval={network.steps}, reset_offset=1",
        )


def _input_name(network: Network) -> str:
    return next(iter(network.graph.of(IntInput)))
