"""A network written as a program for Lava: readable, runnable, without the compiler."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.files import write_atomic
from neurodeploy.ir.op import Op, default, same
from neurodeploy.network import Network
from neurodeploy.semantics import Registers
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.legalise import legalise_network
from neurodeploy.targets.lava.picture import draw
from neurodeploy.targets.lava.plan import plan
from neurodeploy.targets.lava.process_graph import LavaSignMode, Plan, Process
from neurodeploy.targets.lava.schedule import sender
from neurodeploy.targets.lava.standard import require_standard
from neurodeploy.targets.lava.window import Window

PROGRAM, WEIGHTS, PICTURE = "network.py", "weights.npz", "processes.svg"
FOLDER = PurePath("FOLDER")


def write_script(network: Network, folder: Path, *, standard: bool = False) -> tuple[Path, Path]:
    """Write `network.py`, `weights.npz` and `processes.svg` into `folder`, made if missing; returns the first two.

    The program makes the processes that the `lava` back end runs, one statement each, and runs any number of samples.
    It needs Lava, and of neurodeploy the process definitions alone. With `standard` its neurons and synapses are Lava's
    own. Raises as `legalise_network` does, and then as `require_standard`.
    """
    legalise_network(network)
    if standard:
        require_standard(network, streamed=True)
    made = plan(Path(FOLDER), Job(network, network.steps, 1, standard=standard))
    arrays: dict[str, npt.NDArray[Any]] = {}
    body = list(_body(network, made, arrays))
    program = "".join(f"{line}\n" for line in (*_head(network, made, body), *body))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / WEIGHTS, buffer.getvalue())
    write_atomic(folder / PICTURE, draw(made).encode())
    write_atomic(folder / PROGRAM, program.encode())
    return folder / PROGRAM, folder / WEIGHTS


def _body(network: Network, made: Plan, arrays: dict[str, npt.NDArray[Any]]) -> Iterator[str]:
    yield "def build(folder, samples):"
    yield '    """Make and connect all processes; the last one, and Lava\'s number of time steps."""'
    for name, board in made.boards.items():
        rows = f"(samples * STEPS, {board.shape[1]})" if len(board.shape) == 2 else str(board.shape)
        yield f"    create(folder / {name!r}, {rows}, np.{np.dtype(board.dtype).name})"
    yield "    p = {}"
    for name, process in made.processes.items():
        yield from _statement(name, process, arrays)
    for c in made.connections:
        connect = "connect_var" if c.reads else "connect"
        yield f"    p[{c.sender!r}].{c.out}.{connect}(p[{c.receiver!r}].{c.into})"
    hop = made.time_steps - (network.steps - 1) * _period(made)
    yield f"    return Emitted(p[{made.output!r}], {hop} + (samples * STEPS - 1) * {_period(made)})"
    yield from _tail(network)


def _period(made: Plan) -> int:
    windows = (process.arguments.get("window") for process in made.processes.values())
    return next(window.period for window in windows if isinstance(window, Window))


OPTIONAL = {
    "csr_matrix": "from scipy.sparse import csr_matrix",
    "IntConv": "from neurodeploy.ir import IntConv",
    "IntDense": "from neurodeploy.ir import IntDense",
    "IntLIF": "from neurodeploy.ir import IntLIF",
    "REGISTERS": "from neurodeploy.semantics import Register, Registers",
}
"""What a program imports where it uses the name."""


def _head(network: Network, made: Plan, body: Sequence[str]) -> Iterator[str]:
    used = [name for name in OPTIONAL if any(name in line for line in body)]
    op = network.input
    kinds = sorted({process.kind for process in made.processes.values()})
    shape = ", ".join(str(n) for n in op.shape)
    yield f'"""A spiking network of {len(network.neurons)} layers as Lava processes, written by neurodeploy.'
    yield ""
    yield "    python network.py DATA.npz [RESULT.npz]"
    yield ""
    yield f"DATA.npz holds real input `x`, (samples, {shape}), the same in every step, or (samples, {network.steps},"
    kind = "membrane" if network.is_readout else "spikes"
    yield f"{shape}). RESULT.npz gets `{kind}` (samples, {network.steps}, n) and `prediction` (samples,)."
    yield '"""'
    yield ""
    yield "import sys"
    yield "import tempfile"
    yield "from pathlib import Path"
    yield ""
    yield "import numpy as np"
    yield from (OPTIONAL[name] for name in used if name == "csr_matrix")
    yield ""
    yield from (OPTIONAL[name] for name in used if name != "csr_matrix")
    yield "from neurodeploy.targets.lava import compat"
    yield "from neurodeploy.targets.lava.boards import attach, create"
    yield "from neurodeploy.targets.lava.emit import Emitted"
    yield "from neurodeploy.targets.lava.session import Session"
    yield "from neurodeploy.targets.lava.window import Window"
    yield ""
    yield "compat.prepare()  # Lava 0.10 on this Python"
    for kind in kinds:
        module, _, name = kind.partition(":")
        yield f"from {module} import {name}  # noqa: E402"
    yield "from lava.utils.weightutils import SignMode  # noqa: E402"
    yield ""
    yield f"STEPS = {network.steps}"
    yield f"LEVELS, LOW, HIGH = {op.levels!r}, {op.low}, {op.high}  # x_q = clip(round(x * LEVELS), LOW, HIGH)"
    if "REGISTERS" in used:
        yield f"REGISTERS = {_registers(network.registers)}"
    yield f"W = np.load(Path(__file__).with_name({WEIGHTS!r}))"
    yield ""
    yield ""


