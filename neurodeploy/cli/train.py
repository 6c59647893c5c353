"""Train a network on a data set by a rule; writes a run folder."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from neurodeploy.cli import compare_gradients
from neurodeploy.cli.arguments import with_notes
from neurodeploy.cli.console import Console

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.training import EpochMetrics, Peers, Plan, Progress, TrainedRun, Watch
    from neurodeploy.training.rule import OptionValue

_WHAT = ("model", "data", "rule", "steps", "epochs")
_MOST_LAYERS = 8
_SETTINGS = ("optimizer", "learning_rate", "batch_size", "preset", "precision", "quantize")

EXAMPLE = "neurodeploy train --model mlp:64-128-10 --data digits --rule ottt-a --steps 8 -o RUN"


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "--recipe",
        metavar="NAME|F.toml",
        help="a paper's settings, such as ottt-a-cifar10; all options go before it",
    )
    parser.add_argument("--model", metavar="NAME:ARGS", help="for example mlp:64-128-10")
    parser.add_argument("--data", help="NAME[:FOLDER] (train split trains, test split tests) or .npz")
    parser.add_argument("--test", metavar="DATA", help="data to test on, where --data is an .npz file")
    parser.add_argument(
        "--rule",
        help="ottt-a (one update a batch), ottt-o (one at each step), rate-m or rate-s (on firing rates; fast), "
        "bptt, event (for models event:...)",
    )
    parser.add_argument("--steps", type=int, metavar="T", help="time steps each sample is shown")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data (default 10)")
    parser.add_argument(
        "--config", type=Path, metavar="F.toml", help="settings; the options below go before it"
    )
    parser.add_argument("--optimizer", help="adam (default), adamw or sgd")
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="R",
        help="default: the rule's; a tenth of it with --start and --quantize",
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="samples an update (default 64)")
    parser.add_argument("--preset", help="recommended (default), or official: the authors' gradients")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the rule, such as eta=0.1",
    )
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    parser.add_argument(
        "--precision", help="of the synapses' products while learning: fp32 (default), bf16, fp16"
    )
    parser.add_argument(
        "--quantize",
        type=int,
        metavar="BITS",
        help="compute with weights of so many bits, 2 to 8, which `compile --bits BITS` then takes without loss",
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="RUN",
        help="begin with the weights of this run; its model, data, rule and steps where not given",
    )
    parser.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="write the curves for TensorBoard there"
    )
    compare_gradients.add_option(parser)
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN, bit for bit")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="RUN", help="run folder to write")


def run(args: argparse.Namespace, console: Console) -> int:
    """Train, in all processes that torchrun has started; the first alone reports and writes."""
    from neurodeploy.training import choose_device, joined
    from neurodeploy.training.parallel import local_rank

    plan, device = _plan(args), choose_device(args.device, local_rank())
    compare_gradients.check(args.compare_gradients, plan.rule)
    with joined(device) as peers:
        if not peers.leads:
            console = Console(verbosity=-1)
        for note in plan.notes:
            console.say(f"note: {args.recipe}: {note}")
        trained = _train(args, plan, peers, console)
        if peers.leads and args.compare_gradients:
            trained = compare_gradients.compare(
                args.compare_gradients, trained, args.output, args.start, console
            )
        if peers.leads:
            _report(args, plan, trained, console)
    return 0


def _train(args: argparse.Namespace, plan: Plan, peers: Peers, console: Console) -> TrainedRun:
    """The trained network; each epoch is reported."""
    from neurodeploy.training import train

    dataset, test = _datasets(plan, args.test)
    for data in (dataset, test):
        if data is not None and peers.leads:
            with_notes(data, console)
    with ExitStack() as stack:
        try:
            return train(
                plan.model,
                dataset,
                rule=plan.rule,
                steps=plan.steps,
                epochs=plan.epochs,
                test=test,
                config=plan.config,
                seed=args.seed,
                folder=args.output,
                resume=args.resume,
                start=args.start,
                watch=_watch(console, plan.epochs, stack, args.tensorboard if peers.leads else None),
                peers=peers,
            )
        except KeyboardInterrupt as stop:
            if peers.leads:
                console.error(
                    f"{stop or 'the batches since the last epoch are lost'}; "
                    f"what was kept is in {args.output}: the same command with --resume goes on"
                )
            raise


def _report(args: argparse.Namespace, plan: Plan, trained: TrainedRun, console: Console) -> None:
    """One line, or all that is known of the run with --json."""
    from neurodeploy.data.spec import is_npz

    console.result("train", _summary(trained, args.output), {"run": str(args.output), **_facts(trained)})
    calibrate = plan.data if is_npz(plan.data) else trained.info.data
    bits = ("--bits", plan.config.quantize) if plan.config.quantize else ()
    console.next("neurodeploy", "compile", args.output, *bits, "--calibrate", calibrate, "-o", "NET.onnx")


def _plan(args: argparse.Namespace) -> Plan:
    from neurodeploy.training import make_plan

    return make_plan(
        {name: getattr(args, name) for name in _WHAT},
        {name: getattr(args, name) for name in _SETTINGS},
        _options(args.set),
        args.recipe,
        args.config,
        args.start,
    )


def _options(words: list[str]) -> dict[str, OptionValue]:
    from neurodeploy.errors import UsageError

    options: dict[str, OptionValue] = {}
    for name, value in map(_option, words):
        if name in options:
            raise UsageError(f"--set {name} is given twice, as {options[name]} and as {value}")
        options[name] = value
    return options


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


def _datasets(plan: Plan, tested_on: str | None) -> tuple[Dataset, Dataset | None]:
    """Train and test data: both splits of a named set, or the files given."""
    from neurodeploy.data import load
    from neurodeploy.data.spec import is_npz, parse
    from neurodeploy.errors import UsageError

    test = load(tested_on, plan.steps) if tested_on else None
    if is_npz(plan.data):
        return load(plan.data, plan.steps), test
    body = str(parse(plan.data)).rpartition("@")[0]
    if plan.data.endswith("@test"):
        raise UsageError(f"--data {plan.data}: the test split is for testing. Write --data {body}")
    return load(f"{body}@train", plan.steps), test or load(f"{body}@test", plan.steps)


def _watch(console: Console, epochs: int, stack: ExitStack, board_folder: Path | None) -> Watch:
    """A bar on a terminal, a line and a point of each curve after each epoch; `stack` closes the curves."""
    from neurodeploy.training import Watch
    from neurodeploy.training.tensorboard import Board

    board = stack.enter_context(Board(board_folder)) if board_folder else None

    def batch(p: Progress) -> None:
        note = f"loss {p.loss:.3f}  {p.accuracy:.1%}  {p.spikes:.2f} spikes/neuron  {_clock(p.seconds_left)} left"
        console.progress(f"epoch {p.epoch}/{epochs}", p.done, p.batches, note)

    def epoch(m: EpochMetrics) -> None:
        tested = "" if m.test_accuracy is None else f"  test {m.test_accuracy:7.2%}"
        console.say(
            f"epoch {m.epoch}/{epochs}  loss {m.loss:.4f}  train {m.train_accuracy:7.2%}{tested}"
            f"  {m.seconds:.1f} s  spikes per neuron {m.spikes_per_neuron:.2f}; "
            f"per neuron and step: {_rates(m.firing_rates)}"
        )
        if board:
            board.add(m)

    def stopping() -> None:
        console.say("stopping after this batch; Ctrl-C again stops at once, without keeping it")

    return Watch(batch, epoch, stopping)


def _rates(rates: dict[str, float]) -> str:
    """Of each layer, or of the lowest and highest where they would fill the screen."""
    if len(rates) <= _MOST_LAYERS:
        return "  ".join(f"{name} {rate:.3f}" for name, rate in rates.items())
    low, high = (f(rates, key=lambda name: rates[name]) for f in (min, max))
    return f"{low} {rates[low]:.3f} to {high} {rates[high]:.3f} ({len(rates)} layers)"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
