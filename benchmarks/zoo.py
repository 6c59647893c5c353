"""The trained networks of the package: makes them of run folders, and measures every number of their cards again.

`python benchmarks/zoo.py make NAME RUN --title TITLE` writes models/zoo/NAME from the folder of `neurodeploy train`.
`python benchmarks/zoo.py check [NAME ...]` measures again, prints both, and ends with 1 where a number is another.
`python benchmarks/zoo.py remake [NAME ...]` compiles the float weights again and writes the cards' numbers as they are.
`python benchmarks/zoo.py train [NAME ...]` runs the card's command and ends with 1 where it gives other weights.
Data are those of the card, looked for as `neurodeploy data list` shows. Accuracies are on the whole test set.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from tables import table

from neurodeploy.artifact import to_bytes
from neurodeploy.backend import get_backend
from neurodeploy.chip import load_chip
from neurodeploy.cli.arguments import CALIBRATION_SAMPLES, frames
from neurodeploy.cli.main import main as main_of_the_command
from neurodeploy.compiler import CompileConfig, QuantConfig, compile, read_model
from neurodeploy.cost import measured_cost
from neurodeploy.data import Dataset, load
from neurodeploy.data.spec import parse
from neurodeploy.files import write_atomic
from neurodeploy.frontends.model import open_model
from neurodeploy.frontends.zoo import open_zoo
from neurodeploy.ir import to_json
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network
from neurodeploy.passes import chip_need
from neurodeploy.quant import grid_of
from neurodeploy.training import TrainConfig
from neurodeploy.training.rules import find_rule
from neurodeploy.training.run_folder import RunInfo, read_info
from neurodeploy.zoo import (
    ARTEFACT,
    CARD,
    GRAPH,
    PREFIX,
    WEIGHTS,
    Accuracy,
    Card,
    Cost,
    DataFacts,
    Fit,
    Grid,
    Remark,
    card,
    names,
)
from neurodeploy.zoo.shelf import SHELF

TARGET = "loihi2"
BATCH = 250
SILENT = ("schedule", "momentum", "weight_decay", "decayed", "augment", "threads")
"""Settings of a run that only a file of settings says."""
COUNTED = 32
"""Samples whose cost is counted, as in `neurodeploy inspect --data`."""
INTEGER = {
    "8 bits": ("--bits 8", QuantConfig(bits=8), False),
    "4 bits": ("--bits 4", QuantConfig(bits=4), False),
    "4 bits, GPTQ": (
        "--bits 4 --rounding gptq --calibrate {data}",
        QuantConfig(bits=4, rounding="gptq"),
        True,
    ),
}
"""Networks that are measured: options of `neurodeploy compile`, the same as a configuration, and whether with data."""


def make(name: str, run: Path, title: str) -> None:
    """Write one network of the zoo; its files are replaced one by one, the card last."""
    info = read_info(run)
    train, test = load(info.data, _frames(info)), load(str(info.test_data), _frames(info))
    first = train.limit(CALIBRATION_SAMPLES)
    sample = frames(first)
    imported, _ = read_model(open_model(str(run)), sample)
    folder = SHELF / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(run / WEIGHTS, folder / WEIGHTS)
    described, arrays = to_json(imported.graph)
    write_atomic(folder / GRAPH, msgspec.json.format(msgspec.json.encode(described), indent=1) + b"\n")
    (encoding,) = (op["encoding"] for op in described["layers"] if op["op"] == "input")
    found = grid_of(encoding, sample)
    written = Card(
        name=name,
        title=title,
        model=info.model,
        parameters=sum(array.size for array in arrays.values()),
        rule=info.rule,
        steps=info.steps,
        epochs=info.epochs,
        seed=info.seed,
        command=_command(info, name),
        train=_facts(train),
        test=_facts(test),
        licence=train.licence,
        source=train.source,
        versions=msgspec.to_builtins(info.versions),
        grid=Grid(
            levels=found.levels,
            low=found.low,
            high=found.high,
            lossless=found.lossless,
            samples=len(first),
            sha256=first.sha256(),
        ),
        assumed=tuple(Remark(layer=note.layer, what=note.what) for note in imported.notes),
        accuracy=(),
        fit=Fit(chip=TARGET, cores=0, cores_limit=0),
        cost=Cost(
            chip=TARGET,
            samples=0,
            spikes=0,
            operations=0,
            joules=None,
            seconds=None,
            energy_error=None,
            latency_error=None,
            calibration="",
        ),
        files={file: _sha256(folder / file) for file in (GRAPH, WEIGHTS)},
    )
    _write(folder, written)
    remake([name])


def remake(chosen: list[str]) -> int:
    """Compile the float weights again, and write the numbers of the cards as they are now."""
    for name in chosen or names():
        model, folder = PREFIX + name, SHELF / name
        write_atomic(folder / ARTEFACT, to_bytes(compile(model, target=TARGET)))
        files = {**card(model).files, ARTEFACT: _sha256(folder / ARTEFACT)}
        _write(folder, msgspec.structs.replace(card(model), files=files))
        _write(folder, msgspec.structs.replace(card(model), **measured(model)))
    return 0


def measured(model: str) -> dict[str, Any]:
    """Accuracy, fit and cost of a network of the zoo, as its card has them."""
    known = card(model)
    train, test = _load(known, known.train.spec), _load(known, known.test.spec)
    network = compile(model, target=TARGET)
    need = chip_need(network.graph, load_chip(TARGET))
    return {
        "accuracy": tuple(_accuracies(known, train.limit(CALIBRATION_SAMPLES), test)),
        "fit": Fit(chip=need.chip, cores=need.cores, cores_limit=need.cores_limit),
        "cost": _cost(network, test.limit(COUNTED)),
    }


def _accuracies(known: Card, train: Dataset, test: Dataset) -> Iterator[Accuracy]:
    model = PREFIX + known.name
    yield Accuracy(weights="float", options="", accuracy=_share(test, _float_predictions(model, test)))
    for weights, (options, quant, calibrated) in INTEGER.items():
        network = compile(
            model,
            train.time_first if calibrated else None,
            TARGET,
            config=CompileConfig(quant=quant),
            time_axis=calibrated and train.time_axis,
        )
        yield Accuracy(
            weights=weights,
            options=options.format(data=known.train.spec),
            accuracy=_share(test, _predictions(network, test)),
        )


def _float_predictions(model: str, test: Dataset) -> Iterator[Any]:
    imported, steps = read_model(open_zoo(model), None)
    for part in _parts(test):
        yield interpret(imported.graph, part, steps, time_axis=test.time_axis).prediction


def _predictions(network: Network, test: Dataset) -> Iterator[Any]:
    engine = get_backend("engine")
    for part in _parts(test):
        yield engine.run(network, network.stimulus(part, time_axis=test.time_axis)).prediction


def _parts(test: Dataset) -> Iterator[Any]:
    for start in range(0, len(test), BATCH):
        part = test.x[start : start + BATCH]
        yield part.swapaxes(0, 1) if test.time_axis else part


def _share(test: Dataset, predictions: Iterator[Any]) -> float:
    return float(np.mean(np.concatenate(list(predictions)) == test.labels()))


def _cost(network: Network, data: Dataset) -> Cost:
    stimulus = network.stimulus(data.time_first, time_axis=data.time_axis)
    counted, found = measured_cost(network, load_chip(TARGET), stimulus)
    return Cost(
        chip=found.chip,
        samples=found.samples,
        spikes=counted.total("spikes") / counted.samples,
        operations=counted.synaptic_operations / counted.samples,
        joules=found.dynamic_joules,
        seconds=found.seconds,
        energy_error=found.energy_error,
        latency_error=found.latency_error,
        calibration=found.calibration,
    )


def check(chosen: list[str]) -> int:
    """Measure the cards' numbers again; 0 where all are the same."""
    same = True
    for name in chosen or names():
        model = PREFIX + name
        known, now = card(model), measured(model)
        digests = {file: _sha256(SHELF / name / file) for file in known.files}
        artefact = hashlib.sha256(to_bytes(compile(model, target=TARGET))).hexdigest()
        rows = {
            a.weights: (f"{a.accuracy:.2%}", f"{b.accuracy:.2%}")
            for a, b in zip(known.accuracy, now["accuracy"], strict=True)
        }
        rows |= {
            key: (str(getattr(known.cost, key)), str(getattr(now["cost"], key)))
            for key in ("operations", "joules", "seconds")
        }
        rows["cores"] = (str(known.fit.cores), str(now["fit"].cores))
        rows["artefact"] = (known.files[ARTEFACT][:12], artefact[:12])
        table(model, ("card", "now"), rows)
        equal = all(getattr(known, key) == value for key, value in now.items())
        same &= equal and digests == known.files and artefact == known.files[ARTEFACT]
    print("every number is that of the card" if same else "a number is not that of the card")
    return 0 if same else 1


