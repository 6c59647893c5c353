"""Let a deployed network learn online with the chip's integers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli import learn_scenario
from neurodeploy.cli.arguments import (
    add_data,
    load_artifact,
    load_data,
    require_file,
    require_writable,
    stimulus,
    write_output,
)
from neurodeploy.cli.console import Console
from neurodeploy.cli.learn_cost import learning_cost
from neurodeploy.errors import InputError, UsageError

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.learning import Evaluation
    from neurodeploy.network import Network
    from neurodeploy.semantics import ThreeFactorRule

EXAMPLE = "neurodeploy learn NET.onnx --data digits-drift@train --limit 400 -o LEARNED.onnx"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx", nargs="?", help="an artefact")
    add_data(parser, required=False)
    _add_rule(parser)
    parser.add_argument("--backend", default="engine", help="engine or lava (default engine)")
    parser.add_argument("--verify-on", metavar="BACKEND", help="learn there too; every weight must be equal")
    parser.add_argument(
        "--evaluate", metavar="DATA", help="data for the learning curve (default: the @test split of --data)"
    )
    parser.add_argument(
        "--evaluate-every",
        metavar="K",
        type=int,
        help="samples between evaluations (default: a tenth of all)",
    )
    parser.add_argument(
        "--log", metavar="LOG.jsonl", help="append one JSON object a line for every evaluation"
    )
    parser.add_argument(
        "--resume",
        metavar="STATE",
        help="keep the state there at every evaluation; go on from it if it exists",
    )
    parser.add_argument("-o", "--output", metavar="LEARNED.onnx", help="save the learned network")
    learn_scenario.register(parser)


def _add_rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rule", choices=["ottt", "rate"], default="ottt", help="three-factor rule (default ottt)"
    )
    parser.add_argument(
        "--update",
        choices=["sample", "step"],
        default="sample",
        help="when weights change (default sample; rate has no other)",
    )
    parser.add_argument(
        "--layers", default="last", help="which synapses learn: last (default), all, or NAME,NAME"
    )
    parser.add_argument(
        "--feedback",
        choices=["symmetric", "sign", "random"],
        default="symmetric",
        help="how errors come back: through the weights (default), their signs, or fixed random weights",
    )
    parser.add_argument(
        "--lr-shift",
        metavar="N",
        type=int,
        default=0,
        help="multiply all learning rates by 2^-N (default 0; negative learns faster)",
    )
    parser.add_argument(
        "--error-delay", metavar="D", type=int, default=0, help="steps that an error takes (default 0)"
    )
    parser.add_argument(
        "--weight-decay",
        metavar="K",
        type=int,
        help="take 2^-K of every weight at each update (default: none)",
    )
    parser.add_argument(
        "--target-rate",
        metavar="SPIKES",
        type=int,
        help="homeostasis: spikes a sample that neurons of hidden layers should have (default: none)",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Learn, evaluate before and after, save."""
    from neurodeploy.artifact import to_bytes
    from neurodeploy.data import check_labels
    from neurodeploy.learning import Journal, learn

    if args.scenario is not None:
        return learn_scenario.run(args, console)
    _require_single(args)
    _require_outputs(args)
    network = load_artifact(args.network)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    given = stimulus(network, data, console)
    rule = _rule(args, network, given.samples)
    evaluation, evaluated = _evaluation(args, network, data, console)
    outcome = learn(
        network,
        given,
        check_labels(data, network.graph.types[network.graph.output].size),
        rule=rule,
        backend=args.backend,
        verify_on=args.verify_on,
        evaluation=evaluation,
        evaluate_every=args.evaluate_every,
        journal=Journal(Path(args.resume)) if args.resume else None,
        source={"data": data.spec, "evaluation": evaluated},
        on_point=lambda point: _log(args.log, point),
        progress=lambda done, total: console.progress("learning", done, total, "samples"),
    )
    if args.output:
        write_output(args.output, to_bytes(outcome.network))
    for note in outcome.advice:
        console.say(f"note: {note}")
    if outcome.record["curve"] and outcome.record["accuracy_after"] < outcome.record["accuracy_before"]:
        console.error(
            "warning: accuracy fell while it learned; try more samples, --update sample, a larger --lr-shift, or do "
            "not learn"
        )
    if args.output != "-":
        cost, said = learning_cost(network.target, outcome.record)
        console.result(
            "learn",
            f"{_text(args, outcome.record)}\n{said}",
            {"output": args.output, **outcome.record, "weight_update_cost": cost},
        )
        if args.output:
            told = evaluated or data.spec
            console.next("neurodeploy", "report", args.output, "--data", told, "-o", "REPORT")
    return 0


