"""Accuracy against the time steps of inference, of networks trained with few and with many.

`python benchmarks/inference_steps.py [--data fashion-mnist:FOLDER]`. Two minutes on one core with the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import pictures
import study
from tables import table

from neurodeploy.training import train
from neurodeploy.training.analysis import accuracy_by_steps


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    parser = study.parser(__doc__, "inference_steps")
    parser.add_argument("--model", default="mlp:784-256-256-10")
    parser.add_argument("--rules", nargs="+", default=["ottt-a", "rate-m", "bptt"])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--trained-at", type=int, nargs="+", default=[2, 4, 8], metavar="T")
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8, 12, 16, 32], metavar="T")
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    dataset, test = study.splits(args)
    panels = []
    for rule in args.rules:
        found = {}
        for t in args.trained_at:
            run = train(args.model, dataset, rule=rule, steps=t, epochs=args.epochs, seed=args.seed)
            found[f"trained at T={t}"] = accuracy_by_steps(run.module, test, args.steps)
        rows = {name: study.percent(list(line.values())) for name, line in found.items()}
        title = f"{rule}, {args.model}, epochs {args.epochs}: accuracy on {len(test)} test samples"
        table(title, [f"T={t}" for t in args.steps], rows)
        lines = {name: {float(t): 100 * a for t, a in line.items()} for name, line in found.items()}
        panels.append(pictures.Panel(rule, "time steps of inference", "accuracy (%)", lines, log_x=True))
    pictures.draw(args.plot, panels)


if __name__ == "__main__":
    study.run(main)