def train(chosen: list[str]) -> int:
    """Train again by the cards' commands; 0 where all weights are the same bytes."""
    same = True
    for name in chosen or names():
        known = card(PREFIX + name)
        with TemporaryDirectory() as folder:
            words = [*shlex.split(known.command)[1:-1], str(Path(folder) / name)]
            if main_of_the_command(words) != 0:
                return 1
            found = _sha256(Path(folder) / name / WEIGHTS)
        print(f"{PREFIX}{name}: weights {found[:12]}, on the card {known.files[WEIGHTS][:12]}", flush=True)
        same &= found == known.files[WEIGHTS]
    return 0 if same else 1


def _command(info: RunInfo, name: str) -> str:
    """The command that trains the run again; ends the program where a setting has no word on the command line."""
    config, usual = info.config, TrainConfig()
    unsaid = [one for one in SILENT if getattr(config, one) != getattr(usual, one)]
    if info.start_sha256 or unsaid:
        raise SystemExit(
            f"{name}: no command of one line says {', '.join(unsaid) or 'the run it started with'}"
        )
    words = ["neurodeploy", "train", "--model", info.model, "--data", parse(info.data).name]
    words += ["--rule", info.rule, "--steps", str(info.steps), "--epochs", str(info.epochs)]
    words += ["--optimizer", config.optimizer, "--learning-rate", repr(config.learning_rate)]
    words += ["--batch-size", str(config.batch_size), "--preset", config.preset, "--seed", str(info.seed)]
    words += [] if config.precision == usual.precision else ["--precision", config.precision]
    words += [] if config.quantize is None else ["--quantize", str(config.quantize)]
    preset = asdict(find_rule(info.rule).choose(config.preset, {}))
    for option, value in config.options.items():
        if value != preset[option]:
            words += ["--set", f"{option}={str(value).lower() if isinstance(value, bool) else value}"]
    return shlex.join([*words, "-o", name])


def _frames(info: RunInfo) -> int | None:
    return info.steps if info.time_axis else None


def _load(known: Card, spec: str) -> Dataset:
    data = load(spec, known.steps)
    wanted = known.train if spec == known.train.spec else known.test
    if data.sha256() != wanted.sha256:
        raise SystemExit(f"{spec} are other data than those of the card of {known.name}")
    return data


def _facts(data: Dataset) -> DataFacts:
    split = data.spec.rpartition("@")[2]
    return DataFacts(spec=f"{data.name}@{split}", sha256=data.sha256(), samples=len(data))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(folder: Path, one: Card) -> None:
    write_atomic(folder / CARD, msgspec.json.format(msgspec.json.encode(one), indent=1) + b"\n")


VERBS = {"check": check, "remake": remake, "train": train}


def main() -> int:
    """Make, or one of the verbs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("name")
    maker.add_argument("run", type=Path)
    maker.add_argument("--title", required=True)
    for verb in VERBS:
        verbs.add_parser(verb).add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.verb in VERBS:
        return VERBS[args.verb](args.names)
    make(args.name, args.run, args.title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
