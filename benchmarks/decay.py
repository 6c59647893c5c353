"""Accuracy where the decay of the neurons in inference is not the one that was trained.

`python benchmarks/decay.py [--data fashion-mnist:FOLDER]`: a line for each trained decay, marked where both are
equal. Two minutes on one core with the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import pictures
import study
from tables import table

from neurodeploy.training import train
from neurodeploy.training.analysis import accuracy_by_decay


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test and print."""
    parser = study.parser(__doc__, "decay")
    parser.add_argument("--model", default="mlp:784-256-256-10", help="a notation without decay")
    parser.add_argument("--rules", nargs="+", default=["ottt-a", "rate-m", "bptt"])
    parser.add_argument("--steps", type=int, default=8, metavar="T")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--trained", type=float, nargs="+", default=[0.2, 0.5, 0.8], metavar="DECAY")
    parser.add_argument(
        "--tested",
        type=float,
        nargs="+",
        default=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        metavar="DECAY",
    )
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    dataset, test = study.splits(args)
    panels = []
    for rule in args.rules:
        found = {}
        for decay in args.trained:
            model = f"{args.model},decay={decay}"
            run = train(model, dataset, rule=rule, steps=args.steps, epochs=args.epochs, seed=args.seed)
            found[decay] = accuracy_by_decay(run.module, test, args.steps, args.tested)
        rows = {f"trained at {d}": [mark(a, d == e) for e, a in row.items()] for d, row in found.items()}
        title = f"{rule}, {args.model}, T={args.steps}, epochs {args.epochs}: accuracy on {len(test)} test samples"
        table(title, [f"at {decay}" for decay in args.tested], rows)
        lines = {f"trained at {d}": {e: 100 * a for e, a in row.items()} for d, row in found.items()}
        panels.append(pictures.Panel(rule, "decay in inference", "accuracy (%)", lines))
    pictures.draw(args.plot, panels)


def mark(share: float, trained: bool) -> str:
    """The accuracy, with a star where the network was trained so."""
    return f"{share:.2%}{'*' if trained else ' '}"


if __name__ == "__main__":
    study.run(main)
