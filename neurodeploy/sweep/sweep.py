"""From a model and data to the accuracy at every width."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from neurodeploy.backend import Progress, no_progress
from neurodeploy.compiler import CompileConfig, QuantConfig, float_graph, open_any
from neurodeploy.data import Dataset, check_labels
from neurodeploy.errors import FitError, UsageError
from neurodeploy.frontends.model import AS_IT_IS, Model, Reading
from neurodeploy.ir import Graph
from neurodeploy.ir.json import graph_digest
from neurodeploy.network import Note
from neurodeploy.passes.lower import lower
from neurodeploy.quant.moments import SAMPLES
from neurodeploy.sweep.checks import outliers, require_spikes
from neurodeploy.sweep.mixed import descend
from neurodeploy.sweep.moments import KeptMoments
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.result import Entry, Kind, Sweep, drop
from neurodeploy.sweep.runner import Runner
from neurodeploy.sweep.setting import Setting
from neurodeploy.sweep.store import Store
from neurodeploy.sweep.work import Work, versions

if TYPE_CHECKING:
    import torch

WIDTHS = (8, 6, 4, 3, 2)


def sweep(
    model: torch.nn.Module | str | Model,
    dataset: Dataset,
    calibration: Dataset,
    *,
    bits: Sequence[int] = WIDTHS,
    max_drop: float = 0.01,
    target: str = "loihi2",
    steps: int | None = None,
    config: CompileConfig = CompileConfig(),
    reading: Reading = AS_IT_IS,
    folder: Path | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Sweep:
    """Measure a float model in the float interpreter, and compiled at each of `bits` in the integer engine.

    Then each layer alone at the lowest bits, each alone at the highest, and a greedy search for the setting with
    the fewest weight bits whose accuracy is at most `max_drop` (a share) below float. `calibration` finds the
    input's grid and gives 'gptq' its inputs. Points in `folder` are not measured again; `jobs` run at a time.

    Raises `UsageError` for bits, gate or settings that make no sense, `FitError` for more bits than the target has,
    `InputError` for data without labels and for layers that never fire.
    """
    widths = _widths(bits, max_drop, config)
    opened = open_any(model, reading)
    frames = calibration.x.reshape(-1, *calibration.shape)
    imported, resolved = float_graph(opened, frames, steps)
    notes = list(imported.notes)
    lowered = lower(imported.graph, notes)
    labels = check_labels(dataset, imported.graph.types[imported.graph.output].size)
    with _kept_in(folder) as place:
        moments = _moments(lowered, calibration, resolved, place) if config.quant.rounding == "gptq" else None
        work = Work(imported.graph, lowered, dataset, labels, calibration, resolved, target, config, moments)
        _require_fit(widths, work)
        require_spikes(lowered, calibration, resolved)
        store = Store(work.digest(), folder)
        runner = Runner(work, store, jobs, progress)
        floats, entries = _planned(runner, widths)
        entries += _mixed(runner, widths, max_drop, floats, entries)
    quant = config.quant
    return Sweep(
        opened.origin,
        dataset.spec,
        target,
        f"clip {quant.clip}, rounding {quant.rounding}",
        labels,
        work.weights,
        max_drop,
        floats,
        tuple(entries),
        _smallest(work, entries, floats, max_drop),
        (*notes, *outliers(lowered, quant), *_overflows(entries)),
        store.computed,
    )


def _kept_in(folder: Path | None) -> AbstractContextManager[str | Path]:
    """Where the sweep keeps what its points share: `folder`, or one that goes when it ends."""
    return TemporaryDirectory(prefix="neurodeploy-") if folder is None else nullcontext(folder)


def _moments(lowered: Graph, calibration: Dataset, steps: int, place: str | Path) -> KeptMoments:
    """The second moments of the graph, measured before any process starts that needs them."""
    few = calibration.limit(SAMPLES)
    facts = f"{graph_digest(lowered)} {few.sha256()} {steps} {versions()}"
    kept = KeptMoments(lowered, few.time_first, steps, Path(place), facts, few.time_axis)
    kept.measure()
    return kept


def _widths(bits: Sequence[int], max_drop: float, config: CompileConfig) -> list[int]:
    if not bits or min(bits) < 2:
        raise UsageError(
            f"the bits must be one or more numbers from 2 up, not {','.join(map(str, bits)) or 'none'}"
        )
    if not 0 <= max_drop < 1:
        raise UsageError(
            f"the largest drop must be a share from 0 to below 1 (0.01 is one point), not {max_drop}"
        )
    given = [
        name for name in ("layers", "bits") if getattr(config.quant, name) != getattr(QuantConfig(), name)
    ]
    if given:
        raise UsageError(f"the sweep gives every layer its bits (--bits); leave out --set quant.{given[0]}")
    return sorted(set(bits), reverse=True)


def _require_fit(widths: Sequence[int], work: Work) -> None:
    allowed = work.chip.synapse.weight_bits.value
    if widths[0] > allowed:
        raise FitError(
            f"weights of {widths[0]} bits do not fit: {work.chip.id} has {allowed} bits a weight; leave them out "
            "of --bits"
        )


def _planned(runner: Runner, widths: Sequence[int]) -> tuple[Point, list[Entry]]:
    """Float, all widths, and each layer alone narrow and alone wide."""
    layers = list(runner.work.weights)
    high, low = (Setting.uniform(layers, width) for width in (widths[0], widths[-1]))
    wanted: list[tuple[Kind, str | None, Setting]] = [
        ("uniform", None, Setting.uniform(layers, width)) for width in widths
    ]
    if len(layers) > 1 and len(widths) > 1:
        wanted += [("narrow", name, high.with_layer(name, widths[-1])) for name in layers]
        wanted += [("wide", name, low.with_layer(name, widths[0])) for name in layers]
    floats, *points = runner.run([None, *(setting for _, _, setting in wanted)])
    return floats, [Entry(*what, point) for what, point in zip(wanted, points, strict=True)]


def _mixed(
    runner: Runner, widths: Sequence[int], max_drop: float, floats: Point, entries: Sequence[Entry]
) -> list[Entry]:
    """The steps of the search; none where all layers at the highest width miss the gate already."""
    start = entries[0]
    narrow = {entry.layer: entry for entry in entries if entry.kind == "narrow"}
    if not narrow or drop(floats, start.point) > max_drop:
        return []
    sensitivity = {
        name: max(0.0, drop(floats, narrow[name].point) - drop(floats, start.point))
        for name in runner.work.weights
    }
    path = descend(runner, start.setting, widths, sensitivity, lambda point: drop(floats, point) <= max_drop)
    return [Entry("mixed", None, setting, runner.run([setting])[0]) for setting in path]


def _smallest(work: Work, entries: Sequence[Entry], floats: Point, max_drop: float) -> Entry | None:
    """Of all that keep the gate the one with the fewest bits, among equals the most accurate."""
    kept = [entry for entry in entries if drop(floats, entry.point) <= max_drop]
    return min(
        kept,
        key=lambda entry: (entry.setting.weight_bits(work.weights), -entry.point.correct),
        default=None,
    )


def _overflows(entries: Sequence[Entry]) -> list[Note]:
    """Points in which registers overflowed or inputs were clipped."""
    notes = []
    for entry in entries:
        if entry.point.overflows:
            notes.append(Note(str(entry.setting), f"{entry.point.overflows} values overflowed"))
    clipped = max((entry.point.clipped_inputs for entry in entries), default=0)
    if clipped:
        notes.append(Note("input", f"{clipped} values lie outside the calibrated grid and were clipped"))
    return notes
