"""From a model to a network for a target: front end, passes, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from neurodeploy.chip import load_chip
from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends import Imported
from neurodeploy.frontends.model import (
    AS_IT_IS,
    SECTIONS,
    Model,
    Reading,
    TorchModel,
    is_nir_graph,
    open_model,
    open_nir_graph,
)
from neurodeploy.ir import Graph, Input
from neurodeploy.network import STEPS_MAX, Network, Note
from neurodeploy.passes import LOWERING, Fit, Legalise, Pass, Ranges, SpikeCheck, run_passes
from neurodeploy.passes.base import AfterPass, Check
from neurodeploy.quant import InputGrid, Method, Quantize, grid_of
from neurodeploy.quant.fit import NeuronRounding
from neurodeploy.quant.grid import Clip
from neurodeploy.quant.moments import Moments, first_samples
from neurodeploy.quant.record import Record
from neurodeploy.quant.rounding import Rounding

if TYPE_CHECKING:
    import torch


CHECK_SAMPLES = 16
PASS_NAMES = ("import", *(one.name for one in LOWERING), Quantize.name, Legalise.name, Ranges.name, Fit.name)
"""Every stage of the compiler, in order."""


class QuantConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How weights become integers, see `neurodeploy.quant.Method`.

    `layers` gives single layers or groups of synapses other bits, as `--set quant.layers={"fc1":4}`. `neurons` says how
    biases, decays and thresholds do: each to the nearest, or chosen together on the sample (`neurodeploy.quant.fit`).
    """

    bits: Annotated[int, msgspec.Meta(ge=2, le=32)] = 8
    clip: Clip = "max"
    percentile: Annotated[float, msgspec.Meta(gt=0, le=100)] = 99.9
    power_of_two: bool = False
    rounding: Rounding = "nearest"
    seed: int = 0
    layers: dict[str, int] = {}
    neurons: NeuronRounding = "nearest"

    @property
    def method(self) -> Method:
        """What holds for layers that are not named in `layers`."""
        return Method(self.bits, self.clip, self.percentile, self.power_of_two, self.rounding, self.seed)


class InputConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`levels` of the input grid per unit; None finds them from the calibration data."""

    levels: Annotated[float, msgspec.Meta(gt=0)] | None = None


class NeuronConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`threshold_step`: thresholds are rounded to multiples of it and compared with '>', see `Legalise`."""

    threshold_step: Annotated[int, msgspec.Meta(ge=1, le=1 << 16)] = 1


class CompileConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set when compiling; `--set quant.bits=6` on the command line."""

    quant: QuantConfig = QuantConfig()
    input: InputConfig = InputConfig()
    neurons: NeuronConfig = NeuronConfig()


def parse_settings(settings: Mapping[str, str]) -> tuple[CompileConfig, dict[str, dict[str, Any]]]:
    """A configuration from `{"quant.bits": "6"}`, and what is meant for a front end, by its section.

    Raises `UsageError` with the path of what is wrong.
    """
    tree: dict[str, dict[str, Any]] = {}
    for path, text in settings.items():
        section, _, key = path.partition(".")
        try:
            value = msgspec.json.decode(text.encode())
        except msgspec.DecodeError:
            value = text
        tree.setdefault(section, {})[key] = value
    reading = {section: tree.pop(section) for section in sorted(SECTIONS & set(tree))}
    try:
        return msgspec.convert(tree, CompileConfig), reading
    except msgspec.ValidationError as error:
        raise UsageError(f"--set: {error}. The settings are {', '.join(_setting_names())}") from None


def _setting_names() -> list[str]:
    """`quant.bits` and the like, and the sections that front ends read."""
    config = CompileConfig()
    sections = {name: getattr(config, name).__struct_fields__ for name in config.__struct_fields__}
    names = [f"{section}.{key}" for section, keys in sections.items() for key in keys]
    return [*names, *(f"{section}.*" for section in sorted(SECTIONS))]


def compile(
    model: torch.nn.Module | str | Model,
    sample: npt.ArrayLike | None = None,
    target: str = "loihi2",
    *,
    board: str | None = None,
    steps: int | None = None,
    bits: int | None = None,
    config: CompileConfig | None = None,
    reading: Reading = AS_IT_IS,
    time_axis: bool = False,
    calibration: Mapping[str, Any] | None = None,
    check_passes: bool = False,
    after_pass: AfterPass | None = None,
) -> Network:
    """Compile a model for a target.

    `model`: a torch module (one time step, `(N, *shape)` -> `(N, out)`), a `nir.NIRGraph`, a run folder, a `.nir`,
    `.net` or ANN `.onnx` file, `zoo:NAME`, or `package.module:callable`. `sample`: real input, static `(N, *shape)`,
    or `(T, N, *shape)` with `time_axis`; it finds the input's grid, checks a traced graph, and runs where the rounding
    needs it; files that hold integers and `zoo:NAME` need none. `steps`: time steps T of a sample, from the model where
    it knows them. `reading` says what a file leaves open. `board`: several chips, by the name in the target's
    description. `calibration` is recorded as it is. `check_passes` as in `compile_graph`.

    Raises `InputError`/`UnsupportedError` for a model that cannot be taken, `FitError` where it does not fit
    `target`, `UsageError` for arguments that make no sense.
    """
    opened = open_any(model, reading)
    resolved = _steps(steps, opened)
    x = None if sample is None else _sample(sample, time_axis)
    imported = opened.read(None if x is None else _single_steps(x, time_axis), resolved)
    return compile_graph(
        imported.graph,
        x,
        target,
        board=board,
        steps=resolved,
        config=_with_bits(config or CompileConfig(), bits),
        notes=imported.notes,
        record={
            "model": opened.origin,
            "from": reading.preset,
            "settings": {key: dict(values) for key, values in reading.settings.items()},
            "calibration": {
                **({"samples": 0} if x is None else _extent(x, time_axis)),
                **imported.calibration,
                **(calibration or {}),
            },
        },
        time_axis=time_axis,
        check_passes=check_passes,
        after_pass=after_pass,
        known_grid=imported.grid,
    )


def compile_graph(
    graph: Graph,
    sample: npt.ArrayLike | None = None,
    target: str = "loihi2",
    *,
    board: str | None = None,
    steps: int,
    config: CompileConfig = CompileConfig(),
    notes: Sequence[Note] = (),
    record: Mapping[str, Any] | None = None,
    time_axis: bool = False,
    check_passes: bool = False,
    after_pass: AfterPass | None = None,
    moments: Moments | None = None,
    known_grid: InputGrid | None = None,
) -> Network:
    """Compile a graph, float or integer; see `compile`. `record` becomes part of the network's provenance,
    beside what the integers of each layer stand for (`neurodeploy.quant.record`). `moments` are the second moments
    of a graph that is lowered already, where they are known; `known_grid` is the input's where there is no sample.

    With `check_passes` the float graph runs the sample after each pass that keeps it a float graph; `InputError`
    where a spike changed, and for a `sample` over time whose T is not `steps`.
    """
    values = None if sample is None else np.asarray(sample)
    _require_steps(values, steps, time_axis)
    chip = load_chip(target)
    legalise = Legalise(chip, config.neurons.threshold_step)
    passes: list[Pass] = [legalise, Ranges(chip.registers, steps), Fit(chip, board)]
    layers: Record = {}
    for op in graph.of(Input).values():
        grid = known_grid if values is None else None
        if grid is None or config.input.levels is not None:
            grid = grid_of(op.encoding, values, config.input.levels)
        quantize = Quantize(
            grid,
            config.quant.method,
            chip,
            steps,
            config.quant.layers,
            values,
            moments,
            config.quant.neurons,
            time_axis,
        )
        passes, layers = [*LOWERING, quantize, *passes], quantize.record
    if after_pass is not None:
        after_pass("import", graph, 0.0)
    collected = list(notes)
    check = None if not check_passes else _check(graph, values, steps, time_axis)
    lowered = run_passes(graph, passes, collected, after_pass, check)
    provenance = {
        **(record or {}),
        "config": msgspec.to_builtins(config),
        "layers": layers,
        "versions": {name: version(name) for name in ("neurodeploy", "numpy", "onnx")},
    }
    return Network(lowered, steps, chip.id, chip.registers, tuple(collected), provenance)


def _require_steps(sample: npt.NDArray[Any] | None, steps: int, time_axis: bool) -> None:
    if sample is not None and time_axis and len(sample) != steps:
        raise InputError(
            f"the sample has {len(sample)} time steps; the network runs {steps}. "
            f"Try --steps {len(sample)}, or data of {steps} steps"
        )


def _check(graph: Graph, sample: npt.NDArray[Any] | None, steps: int, time_axis: bool) -> Check | None:
    if not graph.of(Input):
        return None
    if sample is None:
        raise UsageError("passes can be checked on data only: give --calibrate DATA")
    return SpikeCheck(first_samples(sample, CHECK_SAMPLES, time_axis), steps, time_axis)


def read_model(model: Model, sample: npt.ArrayLike | None, steps: int | None = None) -> tuple[Imported, int]:
    """The graph of a model as it was imported, with what was assumed, and its time steps."""
    resolved = _steps(steps, model)
    return model.read(None if sample is None else _sample(sample, time_axis=False), resolved), resolved


def float_graph(model: Model, sample: npt.ArrayLike | None, steps: int | None = None) -> tuple[Imported, int]:
    """Like `read_model`, for a model whose graph is a float one; raises `UnsupportedError` for integers."""
    imported, resolved = read_model(model, sample, steps)
    if not imported.graph.of(Input):
        raise UnsupportedError(f"{model.origin} holds integers only; there is no float network to run")
    return imported, resolved


def lowered_model(
    model: Model, sample: npt.ArrayLike | None, steps: int | None = None
) -> tuple[Graph, tuple[Note, ...]]:
    """The float graph in the form that is quantized, with the layers of neurons of the network, and all notes."""
    imported, _ = float_graph(model, sample, steps)
    notes = list(imported.notes)
    return run_passes(imported.graph, LOWERING, notes), tuple(notes)


def open_any(model: torch.nn.Module | str | Model, reading: Reading = AS_IT_IS) -> Model:
    """A torch module, a `nir.NIRGraph`, the name of a model or a `Model` as a `Model`."""
    if isinstance(model, str):
        return open_model(model, reading)
    if isinstance(model, Model):
        return model
    if is_nir_graph(model):
        return open_nir_graph(model, reading)
    return TorchModel(model, type(model).__name__)


def _with_bits(config: CompileConfig, bits: int | None) -> CompileConfig:
    chosen = config.quant.bits if bits is None else bits
    if chosen < 2:
        raise UsageError(f"weights need at least 2 bits, not {chosen}")
    return msgspec.structs.replace(config, quant=msgspec.structs.replace(config.quant, bits=chosen))


def _steps(steps: int | None, model: Model) -> int:
    chosen = model.steps if steps is None else steps
    if chosen is None:
        raise UsageError(f"{model.origin} does not say how many time steps a sample runs; give --steps T")
    if not 1 <= chosen <= STEPS_MAX:
        raise UsageError(f"the number of time steps must be in 1..{STEPS_MAX}, not {chosen}")
    return chosen


def _sample(sample: npt.ArrayLike, time_axis: bool) -> npt.NDArray[np.float32]:
    values, lead = np.asarray(sample), 2 if time_axis else 1
    if values.dtype.kind not in "biuf" or values.ndim <= lead or 0 in values.shape[:lead]:
        raise InputError(
            f"the sample must be numbers ({'T, ' if time_axis else ''}N, *shape), not {values.dtype} of shape "
            f"{values.shape}, which is {values.shape[lead - 1] if values.ndim >= lead else 0} samples"
        )
    return values.astype(np.float32)


def _single_steps(x: npt.NDArray[np.float32], time_axis: bool) -> npt.NDArray[np.float32]:
    """Every step of every sample, `(N, *shape)`."""
    return x.swapaxes(0, 1).reshape(-1, *x.shape[2:]) if time_axis else x


def _extent(x: npt.NDArray[np.float32], time_axis: bool) -> dict[str, int]:
    return {"samples": x.shape[1], "time_steps": x.shape[0]} if time_axis else {"samples": len(x)}
