"""--compare-gradients: how near a run's gradients are to those of BPTT, in its run.json and as a table."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neurodeploy.cli.columns import columns
from neurodeploy.cli.console import Console

if TYPE_CHECKING:
    from neurodeploy.training import TrainedRun
    from neurodeploy.training.analysis import Agreement, RunGradients

SAMPLES = 128


def add_option(parser: argparse.ArgumentParser) -> None:
    """--compare-gradients [N]."""
    parser.add_argument(
        "--compare-gradients",
        type=int,
        nargs="?",
        const=SAMPLES,
        metavar="N",
        help=f"compare gradients with BPTT's on N training samples (default {SAMPLES}), before and after",
    )


def check(samples: int | None, rule: str) -> None:
    """Before any training: `UsageError` for too few samples, `UnsupportedError` for a rule without a BPTT."""
    if samples is None:
        return
    from neurodeploy.errors import UsageError
    from neurodeploy.training.analysis import check_reference

    if samples < 1:
        raise UsageError(f"--compare-gradients must be 1 or more samples, not {samples}")
    check_reference(rule)


def compare(
    samples: int, trained: TrainedRun, folder: Path, start: Path | None, console: Console
) -> TrainedRun:
    """The run with its comparison, which is shown and added to its run.json; it began with `start`."""
    from neurodeploy.data import load
    from neurodeploy.training.analysis import compare_run
    from neurodeploy.training.run_folder import note_gradients
    from neurodeploy.training.start import load_start

    info = trained.info
    first = load_start(start).weights if start else None
    found = compare_run(trained.module, info, load(info.data, info.steps), samples, first)
    console.say(_table(found))
    return replace(trained, info=note_gradients(folder, info, found))


def _table(found: RunGradients) -> str:
    rows = [("layer", "before training", "after")]
    rows += [(name, _cell(before), _cell(after)) for name, before, after in found.rows()]
    title = f"gradients of {found.after.rule} against BPTT, {found.after.samples} training samples: cosine (norm ratio)"
    return "\n".join((title, *columns(rows)))


def _cell(one: Agreement) -> str:
    if one.cosine is None or one.norm_ratio is None:
        return "no gradient"
    return f"{one.cosine:.4f} ({one.norm_ratio:.3f})"
