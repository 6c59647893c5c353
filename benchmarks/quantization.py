"""Accuracy against the bits of a weight, by our rules and by those of other compilers for spiking chips.

`python benchmarks/quantization.py [--data fashion-mnist:FOLDER] [--run RUN ...]`. Without `--run` it trains --model
first, with each of --seeds. Cells are the mean over the runs: accuracy in %, and in brackets the change against float
in points. The row 'fine-tuned' trains on from each run for --tune epochs with weights of so many bits; 0 leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pictures
import study
from peer_rules import LavaDl, NengoLoihi, sinabs
from tables import table

from neurodeploy.chip import Chip, load_chip
from neurodeploy.compiler import float_graph
from neurodeploy.data import Dataset
from neurodeploy.errors import FitError
from neurodeploy.frontends.model import Model, TorchModel, open_model
from neurodeploy.ir import Graph
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network
from neurodeploy.passes import LOWERING, Fit, Legalise, Ranges, run_passes
from neurodeploy.quant import InputGrid, Method, Quantize, grid_of
from neurodeploy.quant.fit import NeuronRounding
from neurodeploy.quant.moments import Measured
from neurodeploy.training import TrainConfig, train
from neurodeploy.training.run_folder import read_info

CALIBRATION_SAMPLES = 1000
FLOAT_SAMPLES = 100
TUNED = "fine-tuned"


@dataclass(frozen=True)
class Rule:
    """What makes (graph, how weights are rounded) of a float graph and bits, and how neurons are."""

    prepare: Callable[[Graph, int], tuple[Graph, Method]]
    neurons: NeuronRounding = "nearest"


def method(neurons: NeuronRounding = "nearest", **options: Any) -> Rule:
    """A rule that leaves the graph as it is."""
    return Rule(lambda graph, bits: (graph, Method(bits, **options)), neurons)


RULES: dict[str, Rule] = {
    "nearest, max": method(),
    "nearest, mse clip": method(clip="mse"),
    "nearest, mse clip, fit": method("fit", clip="mse"),
    "gptq, max": method(rounding="gptq"),
    "gptq, mse clip": method(clip="mse", rounding="gptq"),
    "gptq, mse clip, fit": method("fit", clip="mse", rounding="gptq"),
    "truncate, max": method(rounding="truncate"),
    "nengo-loihi's": Rule(lambda graph, bits: (graph, NengoLoihi(bits))),
    "lava-dl's": Rule(lambda graph, bits: (graph, LavaDl(bits))),
    "sinabs's": Rule(sinabs),
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
    moments: Measured

    def compiled(self, rule: Rule, bits: int) -> Network:
        """The integer network by one rule."""
        graph, method = rule.prepare(self.graph, bits)
        quantize = Quantize(
            self.grid,
            method,
            self.chip,
            self.steps,
            sample=self.calibration,
            moments=self.moments,
            neurons=rule.neurons,
        )
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

    def seconds(self, rule: Rule, bits: int) -> float:
        """Time to compile by one rule, second moments included."""
        start = perf_counter()
        self.compiled(rule, bits)
        return perf_counter() - start


def prepared(model: Model, training: Dataset, test: Dataset) -> Study:
    """Read and lower the model, find the grid of its input."""
    sample = training.limit(CALIBRATION_SAMPLES)
    frames = sample.x.reshape(-1, *sample.shape)
    imported, steps = float_graph(model, frames)
    graph = run_passes(imported.graph, LOWERING, [])
    measured = Measured(graph, frames, steps)
    return Study(graph, steps, load_chip("loihi2"), grid_of("graded", frames), frames, test, measured)


def tuned(run: Path, bits: int, epochs: int, training: Dataset, test: Dataset) -> float:
    """Accuracy in integers after so many epochs more on the grid of these bits."""
    known = read_info(run)
    config = TrainConfig(quantize=bits)
    made = train(
        known.model, training, rule=known.rule, steps=known.steps, epochs=epochs, start=run, config=config
    )
    one = prepared(TorchModel(made.module, known.model, known.steps), training, test)
    return one.accuracy(RULES["nearest, max"], bits)


def measured(
    run: Path, training: Dataset, test: Dataset, bits: Sequence[int], rules: Sequence[str], epochs: int
) -> dict[str, list[float]]:
    """Accuracies by rule and bits, under 'float' the one of the float network; progress is printed."""
    one = prepared(open_model(str(run)), training, test)
    found = {"float": [one.float_accuracy()] * len(bits)}
    print(f"\n{run}: T={one.steps}, float {found['float'][0]:.2%}")
    if any(rule.startswith("gptq") for rule in rules):
        print(f"{one.seconds(RULES['gptq, mse clip'], bits[0]):.1f} s to compile with gptq")
    for rule in rules:
        found[rule] = [one.accuracy(RULES[rule], width) for width in bits]
        print(f"{rule}: {' '.join(study.percent(found[rule]))}", flush=True)
    if epochs:
        found[TUNED] = [tuned(run, width, epochs, training, test) for width in bits]
        print(f"{TUNED}: {' '.join(study.percent(found[TUNED]))}", flush=True)
    return found


@contextmanager
def runs(
    given: Sequence[Path], model: str, training: Dataset, steps: int, epochs: int, seeds: Sequence[int]
) -> Iterator[list[Path]]:
    """The folders of trained runs: those given, or of `model` with each seed."""
    if given:
        yield list(given)
        return
    with TemporaryDirectory() as place:
        folders = [Path(place, f"seed{seed}") for seed in seeds]
        for seed, folder in zip(seeds, folders, strict=True):
            train(model, training, rule="rate-m", steps=steps, epochs=epochs, seed=seed, folder=folder)
        yield folders


def cell(accuracy: npt.NDArray[np.float64], floats: npt.NDArray[np.float64]) -> str:
    """Mean over the runs, and the mean change."""
    return f"{100 * accuracy.mean():.2f} ({100 * (accuracy - floats).mean():+.2f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train or load, quantize by every rule, test and print."""
    parser = study.parser(__doc__, "quantization")
    parser.add_argument(
        "--run", type=Path, nargs="+", default=[], help="run folders (default: train --model)"
    )
    parser.add_argument("--model", default="mlp:784-256-10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="S")
    parser.add_argument("--steps", type=int, default=8, metavar="T")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--tune", type=int, default=2, metavar="EPOCHS")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 6, 5, 4, 3, 2])
    parser.add_argument("--rules", nargs="*", default=list(RULES), choices=list(RULES))
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    training, test = study.splits(args)
    with runs(args.run, args.model, training, args.steps, args.epochs, args.seeds) as folders:
        each = [measured(run, training, test, args.bits, args.rules, args.tune) for run in folders]
        name = read_info(folders[0]).model
    found = {rule: np.array([one[rule] for one in each]) for rule in each[0]}
    floats = found.pop("float")
    title = f"{name}, {len(each)} runs, {len(test)} test samples: accuracy %; float {100 * floats.mean():.2f}"
    rows = {
        rule: [cell(line[:, i], floats[:, i]) for i in range(len(args.bits))] for rule, line in found.items()
    }
    table(title, [f"{bits} bits" for bits in args.bits], rows)
    lines = {
        rule: dict(zip(map(float, args.bits), 100 * line.mean(0), strict=True))
        for rule, line in found.items()
    }
    pictures.draw(args.plot, [pictures.Panel(name, "bits of a weight", "accuracy (%)", lines)])


if __name__ == "__main__":
    study.run(main)
