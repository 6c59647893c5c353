"""Accuracy against the bits of a weight, by our rules and by those of other compilers for spiking chips.

`python benchmarks/quantization.py [--data fashion-mnist:FOLDER] [--run RUN]`. Four minutes on one core with the
defaults, training included.

Rules of others, on the same integer machine, so that weights, thresholds and biases alone differ:

- nengo-loihi: one scale a block of neurons that takes max|w| to 255 of 8 bits; mixed signs leave every second
  integer, so a step is 2 max|w| / (2^bits - 1). Source: nengo_loihi/discretize.py.
- lava-dl: a fixed step of 2/64, whatever the weights, clamped to the bits. Source: lava/lib/dl/slayer/utils/quantize.py
  (quantize_hook_fx), without the training that usually goes with it.
- sinabs: one scale for weights, bias and threshold, the least that keeps weights and bias in their bits and
  the threshold in 16; all are integers of it, a threshold 1 at least. Source: sinabs/backend/dynapcnn/discretize.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pictures
import study
from tables import table

from neurodeploy.chip import Chip, load_chip
from neurodeploy.compiler import float_graph, open_any
from neurodeploy.data import Dataset
from neurodeploy.errors import FitError
from neurodeploy.frontends.model import Model, TorchModel
from neurodeploy.ir import LIF, Conv, Dense, Graph, Op, Readout
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network
from neurodeploy.passes import LOWERING, Fit, Legalise, Ranges, run_passes
from neurodeploy.quant import InputGrid, Method, Quantize, grid_of
from neurodeploy.quant.grid import weight_max
from neurodeploy.training import train

CALIBRATION_SAMPLES = 1000
FLOAT_SAMPLES = 100
THRESHOLD_BITS = 16
Weight = npt.NDArray[np.float64]
Rule = Callable[[Graph, int], tuple[Graph, Method]]


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


RULES: dict[str, Rule] = {
    "nearest, max": lambda graph, bits: (graph, Method(bits)),
    "nearest, mse clip": lambda graph, bits: (graph, Method(bits, "mse")),
    "gptq, max": lambda graph, bits: (graph, Method(bits, rounding="gptq")),
    "gptq, mse clip": lambda graph, bits: (graph, Method(bits, "mse", rounding="gptq")),
    "truncate, max": lambda graph, bits: (graph, Method(bits, rounding="truncate")),
    "nengo-loihi's": lambda graph, bits: (graph, NengoLoihi(bits)),
    "lava-dl's": lambda graph, bits: (graph, LavaDl(bits)),
    "sinabs's": sinabs,
}


@dataclass(frozen=True)
class Study:
    """One float network and its data."""

    graph: Graph
    steps: int
    chip: Chip
    grid: InputGrid
    calibration: npt.NDArray[np.float32]
    test: Dataset

    def compiled(self, rule: Rule, bits: int) -> Network:
        """The integer network by one rule."""
        graph, method = rule(self.graph, bits)
        quantize = Quantize(self.grid, method, self.chip, self.steps, sample=self.calibration)
        passes = [quantize, Legalise(self.chip), Ranges(self.chip.registers, self.steps), Fit(self.chip)]
        return Network(run_passes(graph, passes, []), self.steps, self.chip.id, self.chip.registers)

    def accuracy(self, rule: Rule, bits: int) -> float:
        """Share of the test samples that the integer network gets right; NaN where it does not fit the chip."""
        try:
            network = self.compiled(rule, bits)
        except FitError:
            return float("nan")
        result = network.run(self.test.time_first, time_axis=self.test.time_axis)
        return float((result.prediction == self.test.labels()).mean())

    def float_accuracy(self) -> float:
        """The same of the float network."""
        x, axis = self.test.time_first, self.test.time_axis
        right = 0
        for first in range(0, len(self.test), FLOAT_SAMPLES):
            part = slice(first, first + FLOAT_SAMPLES)
            found = interpret(self.graph, x[:, part] if axis else x[part], self.steps, time_axis=axis)
            right += int((found.prediction == self.test.labels()[part]).sum())
        return right / len(self.test)


def prepared(model: Model, training: Dataset, test: Dataset) -> Study:
    """Read and lower the model, find the grid of its input."""
    sample = training.limit(CALIBRATION_SAMPLES)
    frames = sample.x.reshape(-1, *sample.shape)
    imported, steps = float_graph(model, frames)
    graph = run_passes(imported.graph, LOWERING, [])
    return Study(graph, steps, load_chip("loihi2"), grid_of("graded", frames), frames, test)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train or load, quantize by every rule, test and print."""
    parser = study.parser(__doc__, "quantization")
    parser.add_argument("--run", type=Path, help="a run folder (default: train --model)")
    parser.add_argument("--model", default="mlp:784-256-10")
    parser.add_argument("--steps", type=int, default=6, metavar="T")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 5, 4, 3, 2])
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    training, test = study.splits(args)
    if args.run is None:
        options = {"rule": "ottt-a", "steps": args.steps, "epochs": args.epochs, "seed": args.seed}
        model: Model = TorchModel(train(args.model, training, **options).module, args.model, args.steps)
    else:
        model = open_any(str(args.run))
    one = prepared(model, training, test)
    found = {rule: {bits: one.accuracy(RULES[rule], bits) for bits in args.bits} for rule in args.rules}
    title = (
        f"{model.origin}, T={one.steps}, {len(test)} test samples: accuracy; float {one.float_accuracy():.2%}"
    )
    rows = {rule: study.percent(list(line.values())) for rule, line in found.items()}
    table(title, [f"{bits} bits" for bits in args.bits], rows)
    lines = {rule: {float(b): 100 * a for b, a in line.items()} for rule, line in found.items()}
    pictures.draw(args.plot, [pictures.Panel(model.origin, "bits of a weight", "accuracy (%)", lines)])


if __name__ == "__main__":
    study.run(main)