def _registers(registers: Registers) -> str:
    return f"Registers(u={registers.u!r}, v={registers.v!r})"


def _statement(name: str, process: Process, arrays: dict[str, npt.NDArray[Any]]) -> Iterator[str]:
    kind = process.kind.partition(":")[2]
    yield f"    p[{name!r}] = {kind}("
    for key, value in process.arguments.items():
        yield f"        {key}={_value(f'{name}.{key}', value, arrays)},"
    yield f"        name={name!r},"
    yield "    )"


def _value(name: str, value: Any, arrays: dict[str, npt.NDArray[Any]]) -> str:
    """A Python expression for an argument; arrays go to the weights' file under `name`."""
    if isinstance(value, Window):
        return f"Window({value.first}, STEPS, samples, {value.period})"
    if isinstance(value, Registers):
        return "REGISTERS"
    if isinstance(value, PurePath):
        return f"folder / {value.name!r}"
    if isinstance(value, LavaSignMode):
        return f"SignMode.{value.name}"
    if isinstance(value, Op):
        return _op(name.rpartition(".")[0], value, arrays)
    if hasattr(value, "indptr"):
        return _sparse(name, value, arrays)
    if isinstance(value, np.ndarray) and value.ndim:
        arrays[name] = value
        return f"W[{name!r}]"
    return repr(value.item() if isinstance(value, np.ndarray) else value)


def _op(name: str, op: Op, arrays: dict[str, npt.NDArray[Any]]) -> str:
    shown = [f for f in fields(op) if not same(getattr(op, f.name), default(f))]  # type: ignore[arg-type]
    inside = ", ".join(f"{f.name}={_value(f'{name}.{f.name}', getattr(op, f.name), arrays)}" for f in shown)
    return f"{type(op).__name__}({inside})"


def _sparse(name: str, matrix: Any, arrays: dict[str, npt.NDArray[Any]]) -> str:
    parts = ("data", "indices", "indptr")
    for part in parts:
        arrays[f"{name}.{part}"] = getattr(matrix, part)
    inside = ", ".join(f"W['{name}.{part}']" for part in parts)
    return f"csr_matrix(({inside}), shape={matrix.shape})"


def _tail(network: Network) -> Iterator[str]:
    lead, readout = len(network.input.shape), network.is_readout
    layer, delay = sender(network.graph, network.graph.output)
    kind = "membrane" if readout else "spikes"
    yield ""
    yield ""
    yield "def run(x):"
    yield f'    """{"Potentials" if readout else "Spikes"} (samples, STEPS, n) of real input x."""'
    yield "    frames = np.clip(np.rint(x * LEVELS), LOW, HIGH).astype(np.int32)"
    yield f"    frames = frames.swapaxes(0, 1) if x.ndim == {lead + 2} else frames"
    yield "    samples = len(x)"
    yield "    with tempfile.TemporaryDirectory() as name:"
    yield "        folder = Path(name)"
    yield f"        np.save(folder / 'frames.npy', frames.reshape(*frames.shape[: frames.ndim - {lead}], -1))"
    yield "        with Session(lambda: build(folder, samples), lambda: None) as session:"
    yield "            session.run()"
    yield f"        {kind} = np.array(attach(folder / '{layer}.{kind}.npy')).reshape(samples, STEPS, -1)"
    if delay:
        yield f"    {kind}[:, {delay}:] = {kind}[:, :-{delay}].copy()  # the network shows them {delay} steps late"
        yield f"    {kind}[:, :{delay}] = 0"
    yield f"    return {kind}"
    yield ""
    yield ""
    yield 'if __name__ == "__main__":'
    yield "    data = np.load(sys.argv[1])"
    yield f"    {kind} = run(data['x'])"
    yield f"    prediction = ({'membrane[:, -1]' if readout else 'spikes.sum(axis=1)'}).argmax(axis=1)"
    yield "    if 'y' in data:"
    yield "        print(f'accuracy {100 * (prediction == data[\"y\"]).mean():.2f} % on {len(prediction)} samples')"
    yield "    else:"
    yield "        print('prediction', *prediction)"
    yield "    if len(sys.argv) > 2:"
    yield f"        np.savez_compressed(sys.argv[2], {kind}={kind}, prediction=prediction)"
