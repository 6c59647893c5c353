"""An ONNX file of an ANN as a model that yields a spiking graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UsageError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.onnx_ann.builder import Ann, Builder
from neurodeploy.frontends.onnx_ann.config import AnnConfig
from neurodeploy.frontends.onnx_ann.convert import Spiking, convert
from neurodeploy.frontends.onnx_ann.correct import corrected
from neurodeploy.frontends.onnx_ann.file import OnnxFile, read_file
from neurodeploy.frontends.onnx_ann.fold import fold
from neurodeploy.frontends.onnx_ann.reference import check_against_reference
from neurodeploy.frontends.onnx_ann.rules import RULES
from neurodeploy.frontends.onnx_ann.scales import spike_scales
from neurodeploy.ir import Input
from neurodeploy.ir.types import is_given_as
from neurodeploy.network import Note

SCALE_SAMPLES = 256
"""Samples that find the scales of spikes."""
CORRECTION_SAMPLES = 128
"""Samples that correct biases."""


def open_ann(path: Path, preset: str | None, config: AnnConfig) -> OnnxAnn:
    """Read an ONNX file of a plain ANN; `preset` must be None, since such a file leaves nothing open.

    Raises `UsageError` for a preset, `InputError`/`UnsupportedError` that names the file and the node which cannot
    be read.
    """
    if preset is not None:
        raise UsageError(f"--from {preset} says nothing about {path}: an ANN has no neurons to interpret")
    file = read_file(path)
    try:
        ann = Builder.of(file).build(file, RULES)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None
    return OnnxAnn(str(path), config, file, ann)


@dataclass(frozen=True, slots=True)
class OnnxAnn:
    """An ANN that was read; `steps` and `data` are not known to such a file."""

    origin: str
    config: AnnConfig
    file: OnnxFile
    ann: Ann
    steps: int | None = None
    data: str | None = None

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        """The spiking graph for T = `steps`, scaled with the real input `sample`, `(N, *shape)`.

        Raises `UsageError` without a sample or steps, `InputError` where the sample does not fit, or where the
        file's own evaluation gives other numbers.
        """
        if sample is None:
            raise UsageError(
                f"{self.origin} needs real input that finds what a spike is worth: give --calibrate DATA"
            )
        if steps is None:
            raise UsageError(f"{self.origin} does not say how many time steps a sample runs; give --steps T")
        try:
            return self._read(*self._fitting(sample), steps)
        except InputError as error:
            raise type(error)(f"{self.origin}: {error}") from None

    def _read(self, x: npt.NDArray[np.float32], notes: list[Note], steps: int) -> Imported:
        check_against_reference(self.ann, self.file, x)
        ann, config = fold(self.ann), self.config
        scales, scale_notes = spike_scales(ann.graph, x[:SCALE_SAMPLES], steps, config)
        how = Spiking(scales, max_pool=config.max_pool == "spikes")
        few = x[:CORRECTION_SAMPLES]
        how = corrected(ann.graph, ann.output, how, few, steps, config.rounds)
        graph, converted = convert(ann.graph, ann.output, how)
        notes = [*notes, *ann.notes, *scale_notes, *converted]
        notes += [
            Note(
                name,
                f"biases corrected by {bias.min():.3g}..{bias.max():.3g}, {steps} steps of {len(few)} samples",
            )
            for name, bias in how.biases.items()
        ]
        return Imported(graph, tuple(notes))

    def _fitting(self, sample: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], list[Note]]:
        """The sample in the model's shape, and what was assumed."""
        name, shape = next(iter(self.ann.graph.of(Input))), self.ann.shape
        x = np.asarray(sample, np.float32)
        if not is_given_as(shape, x.shape[1:]) or len(x) == 0:
            raise InputError(f"takes (samples, *{shape}), but the sample is an array {x.shape}")
        if not np.isfinite(x).all():
            raise InputError(
                f"the sample holds {int((~np.isfinite(x)).sum())} values that are NaN or infinite"
            )
        return x.reshape(len(x), *shape), [Note(name, "enters as a current, the same in every step")]
