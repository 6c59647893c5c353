"""`neurodeploy learn --scenario`: learning on the chip from a named course of real data, beside its baselines."""

from __future__ import annotations

import argparse
from pathlib import Path

from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

SINGLE = {
    "network": "NET.onnx",
    "limit": "--limit",
    "verify_on": "--verify-on",
    "evaluate": "--evaluate",
    "evaluate_every": "--evaluate-every",
    "log": "--log",
    "resume": "--resume",
    "weight_decay": "--weight-decay",
    "target_rate": "--target-rate",
}
"""What is for one network and one stream of data; a scenario has its own."""
FIXED = {"rule": "ottt", "update": "sample", "backend": "engine", "lr_shift": 0, "error_delay": 0}


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of scenarios."""
    group = parser.add_argument_group("scenarios")
    group.add_argument(
        "--scenario",
        metavar="NAME",
        help="instead of NET.onnx: train, deploy and teach in the scenario NAME, beside baselines, into folder -o",
    )
    group.add_argument(
        "--seeds", metavar="N", type=int, help="with --scenario: repetitions, seeds 0..N-1 (default 5)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Run the scenario; print its table, and write table, record and picture."""
    from neurodeploy.learning.scenarios import Learning, table, write
    from neurodeploy.learning.scenarios import run as run_scenario

    _require_no_other(args)
    outcome = run_scenario(
        args.scenario,
        args.data,
        learning=Learning(args.layers, args.feedback),
        seeds=5 if args.seeds is None else args.seeds,
        watch=lambda what, done, total: console.progress(what, done, total, "courses"),
    )
    folder = Path(args.output)
    written = [str(folder / name) for name in write(outcome, folder)]
    console.result("scenario", table(outcome.record), {"written": written, **outcome.record})
    console.say(f"written: {', '.join(written)}")
    return 0


def _require_no_other(args: argparse.Namespace) -> None:
    given = [label for name, label in SINGLE.items() if getattr(args, name) is not None]
    given += [f"--{name.replace('_', '-')}" for name, usual in FIXED.items() if getattr(args, name) != usual]
    if args.seed:
        given.append("--seed")
    if given:
        raise UsageError(
            f"--scenario trains and teaches networks of its own, so it takes no {', '.join(given)}; "
            "it takes --data, --layers last|all, --feedback, --seeds and -o"
        )
    if args.layers not in ("last", "all"):
        raise UsageError(f"--scenario learns --layers last or all, not {args.layers!r}")
    if not args.output or args.output == "-":
        raise UsageError("--scenario writes a folder: add -o DIR")
