"""How near OTTT's and rate-based gradients are to those of back-propagation through time, against T and decay.

`python benchmarks/gradients.py [--data fashion-mnist:FOLDER]` prints cosine (norm ratio) of one batch of training
data, before training and after it. One minute on one core with the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import pictures
import study
import torch
from tables import table

from neurodeploy.models import Network, build
from neurodeploy.training import train
from neurodeploy.training.analysis import Agreement, GradientComparison, compare_gradients

RULES = (("ottt-a", "official"), ("ottt-a", "recommended"), ("rate-m", "recommended"))
Found = dict[str, dict[int, GradientComparison]]


def compare(module: Network, batch: tuple[torch.Tensor, torch.Tensor], steps: Sequence[int]) -> Found:
    """Every rule at every number of steps."""
    return {
        f"{rule} {preset}": {t: compare_gradients(module, *batch, rule, t, preset=preset) for t in steps}
        for rule, preset in RULES
    }


def cell(one: Agreement) -> str:
    """Cosine and, behind it, the ratio of norms."""
    if one.cosine is None or one.norm_ratio is None:
        return "no gradient"
    return f"{one.cosine:.4f} ({one.norm_ratio:.3f})"


def show(state: str, found: Found) -> None:
    """A table of all parameters together against T, and one by layer in the middle of them."""
    steps = list(next(iter(found.values())))
    middle = steps[len(steps) // 2]
    whole = {name: [cell(one.whole) for one in row.values()] for name, row in found.items()}
    table(f"{state}: all parameters", [f"T={t}" for t in steps], whole)
    layers = {name: list(map(cell, row[middle].layers.values())) for name, row in found.items()}
    table(f"{state}: by layer, T={middle}", list(next(iter(found.values()))[middle].layers), layers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = study.parser(__doc__, "gradients")
    parser.add_argument("--model", default="mlp:784-256-256-10", help="a notation without decay")
    parser.add_argument("--decays", type=float, nargs="+", default=[0.2, 0.5, 0.9])
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 4, 8, 16, 32], metavar="T")
    parser.add_argument("--trained-at", type=int, default=8, metavar="T", help="time steps of training (8)")
    parser.add_argument("--samples", type=int, default=256, help="size of the batch compared (256)")
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    dataset, test = study.splits(args)
    batch = torch.tensor(dataset.x[: args.samples]), torch.tensor(dataset.labels()[: args.samples])
    panels = []
    for decay in args.decays:
        model = f"{args.model},decay={decay}"
        show(f"decay {decay}, before training", compare(build(model, args.seed), batch, args.steps))
        run = train(model, dataset, rule="bptt", steps=args.trained_at, epochs=1, test=test, seed=args.seed)
        found = compare(run.module, batch, args.steps)
        reached = f"{run.info.last_test_accuracy:.2%} of {len(test)} test samples right"
        show(f"decay {decay}, after one epoch of bptt at T={args.trained_at} ({reached})", found)
        lines = {
            name: {float(t): one.whole.cosine or 0.0 for t, one in row.items()} for name, row in found.items()
        }
        panels.append(
            pictures.Panel(f"decay {decay}, trained", "time steps", "cosine to BPTT", lines, log_x=True)
        )
    pictures.draw(args.plot, panels)


if __name__ == "__main__":
    study.run(main)
