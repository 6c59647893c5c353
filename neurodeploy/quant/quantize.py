"""The pass from the float dialect to the integer dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError, NeurodeployError, UnsupportedError, UsageError
from neurodeploy.ir import (
    LIF,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    IntInput,
    IntLIF,
    Op,
    Output,
    Readout,
)
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.quant.fit import Fitter, NeuronRounding
from neurodeploy.quant.groups import Group, InputRange
from neurodeploy.quant.inputs import InputGrid
from neurodeploy.quant.layer import Limits, quantize_layer
from neurodeploy.quant.moments import SAMPLES, Measured, Moments
from neurodeploy.quant.record import Record, layer_record
from neurodeploy.quant.weights import Method
from neurodeploy.semantics import bounds


@dataclass(frozen=True, slots=True, eq=False)
class Quantize:
    """Lowered float graph -> integer graph.

    1. The input gets the grid `grid`; binary and event inputs are integers already.
    2. Each layer of neurons is quantized with its groups of synapses (`quantize_layer`), by `method`, or with the bits
       that `layer_bits` gives to a group or to all of a layer.
    3. Rounding 'gptq' needs the second moments of every group's inputs: `moments`, or those of a float run of
       `sample`, `(N, *shape)`, or `(T, N, *shape)` with `time_axis`.
    4. Flatten, delays and output stay.
    5. With `neurons` 'fit', biases, decays and thresholds are then chosen together on `sample` (`quant.fit`).

    `record` holds what the integers stand for after `apply` (`neurodeploy.quant.record`).
    """

    name: ClassVar[str] = "quantize"
    grid: InputGrid
    method: Method
    chip: Chip
    steps: int
    layer_bits: Mapping[str, int] = field(default_factory=dict)
    sample: npt.NDArray[Any] | None = None
    moments: Moments | None = None
    neurons: NeuronRounding = "nearest"
    time_axis: bool = False
    record: Record = field(default_factory=dict, init=False)

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` for too many bits, `UnsupportedError` for a layer without a form."""
        self.record.clear()
        self._check_bits(graph)
        moments = self._moments(graph, notes)
        ops: dict[str, Op] = {}
        for name in graph.names:
            op = graph.op(name)
            if isinstance(op, Input):
                ops[name] = self._input(name, op, notes)
            elif isinstance(op, (LIF, Readout)):
                ops |= self._layer(graph, name, op, ops, moments, notes)
            elif isinstance(op, (Flatten, Delay, Output)):  # rule 4
                ops[name] = op
            elif not isinstance(op, (Dense, Conv)):
                raise UnsupportedError(f"layer '{name}': there is no integer form of '{op.kind}'")
        made = Graph({name: ops[name] for name in graph.names}, graph.edges)
        return made if self.neurons == "nearest" else self._fitted(graph, made, notes)

    def _fitted(self, graph: Graph, made: Graph, notes: Notes) -> Graph:  # rule 5
        if self.sample is None:
            raise UsageError("quant.neurons=fit needs real input: give --calibrate DATA")
        limits = Limits(self.chip.bias_max, self.chip.threshold_max)
        fitter = Fitter(
            graph, made, self.sample, self.steps, self.chip.registers, limits, time_axis=self.time_axis
        )
        fits = dict(fitter.fits({name: self.record[name]["unit"] for name in made.of(IntLIF)}))
        for name, fit in fits.items():
            notes.append(Note(name, str(fit)))
            self.record[name]["fit"] = fit.record()
        return made.replaced({name: fit.neurons for name, fit in fits.items()})

    def _input(self, name: str, op: Input, notes: Notes) -> IntInput:  # rule 1
        grid = self.grid
        loss = "lossless for the calibration data" if grid.lossless else "rounded"
        if self.sample is None and op.encoding != "graded":
            loss = f"as an input that is '{op.encoding}' may be; no data were given"
        notes.append(
            Note(name, f"{grid.levels:.6g} levels per unit, integers {grid.low}..{grid.high}, {loss}")
        )
        return IntInput(op.shape, grid.levels, grid.low, grid.high)

    def _check_bits(self, graph: Graph) -> None:
        allowed = self.chip.synapse.weight_bits.value
        most = max([self.method.bits, *self.layer_bits.values()])
        if most > allowed:
            raise FitError(
                f"weights of {most} bits do not fit: {self.chip.id} has {allowed} bits a weight; "
                f"try --bits {allowed}"
            )
        known = (*graph.of(Dense), *graph.of(Conv), *graph.of(LIF), *graph.of(Readout))
        for name, bits in self.layer_bits.items():
            if name not in known or bits < 2:
                raise UsageError(
                    f"quant.layers: {name!r} = {bits}; bits are 2 or more, layers are {', '.join(known)}"
                )

    def _moments(self, graph: Graph, notes: Notes) -> Moments | None:  # rule 3
        if self.method.rounding != "gptq":
            return None
        if self.sample is None:
            raise UsageError("rounding 'gptq' needs real input: give --calibrate DATA")
        samples = min(self.sample.shape[1 if self.time_axis else 0], SAMPLES)
        moving = f" of {self.steps} time steps" if self.time_axis else ""
        notes.append(
            Note(
                "network", f"weights rounded with the covariance of what {samples} samples{moving} send them"
            )
        )
        return self.moments or Measured(graph, self.sample, self.steps, time_axis=self.time_axis)

    def _layer(
        self,
        graph: Graph,
        name: str,
        op: LIF | Readout,
        done: dict[str, Op],
        moments: Moments | None,
        notes: Notes,
    ) -> dict[str, Op]:  # rule 2
        groups = {source: self._group(graph, source, done, moments) for source in graph.sources(name)}
        methods = {source: self._method(source, name) for source in groups}
        try:
            limits = Limits(self.chip.bias_max, self.chip.threshold_max)
            layer = quantize_layer(groups, op, methods, self.chip.registers, self.steps, limits)
        except NeurodeployError as error:
            raise type(error)(f"layer '{next(iter(groups), name)}': {error}") from None
        notes.extend(Note(where, what) for where, what in layer.losses(name, op))
        self.record.update(layer_record(name, layer, methods))
        return {**layer.synapses, name: layer.neurons}

    def _method(self, synapses: str, neurons: str) -> Method:
        bits = self.layer_bits.get(synapses, self.layer_bits.get(neurons, self.method.bits))
        return replace(self.method, bits=bits)

    def _group(self, graph: Graph, name: str, done: dict[str, Op], moments: Moments | None) -> Group:
        op = graph.op(name)
        if not isinstance(op, (Dense, Conv)) or op.bias.any():
            raise UnsupportedError(
                f"layer '{name}': '{op.kind}' must be lowered to synapses without bias before it is quantized"
            )
        known = None if moments is None else moments.of(name)
        return Group(op, self._range(graph, graph.sources(name)[0], done), known)

    def _range(self, graph: Graph, name: str, done: dict[str, Op]) -> InputRange:
        """What layer `name` sends; of neurons that come later (recurrence) only `max_spikes` is known."""
        while isinstance(graph.op(name), (Flatten, Delay)):
            name = graph.sources(name)[0]
        op = graph.op(name)
        if isinstance(op, Input):
            return InputRange(self.grid.low, self.grid.high, self.grid.levels)
        quantized = done.get(name)
        if isinstance(quantized, IntLIF):
            return InputRange(0, bounds.most_spikes(quantized, self.chip.registers), 1.0)
        return InputRange(0, op.max_spikes if isinstance(op, LIF) else 1, 1.0)
