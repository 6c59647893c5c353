"""Check the installation: packages, back ends on a two-neuron network, and the exact fixes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from neurodeploy.cli.console import Console

if TYPE_CHECKING:
    from neurodeploy.doctor import Diagnosis

EXAMPLE = "neurodeploy doctor --fix"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--fix", action="store_true", help="install what is missing with pip")


def run(args: argparse.Namespace, console: Console) -> int:
    """Diagnose, repair with --fix, and print; exit code 6 when something is missing or wrong."""
    from neurodeploy.doctor import diagnose, install

    found = diagnose()
    missing = tuple(package for package in found.packages if not package.version)
    if args.fix and missing:
        for package in missing:
            console.say(f"installing {package.name}: {package.fix}")
        install(missing)
        found = diagnose()
    console.result("doctor", _text(found), found.to_dict())
    if found.healthy:
        what = "--model mlp:64-128-10 --data digits --rule ottt-a --steps 8 -o RUN"
        console.next("neurodeploy", "train", *what.split())
        return 0
    console.error(
        "something is missing or wrong, see above; `neurodeploy doctor --fix` installs what is missing"
    )
    return 6


def _text(found: Diagnosis) -> str:
    lines = [f"python {found.python} {'ok' if found.python_ok else 'not supported: 3.10 to 3.13 are'}"]
    for package in found.packages:
        state = package.version or f"missing, for {package.needed_for}: {package.fix}"
        lines.append(f"  {package.name:<14} {state}")
    lines.append("two neurons on every back end")
    lines += [f"  {check.name:<14} {check.state}: {check.message}" for check in found.backends]
    return "\n".join(lines)
