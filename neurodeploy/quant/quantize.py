"""The pass from the float dialect to the integer dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError, NeurodeployError, UnsupportedError
from neurodeploy.ir import LIF, Dense, Flatten, Graph, Input, IntInput, Op, Output, Readout
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.quant.inputs import InputGrid
from neurodeploy.quant.layer import InputRange, quantize_layer

SPIKES = InputRange(0, 1, 1.0)


@dataclass(frozen=True, slots=True)
class Quantize:
    """Float graph -> integer graph.

    1. The input gets the grid `grid`.
    2. Each layer of synapses and neurons is quantized by itself (`quantize_layer`), weights to `bits`.
    3. Flatten and output stay.
    """

    name: ClassVar[str] = "quantize"
    grid: InputGrid
    bits: int
    chip: Chip
    steps: int

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` for too many bits, `UnsupportedError` for a layer without a form."""
        allowed = self.chip.synapse.weight_bits.value
        if self.bits > allowed:
            raise FitError(
                f"weights of {self.bits} bits do not fit: {self.chip.id} has {allowed} bits a weight; "
                f"try --bits {allowed}"
            )
        ops: dict[str, Op] = {}
        for name in graph.names:
            op = graph.op(name)
            if isinstance(op, Input):
                ops[name] = self._input(name, op, notes)
            elif isinstance(op, (LIF, Readout)):
                ops |= self._layer(graph, name, op, notes)
            elif isinstance(op, (Flatten, Output)):  # rule 3
                ops[name] = op
            elif not isinstance(op, Dense):
                raise UnsupportedError(f"layer '{name}': there is no integer form of '{op.kind}'")
        return Graph({name: ops[name] for name in graph.names}, graph.edges)

    def _input(self, name: str, op: Input, notes: Notes) -> IntInput:  # rule 1
        grid = self.grid
        loss = "lossless for the calibration data" if grid.lossless else "rounded"
        notes.append(
            Note(name, f"{grid.levels:.6g} levels per unit, integers {grid.low}..{grid.high}, {loss}")
        )
        return IntInput(op.shape, grid.levels, grid.low, grid.high)

    def _layer(self, graph: Graph, name: str, op: LIF | Readout, notes: Notes) -> dict[str, Op]:  # rule 2
        sources = graph.sources(name)
        dense = graph.op(sources[0])
        if len(sources) != 1 or not isinstance(dense, Dense):
            raise UnsupportedError(
                f"layer '{name}' has {len(sources)} groups of synapses; only one can be quantized"
            )
        before = graph.types[graph.sources(sources[0])[0]]
        graded = InputRange(self.grid.low, self.grid.high, self.grid.levels)
        inputs = graded if before.signal == "value" else SPIKES
        try:
            layer = quantize_layer(dense, op, inputs, self.bits, self.chip.registers, self.steps)
        except NeurodeployError as error:
            raise type(error)(f"layer '{sources[0]}': {error}") from None
        notes.extend(
            Note(sources[0] if synapses else name, what) for synapses, what in layer.losses(dense, op)
        )
        return {sources[0]: layer.synapses, name: layer.neurons}
