"""From a model to a network for a target: front end, passes, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from neurodeploy.chip import load_chip
from neurodeploy.errors import InputError, UsageError
from neurodeploy.frontends.model import Model, open_model
from neurodeploy.ir import Graph
from neurodeploy.network import STEPS_MAX, Network, Note
from neurodeploy.passes import Fit, Legalise, Pass, Ranges, run_passes
from neurodeploy.passes.base import AfterPass
from neurodeploy.quant import Quantize, input_grid

if TYPE_CHECKING:
    import torch

    from neurodeploy.frontends import Imported


class QuantConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bits` of a weight, 2 to 8; weights are rounded to the nearest integer."""

    bits: Annotated[int, msgspec.Meta(ge=2, le=32)] = 8


class InputConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`levels` of the input grid per unit; None finds them from the calibration data."""

    levels: Annotated[float, msgspec.Meta(gt=0)] | None = None


class CompileConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set when compiling; `--set quant.bits=6` on the command line."""

    quant: QuantConfig = QuantConfig()
    input: InputConfig = InputConfig()


def parse_settings(settings: Mapping[str, str]) -> CompileConfig:
    """A configuration from `{"quant.bits": "6"}`; raises `UsageError` with the path of what is wrong."""
    tree: dict[str, Any] = {}
    for path, text in settings.items():
        section, _, key = path.partition(".")
        try:
            value = msgspec.json.decode(text.encode())
        except msgspec.DecodeError:
            value = text
        tree.setdefault(section, {})[key] = value
    try:
        return msgspec.convert(tree, CompileConfig)
    except msgspec.ValidationError as error:
        raise UsageError(f"--set: {error}") from None


def compile(
    model: torch.nn.Module | str | Model,
    sample: npt.ArrayLike,
    target: str = "loihi2",
    *,
    steps: int | None = None,
    bits: int | None = None,
    config: CompileConfig | None = None,
    calibration: Mapping[str, Any] | None = None,
    after_pass: AfterPass | None = None,
) -> Network:
    """Compile a model for a target.

    `model`: a torch module (one time step, `(N, *shape)` -> `(N, out)`), a run folder or `package.module:callable`.
    `sample`: real static input `(N, *shape)`, which finds the input's grid and checks the traced graph.
    `steps`: time steps T of a sample, from the run where the model knows it. `calibration` is recorded as it is.

    Raises `InputError`/`UnsupportedError` for a model that cannot be taken, `FitError` where it does not fit
    `target`, `UsageError` for arguments that make no sense.
    """
    opened = open_any(model)
    resolved = _steps(steps, opened)
    x = _sample(sample)
    imported = _import(opened, x, resolved)
    return compile_graph(
        imported.graph,
        x,
        target,
        steps=resolved,
        config=_with_bits(config or CompileConfig(), bits),
        notes=imported.notes,
        record={"model": opened.origin, "calibration": {"samples": len(x), **(calibration or {})}},
        after_pass=after_pass,
    )


def compile_graph(
    graph: Graph,
    sample: npt.ArrayLike,
    target: str = "loihi2",
    *,
    steps: int,
    config: CompileConfig = CompileConfig(),
    notes: Sequence[Note] = (),
    record: Mapping[str, Any] | None = None,
    after_pass: AfterPass | None = None,
) -> Network:
    """Compile a float graph; see `compile`. `record` becomes part of the network's provenance."""
    chip = load_chip(target)
    passes: tuple[Pass, ...] = (
        Quantize(input_grid(np.asarray(sample), config.input.levels), config.quant.bits, chip, steps),
        Legalise(chip),
        Ranges(chip.registers, steps),
        Fit(chip),
    )
    if after_pass is not None:
        after_pass("import", graph, 0.0)
    collected = list(notes)
    lowered = run_passes(graph, passes, collected, after_pass)
    provenance = {
        **(record or {}),
        "config": msgspec.to_builtins(config),
        "versions": {name: version(name) for name in ("neurodeploy", "numpy", "onnx")},
    }
    return Network(lowered, steps, chip.id, chip.registers, tuple(collected), provenance)


def float_graph(
    model: Model, sample: npt.ArrayLike, steps: int | None = None
) -> tuple[Graph, int, tuple[Note, ...]]:
    """The float graph of a model before quantization, its time steps, and what the front end assumed."""
    resolved = _steps(steps, model)
    imported = _import(model, _sample(sample), resolved)
    return imported.graph, resolved, imported.notes


def open_any(model: torch.nn.Module | str | Model) -> Model:
    """A torch module, a run folder or `package.module:callable` as a `Model`."""
    if isinstance(model, Model):
        return model
    return open_model(model) if isinstance(model, str) else Model(model, type(model).__name__)


def _with_bits(config: CompileConfig, bits: int | None) -> CompileConfig:
    chosen = config.quant.bits if bits is None else bits
    if chosen < 2:
        raise UsageError(f"weights need at least 2 bits, not {chosen}")
    return msgspec.structs.replace(config, quant=QuantConfig(bits=chosen))


def _steps(steps: int | None, model: Model) -> int:
    chosen = model.steps if steps is None else steps
    if chosen is None:
        raise UsageError(f"{model.origin} does not say how many time steps a sample runs; give --steps T")
    if not 1 <= chosen <= STEPS_MAX:
        raise UsageError(f"the number of time steps must be in 1..{STEPS_MAX}, not {chosen}")
    return chosen


def _sample(sample: npt.ArrayLike) -> npt.NDArray[np.float32]:
    values = np.asarray(sample)
    if values.dtype.kind not in "biuf" or values.ndim < 2 or len(values) == 0:
        raise InputError(
            f"the sample must be numbers (N, *shape), not {values.dtype} of shape {values.shape}, "
            f"which is {len(values) if values.ndim else 0} samples"
        )
    return values.astype(np.float32)


def _import(model: Model, x: npt.NDArray[np.float32], steps: int) -> Imported:
    from neurodeploy.frontends.torch_fx import import_torch

    return import_torch(model.module, x.shape[1:], steps, x)
