"""Run a network on a back end and save its spikes."""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    add_data,
    add_reading,
    is_artifact,
    load_artifact,
    load_data,
    option_words,
    reading_words,
    require_writable,
    settings,
    stimulus,
    with_notes,
    write_output,
)
from neurodeploy.cli.console import Console
from neurodeploy.errors import BackendMissing, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from neurodeploy.data import Dataset

TRACED = {"s": "spikes", "v": "membrane", "u": "current"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every back end gives, float or integer; arrays with time first."""

    spikes: npt.NDArray[Any]
    membrane: npt.NDArray[Any] | None
    prediction: npt.NDArray[np.int64]
    traces: dict[str, dict[str, npt.NDArray[Any]]]
    overflows: dict[str, int] | None
    seconds: float


EXAMPLE = "neurodeploy run NET.onnx --data digits@test --backend lava --limit 50"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "network",
        metavar="NET.onnx|MODEL",
        help="an artefact, zoo:NAME, or a MODEL with --backend float",
    )
    add_data(parser)
    parser.add_argument(
        "--backend",
        default="engine",
        help="engine, torch[:cuda], onnxruntime, lava or float (default engine)",
    )
    parser.add_argument(
        "--trace",
        metavar="s,v,u",
        help="also save spikes (s), potentials (v) and currents (u) of every layer",
    )
    parser.add_argument("--steps", metavar="T", type=int, help="time steps of a MODEL (default: the run's)")
    add_reading(parser)
    parser.add_argument("-o", "--output", metavar="OUT.npz", help="save spikes, membrane, prediction and y")


def run(args: argparse.Namespace, console: Console) -> int:
    """Run, save, and print the accuracy."""
    wanted = _wanted(args.trace)
    if args.output:
        require_writable(args.output, inputs=(args.network, args.data))
    if wanted and not args.output:
        raise UsageError("--trace saves into a file; give -o OUT.npz")
    if "u" in wanted and args.backend == "float":
        raise UsageError("--backend float traces s and v; u is an integer current, of engine, torch and lava")
    data, outcome = (_run_float if args.backend == "float" else _run_integer)(args, console, wanted)
    summary = _summary(args, data, outcome)
    if args.output:
        write_output(args.output, _npz(data, outcome, wanted))
    if args.output != "-":
        console.result("run", _text(summary), summary)
        console.next(*_following(args))
    return 0


def _following(args: argparse.Namespace) -> list[str]:
    from neurodeploy.zoo import is_zoo

    if args.backend == "float":
        itself = is_zoo(args.network) or Path(args.network).is_dir()
        known = [] if itself else option_words({"--calibrate": args.data, "--steps": args.steps})
        return ["neurodeploy", "compile", args.network, *reading_words(args), *known, "-o", "NET.onnx"]
    return ["neurodeploy", "verify", args.network, "--data", args.data, "--limit", "200"]


def _wanted(text: str | None) -> tuple[str, ...]:
    letters = tuple(text.split(",")) if text else ()
    for letter in letters:
        if letter not in TRACED:
            raise UsageError(f"--trace takes s, v and u, not {letter!r}")
    return letters


def _run_integer(
    args: argparse.Namespace, console: Console, wanted: tuple[str, ...]
) -> tuple[Dataset, Outcome]:
    from neurodeploy.backend import backend_entries, get_backend

    known = backend_entries()
    if args.backend.partition(":")[0] not in known:
        raise UsageError(f"there is no back end {args.backend!r}; there are: {', '.join(known)}, float")
    if args.steps is not None or args.preset is not None or args.set:
        raise UsageError("--steps, --from and --set are for a MODEL; an artefact holds its own")
    network = load_artifact(args.network)
    backend = get_backend(args.backend)
    if (missing := backend.missing()) is not None:
        raise BackendMissing(missing)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)

    def progress(done: int, total: int) -> None:
        console.progress(args.backend, done, total, "samples")

    result = backend.run(
        network,
        stimulus(network, data, console),
        trace=bool(wanted),
        current="u" in wanted,
        progress=progress,
    )
    traces = {
        name: {letter: getattr(trace, TRACED[letter]) for letter in wanted}
        for name, trace in result.traces.items()
    }
    overflows = None if result.overflows is None else dict(result.overflows)
    outcome = Outcome(result.spikes, result.membrane, result.prediction, traces, overflows, result.seconds)
    return data, outcome


def _run_float(
    args: argparse.Namespace, console: Console, wanted: tuple[str, ...]
) -> tuple[Dataset, Outcome]:
    import numpy as np

    from neurodeploy.cli.float_run import float_run
    from neurodeploy.compiler import float_graph
    from neurodeploy.frontends.model import open_model

    if is_artifact(args.network):
        raise UsageError(
            f"{args.network} is an artefact and holds integers only; --backend float takes the MODEL"
        )
    model = open_model(args.network, settings(args)[1])
    data = with_notes(load_data(args.data, args.limit, args.steps or model.steps), console)
    imported, steps = float_graph(model, data.x[:, 0] if data.time_axis else data.x, args.steps)
    graph = imported.graph
    start = perf_counter()
    result = float_run(
        graph,
        data,
        steps,
        trace=bool(wanted),
        progress=lambda done, total: console.progress("float", done, total, "samples"),
    )
    traces = {
        name: {"s": result.spikes[name], "v": result.membrane[name]} for name in result.spikes if wanted
    }
    membrane = result.membrane[result.output] if result.is_readout else None
    spikes = result.spikes[result.output].astype(np.int64)
    return data, Outcome(spikes, membrane, result.prediction, traces, None, perf_counter() - start)


def _npz(data: Dataset, outcome: Outcome, wanted: tuple[str, ...]) -> bytes:
    import numpy as np

    arrays = {"spikes": outcome.spikes.swapaxes(0, 1), "prediction": outcome.prediction}
    if outcome.membrane is not None:
        arrays["membrane"] = outcome.membrane.swapaxes(0, 1)
    if data.y is not None:
        arrays["y"] = data.y
    for name, trace in outcome.traces.items():
        arrays |= {f"{name}.{letter}": trace[letter].swapaxes(0, 1) for letter in wanted}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _accuracy(data: Dataset, outcome: Outcome) -> float | None:
    if data.y is None:
        return None
    from neurodeploy.data import check_labels

    classes = int(outcome.spikes[0, 0].size)
    return float((outcome.prediction == check_labels(data, classes)).mean())


def _summary(args: argparse.Namespace, data: Dataset, outcome: Outcome) -> dict[str, Any]:
    return {
        "network": args.network,
        "backend": args.backend,
        "data": data.spec,
        "samples": len(data),
        "steps": len(outcome.spikes),
        "accuracy": _accuracy(data, outcome),
        "overflows": outcome.overflows,
        "seconds": outcome.seconds,
        "output": args.output,
    }


def _text(summary: dict[str, Any]) -> str:
    accuracy = summary["accuracy"]
    shown = "no labels" if accuracy is None else f"accuracy {100 * accuracy:.2f} %"
    lost = sum((summary["overflows"] or {}).values())
    overflow = f", {lost} values overflowed" if lost else ""
    if summary["overflows"] is None and summary["backend"] != "float":
        overflow = ", overflows are not counted"
    return (
        f"{summary['backend']}: {shown} on {summary['samples']} samples of {summary['data']}, "
        f"{summary['steps']} steps, {summary['seconds']:.2f} s{overflow}"
    )
