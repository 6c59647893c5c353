"""List chips and back ends, or show one with its limits and their sources."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    from neurodeploy.chip import Entry

EXAMPLE = "neurodeploy targets loihi2"
FLOAT = "the model before quantization"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="a chip, a chip's .toml, or a back end")


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the list, or one entry."""
    from neurodeploy.backend import backend_entries
    from neurodeploy.chip import chip_names

    if args.name is None:
        _list(console)
    elif args.name == "float":
        raise UsageError(f"float is {FLOAT}, in `run --backend float`; it is no back end of an artefact")
    elif args.name.partition(":")[0] in backend_entries():
        _show_backend(args.name, console)
    elif args.name in chip_names() or args.name.endswith(".toml"):
        _show_chip(args.name, console)
    else:
        known = ", ".join((*chip_names(), *backend_entries()))
        raise UsageError(f"there is no chip or back end {args.name!r}; there are: {known}")
    return 0


def _list(console: Console) -> None:
    from neurodeploy.backend import backend_entries
    from neurodeploy.chip import chip_names, load_chip

    chips = {name: load_chip(name).description for name in chip_names()}
    backends = list(backend_entries())
    wide = max(len(name) for name in chips)
    text = ["chips (--target)", *(f"  {name:<{wide}} {text}" for name, text in chips.items())]
    text += [
        "back ends (--backend)",
        *(f"  {name}" for name in backends),
        f"  float        {FLOAT}",
    ]
    console.result("targets", "\n".join(text), {"chips": chips, "backends": backends})
    console.next("neurodeploy", "targets", next(iter(chips)))


def _show_backend(name: str, console: Console) -> None:
    from neurodeploy.backend import LearningBackend, get_backend

    backend = get_backend(name)
    missing = backend.missing()
    data = {
        "backend": name,
        "summary": backend.summary,
        "learns": isinstance(backend, LearningBackend),
        "missing": missing,
    }
    text = f"{name}: {backend.summary}\nlearns: {'yes' if data['learns'] else 'no'}\n{missing or 'ready'}"
    console.result("targets", text, data)


def _show_chip(name: str, console: Console) -> None:
    import msgspec

    from neurodeploy.chip import load_chip

    chip = load_chip(name)
    lines = [f"{chip.id}: {chip.description}", f"{chip.vendor}, {chip.status}"]
    lines += [f"{path} = {describe(entry)}" for path, entry in chip.entries()]
    lines += [f"costs: {chip.costs.model.calibration}"]
    lines += [f"costs, not modelled: {item}" for item in chip.costs.model.not_modelled]
    lines += [f"not public, not checked: {item}" for item in chip.not_checked]
    console.result("targets", "\n".join(lines), msgspec.to_builtins(chip))
    console.next("neurodeploy", "inspect", "NET.onnx", "--target", name)


def describe(entry: Entry) -> str:
    """One number or property in a line: value, unit, grade, basis, source."""
    from neurodeploy.chip import number

    return f"{number(entry)}  [{entry.grade}, {entry.basis}] {entry.source}"
