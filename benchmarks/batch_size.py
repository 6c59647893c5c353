"""OTTT one sample at a time against batches, from equal numbers of samples.

`python benchmarks/batch_size.py [--data fashion-mnist:FOLDER]`: accuracy by learning rate, as every batch size has
a best one of its own. Four minutes on one core with the defaults. After Xiao et al., NeurIPS 2022 (OTTT), table 3.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pictures
import study
from tables import table

from neurodeploy.data import Dataset
from neurodeploy.training import TrainConfig, TrainedRun, accuracy, train


def arguments_of(given: Sequence[str] | None) -> argparse.Namespace:
    """What to run."""
    parser = study.parser(__doc__, "batch_size", train=3000)
    parser.add_argument("--model", default="mlp:784-256-10")
    parser.add_argument("--rules", nargs="+", default=["ottt-a", "ottt-o"])
    parser.add_argument("--steps", type=int, default=8, metavar="T")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=128, metavar="N", help="of the batches (128)")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[3e-4, 1e-3, 3e-3, 1e-2], help="for batches"
    )
    parser.add_argument("--rates-of-one", type=float, nargs="+", default=[3e-5, 1e-4, 3e-4, 1e-3])
    return parser.parse_args(given)


def learn(args: argparse.Namespace, dataset: Dataset, rule: str, size: int, rate: float) -> TrainedRun:
    """Train a network with Adam."""
    config = TrainConfig(batch_size=size, learning_rate=rate)
    model, steps, epochs = args.model, args.steps, args.epochs
    return train(model, dataset, rule=rule, steps=steps, epochs=epochs, config=config, seed=args.seed)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    args = arguments_of(arguments)
    pictures.check(args.plot)
    dataset, test = study.splits(args)
    panels = []
    for size, rates in ((1, args.rates_of_one), (args.batch_size, args.rates)):
        rows, lines = {}, {}
        for rule in args.rules:
            runs = [learn(args, dataset, rule, size, rate) for rate in rates]
            reached = [accuracy(run.module, test, args.steps) for run in runs]
            seconds = min(epoch.seconds for run in runs for epoch in run.metrics) / len(dataset)
            rows[rule] = [*study.percent(reached), f"{1e3 * seconds:.2f}"]
            lines[rule] = {rate: 100 * share for rate, share in zip(rates, reached, strict=True)}
        title = (
            f"batch size {size}, {args.model}, T={args.steps}, {len(dataset)} samples, epochs {args.epochs}"
        )
        columns = [*(f"rate {rate:g}" for rate in rates), "ms a sample"]
        table(f"{title}: accuracy on {len(test)} test samples", columns, rows)
        panels.append(
            pictures.Panel(f"batch size {size}", "learning rate", "accuracy (%)", lines, log_x=True)
        )
    pictures.draw(args.plot, panels)


if __name__ == "__main__":
    study.run(main)
