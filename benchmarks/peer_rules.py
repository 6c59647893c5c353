"""How other compilers for spiking chips choose the step of a weight, as rules for the same integer machine.

Weights, thresholds and biases alone differ; neurons and registers are those of the target.

- nengo-loihi: one scale a block of neurons that takes max|w| to 255 of 8 bits; mixed signs leave every second
  integer, so a step is 2 max|w| / (2^bits - 1). Source: nengo_loihi/discretize.py.
- lava-dl: a fixed step of 2/64, whatever the weights, clamped to the bits. Source: lava/lib/dl/slayer/utils/quantize.py
  (quantize_hook_fx), without the training that usually goes with it.
- sinabs: one scale for weights, bias and threshold, the least that keeps weights and bias in their bits and
  the threshold in 16; all are integers of it, a threshold 1 at least. Source: sinabs/backend/dynapcnn/discretize.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import LIF, Conv, Dense, Graph, Op, Readout
from neurodeploy.quant import Method
from neurodeploy.quant.grid import weight_max

THRESHOLD_BITS = 16
Weight = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NengoLoihi(Method):
    """A step of 2 max|w| / (2^bits - 1)."""

    def scale(self, weight: Weight) -> float:
        """See the class."""
        return 2 * float(np.abs(weight).max()) / (2**self.bits - 1)


@dataclass(frozen=True)
class LavaDl(Method):
    """A step of 2/64."""

    def scale(self, weight: Weight) -> float:
        """See the class."""
        return 2 / 64


@dataclass(frozen=True, eq=False)
class Sinabs(Method):
    """The step that each weight array shares with the neurons behind it."""

    steps: tuple[tuple[Weight, float], ...] = ()

    def scale(self, weight: Weight) -> float:
        """See the class."""
        return next(step for known, step in self.steps if known is weight)


def sinabs(graph: Graph, bits: int) -> tuple[Graph, Method]:
    """The graph with thresholds and biases on the grids of the weights, and these grids."""
    neurons: dict[str, LIF | Readout] = {**graph.of(LIF), **graph.of(Readout)}
    changed: dict[str, Op] = {}
    steps: list[tuple[Weight, float]] = []
    for name, op in neurons.items():
        weights = [weight_of(graph, source) for source in graph.sources(name)]
        largest = max(float(np.abs(values).max(initial=0.0)) for values in (*weights, op.bias))
        step = largest / weight_max(bits)
        if isinstance(op, LIF):
            step = max(step, float(op.threshold.max()) / weight_max(THRESHOLD_BITS))
            threshold = step * np.maximum(np.rint(op.threshold / step), 1)
            changed[name] = replace(op, bias=step * np.rint(op.bias / step), threshold=threshold)
        else:
            changed[name] = replace(op, bias=step * np.rint(op.bias / step))
        steps += [(values, step) for values in weights]
    return graph.replaced(changed), Sinabs(bits, steps=tuple(steps))


def weight_of(graph: Graph, name: str) -> Weight:
    """The weights of a group of synapses."""
    op = graph.op(name)
    if not isinstance(op, (Dense, Conv)):
        raise TypeError(f"{name} is '{op.kind}', not synapses")
    return op.weight