def _require_single(args: argparse.Namespace) -> None:
    missing = [label for label, value in (("NET.onnx", args.network), ("--data", args.data)) if value is None]
    if missing:
        raise UsageError(
            f"learn needs {' and '.join(missing)}: neurodeploy learn NET.onnx --data DATA, or learn --scenario NAME"
        )
    if args.seeds is not None:
        raise UsageError("--seeds goes with --scenario; one network learns with --seed")


def _require_outputs(args: argparse.Namespace) -> None:
    """Each output apart from the inputs and from the outputs before it."""
    read = (args.network, args.data, args.evaluate)
    if args.output is not None:
        require_writable(args.output, ".onnx", inputs=read)
    if args.log is not None:
        require_file("--log", args.log, inputs=(*read, args.output))
    if args.resume is not None:
        require_file("--resume", args.resume, inputs=(*read, args.output, args.log))


def _rule(args: argparse.Namespace, network: Network, samples: int) -> ThreeFactorRule:
    from neurodeploy.learning import default_rule
    from neurodeploy.semantics.learning import Homeostasis

    layers = args.layers if args.layers in ("last", "all") else tuple(args.layers.split(","))
    if args.rule == "rate" and args.update == "step":
        raise UsageError("--rule rate learns once a sample from its means; leave out --update step")
    return default_rule(
        network,
        args.update,
        args.seed,
        samples=samples,
        rule=args.rule,
        layers=layers,
        feedback=args.feedback,
        error_delay=args.error_delay,
        slower=args.lr_shift,
        weight_decay=args.weight_decay,
        homeostasis=None if args.target_rate is None else Homeostasis(args.target_rate, 0),
    )


def _log(path: str | None, point: Mapping[str, Any]) -> None:
    if path is None:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(point, allow_nan=False) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def _evaluation(
    args: argparse.Namespace, network: Network, data: Dataset, console: Console
) -> tuple[Evaluation | None, str | None]:
    from neurodeploy.data import check_labels
    from neurodeploy.learning import Evaluation

    spec = args.evaluate
    if spec is None and data.spec.endswith("@train"):
        spec = f"{data.spec.removesuffix('@train')}@test"
    if spec is None:
        console.say("note: no --evaluate DATA, so there is no learning curve")
        return None, None
    test = load_data(spec, None, network.steps, network.input.shape)
    labels = check_labels(test, network.graph.types[network.graph.output].size)
    return Evaluation(stimulus(network, test, console), labels), test.spec


def _text(args: argparse.Namespace, record: Any) -> str:
    names = ", ".join(f"'{name}'" for name in record["layers"])
    one = len(record["layers"]) == 1
    lines = [
        f"{record['backend']}: {'layer' if one else 'layers'} {names} learned from {record['samples']} samples of "
        f"{record['data']}; {record['changed']} weight changes"
    ]
    if record["verified_on"]:
        lines.append(
            f"{record['backend']} = {record['verified_on']}: every weight equal after {record['samples']} samples"
        )
    if record["curve"]:
        lines.append(
            f"accuracy on {record['evaluation']}: {100 * record['accuracy_before']:.2f} % before, "
            f"{100 * record['accuracy_after']:.2f} % after"
        )
    when = "while" if args.update == "step" else "before"
    lines.append(
        f"accuracy on each sample {when} it was learned from: {100 * record['prequential_accuracy']:.2f} %"
    )
    return "\n".join(lines)
