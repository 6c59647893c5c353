"""Let a deployed network learn online with the chip's integers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import add_data, load_data, require_writable, stimulus, write_output
from neurodeploy.cli.console import Console

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.learning import Evaluation
    from neurodeploy.network import Network


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx", help="an artefact")
    add_data(parser)
    parser.add_argument("--rule", choices=["ottt"], default="ottt", help="three-factor rule (default ottt)")
    parser.add_argument("--update", choices=["sample", "step"], default="sample", help="when weights change")
    parser.add_argument("--layers", choices=["last"], default="last", help="which layers learn")
    parser.add_argument("--backend", default="engine", help="engine or lava (default engine)")
    parser.add_argument("--verify-on", metavar="BACKEND", help="learn there too; every weight must be equal")
    parser.add_argument(
        "--evaluate", metavar="DATA", help="data for the learning curve (default: the @test split of --data)"
    )
    parser.add_argument("-o", "--output", metavar="LEARNED.onnx", help="save the learned network")


def run(args: argparse.Namespace, console: Console) -> int:
    """Learn, evaluate before and after, save."""
    from neurodeploy.artifact import load, to_bytes
    from neurodeploy.data import check_labels
    from neurodeploy.learning import default_rule, learn

    if args.output:
        require_writable(args.output)
    network = load(args.network)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    evaluation, evaluated = _evaluation(args, network, data, console)
    outcome = learn(
        network,
        stimulus(network, data, console),
        check_labels(data, network.graph.types[network.graph.output].size),
        rule=default_rule(network, args.update, seed=args.seed),
        backend=args.backend,
        verify_on=args.verify_on,
        evaluation=evaluation,
        source={"data": data.spec, "evaluation": evaluated},
        progress=lambda done, total: console.progress("learning", done, total, "samples"),
    )
    if args.output:
        write_output(args.output, to_bytes(outcome.network))
    if outcome.record["curve"] and outcome.record["accuracy_after"] < outcome.record["accuracy_before"]:
        console.error(
            "warning: accuracy fell while it learned; try more samples, --update sample, or do not learn"
        )
    if args.output != "-":
        console.result("learn", _text(args, outcome.record), {"output": args.output, **outcome.record})
        if args.output:
            console.next(f"neurodeploy report {args.output} --data {evaluated or data.spec} -o REPORT")
    return 0


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
    lines = [
        f"{record['backend']}: layer '{record['layer']}' learned from {record['samples']} samples of "
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
