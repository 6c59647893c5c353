"""Train a network on a data set by a rule; writes a run folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from neurodeploy.cli.console import Console

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.training import EpochMetrics, TrainConfig, TrainedRun, Watch
    from neurodeploy.training.rule import OptionValue

_SETTINGS = ("optimizer", "learning_rate", "batch_size", "preset")


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--model", required=True, metavar="NAME:ARGS", help="for example mlp:64-128-10")
    parser.add_argument(
        "--data", required=True, help="NAME[:FOLDER] (train split trains, test split tests) or .npz"
    )
    parser.add_argument("--test", metavar="DATA", help="data to test on, where --data is an .npz file")
    parser.add_argument(
        "--rule",
        required=True,
        help="ottt-a (one update a batch), ottt-o (one at each step), rate-m or rate-s (on firing rates; fast), "
        "bptt, event (for models event:...)",
    )
    parser.add_argument(
        "--steps", required=True, type=int, metavar="T", help="time steps each sample is shown"
    )
    parser.add_argument(
        "--epochs", type=int, default=10, metavar="N", help="passes over the data (default 10)"
    )
    parser.add_argument(
        "--config", type=Path, metavar="F.toml", help="settings; the options below go before it"
    )
    parser.add_argument("--optimizer", help="adam (default), adamw or sgd")
    parser.add_argument("--learning-rate", type=float, metavar="R", help="default: the rule's")
    parser.add_argument("--batch-size", type=int, metavar="N", help="samples an update (default 64)")
    parser.add_argument("--preset", help="recommended (default), or official: the authors' gradients")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the rule, such as eta=0.1",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN, bit for bit")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="RUN", help="run folder to write")


def run(args: argparse.Namespace, console: Console) -> int:
    """Train, reporting each epoch; the result is one line, or all that is known of the run with --json."""
    from neurodeploy.data.spec import is_npz
    from neurodeploy.training import train

    config = _config(args)
    dataset, test = _datasets(args)
    try:
        trained = train(
            args.model,
            dataset,
            rule=args.rule,
            steps=args.steps,
            epochs=args.epochs,
            test=test,
            config=config,
            seed=args.seed,
            folder=args.output,
            resume=args.resume,
            watch=_watch(console, args.epochs),
        )
    except KeyboardInterrupt:
        console.error(f"the epochs done are in {args.output}; the same command with --resume goes on")
        raise
    console.result("train", _summary(trained, args.output), {"run": str(args.output), **_facts(trained)})
    calibrate = args.data if is_npz(args.data) else dataset.spec
    console.next(f"neurodeploy compile {args.output} --calibrate {calibrate} -o NET.onnx")
    return 0


def _config(args: argparse.Namespace) -> TrainConfig:
    from neurodeploy.training import make_config, read_config

    given = {name: getattr(args, name) for name in _SETTINGS if getattr(args, name) is not None}
    config = read_config(args.config, **given) if args.config else make_config(given, "options")
    return config.with_options(dict(map(_option, args.set)))


def _option(text: str) -> tuple[str, OptionValue]:
    """`NAME=VALUE`; the value is true, false, an integer, a number or else text."""
    from neurodeploy.errors import UsageError

    name, sign, value = text.partition("=")
    if not (name and sign):
        raise UsageError(f"--set {text}: must be NAME=VALUE")
    if value in ("true", "false"):
        return name, value == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _datasets(args: argparse.Namespace) -> tuple[Dataset, Dataset | None]:
    """Train and test data: both splits of a named set, or the files given."""
    from neurodeploy.data import load
    from neurodeploy.data.spec import is_npz, parse
    from neurodeploy.errors import UsageError

    test = load(args.test, args.steps) if args.test else None
    if is_npz(args.data):
        return load(args.data, args.steps), test
    body = str(parse(args.data)).rpartition("@")[0]
    if args.data.endswith("@test"):
        raise UsageError(f"--data {args.data}: the test split is for testing. Write --data {body}")
    return load(f"{body}@train", args.steps), test or load(f"{body}@test", args.steps)


def _watch(console: Console, epochs: int) -> Watch:
    from neurodeploy.training import Watch

    def batch(epoch: int, done: int, total: int) -> None:
        console.progress(f"epoch {epoch}/{epochs}", done, total)

    def epoch(m: EpochMetrics) -> None:
        tested = "" if m.test_accuracy is None else f"  test {m.test_accuracy:7.2%}"
        rates = "  ".join(f"{name} {rate:.3f}" for name, rate in m.firing_rates.items())
        console.say(
            f"epoch {m.epoch}/{epochs}  loss {m.loss:.4f}  train {m.train_accuracy:7.2%}{tested}"
            f"  {m.seconds:.1f} s  spikes per neuron and step: {rates}"
        )

    return Watch(batch, epoch)


def _facts(trained: TrainedRun) -> dict[str, object]:
    facts = trained.to_dict()
    facts["run_schema"] = facts.pop("schema")
    return facts


def _summary(trained: TrainedRun, folder: Path) -> str:
    info = trained.info
    accuracy = (
        trained.metrics[-1].train_accuracy if info.last_test_accuracy is None else info.last_test_accuracy
    )
    where = "training" if info.last_test_accuracy is None else "test"
    return f"{folder}: {info.model}, {info.rule}, T={info.steps}: {accuracy:.2%} {where} accuracy"
