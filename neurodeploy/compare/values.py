"""What one layer of neurons did in a run, float or integer, in the units of the float network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import LayerTrace
from neurodeploy.ir import LIF, Graph, IntLIF, Readout
from neurodeploy.ir.interpreter import FloatResult
from neurodeploy.network import Network

Array = npt.NDArray[Any]
LayerRun = Mapping[str, "LayerValues"]
"""Every layer of neurons of one run, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerValues:
    """`spikes` and `membrane` (at the end of each step, after the reset), both `(T, N, n)`.

    `threshold` and `subtracts` `(n,)` are those of the neurons, None for a readout; `subtracts` is 0 with reset
    'zero', which keeps no trace of the potential that fired.
    """

    spikes: Array
    membrane: Array
    threshold: Array | None
    subtracts: Array | None

    def potential(self, at: tuple[int, int, int]) -> float:
        """The potential of one (step, sample, neuron) as it was compared with the threshold.

        v + subtracts s for reset 'subtract'; v after the reset for 'zero'.
        """
        added = 0.0 if self.subtracts is None else float(self.subtracts[at[2]]) * float(self.spikes[at])
        return float(self.membrane[at]) + added


def neurons_of(graph: Graph) -> dict[str, LIF | Readout]:
    """The layers of neurons of a float graph."""
    return {**graph.of(LIF), **graph.of(Readout)}


def float_values(graph: Graph, result: FloatResult) -> dict[str, LayerValues]:
    """Every layer of a float run."""
    return {name: _of_float(op, result, name) for name, op in neurons_of(graph).items()}


def _of_float(op: LIF | Readout, result: FloatResult, name: str) -> LayerValues:
    spikes, membrane = _flat(result.spikes[name]), _flat(result.membrane[name])
    if isinstance(op, Readout):
        return LayerValues(spikes, membrane, None, None)
    subtracts = op.subtracts if op.reset == "subtract" else np.zeros(())
    return LayerValues(spikes, membrane, _each(op.threshold, op), _each(subtracts, op))


def integer_values(
    network: Network, traces: Mapping[str, LayerTrace], units: Mapping[str, float]
) -> dict[str, LayerValues]:
    """Every layer of an integer run; `units` are the real potentials that one integer step is worth."""
    return {name: of_integer(op, traces[name], units[name]) for name, op in network.neurons.items()}


def of_integer(op: IntLIF, trace: LayerTrace, unit: float) -> LayerValues:
    """One layer of an integer run."""
    spikes, membrane = _flat(trace.spikes), _flat(trace.membrane) * unit
    if op.reset == "none":
        return LayerValues(spikes, membrane, None, None)
    subtracts = op.subtracts_q if op.reset == "subtract" else np.zeros(())
    return LayerValues(spikes, membrane, unit * _each(op.threshold_q, op), unit * _each(subtracts, op))


def _flat(values: Array) -> Array:
    return values.reshape(*values.shape[:2], -1)


def _each(values: Array, op: LIF | IntLIF) -> Array:
    """A parameter of every neuron, `(n,)`."""
    return np.broadcast_to(values, op.shape).reshape(-1)
