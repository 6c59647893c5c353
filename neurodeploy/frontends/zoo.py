"""The trained networks of the package as models: `zoo:NAME`. Reading one needs neither torch nor data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors

from neurodeploy.errors import InputError
from neurodeploy.frontends.imported import Imported
from neurodeploy.ir import from_json
from neurodeploy.network import Note
from neurodeploy.quant import InputGrid
from neurodeploy.zoo import GRAPH, PREFIX, WEIGHTS, Card, card, content


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A float network of the zoo; see `neurodeploy.frontends.model.Model`."""

    card: Card

    @property
    def origin(self) -> str:
        """`zoo:NAME`."""
        return PREFIX + self.card.name

    @property
    def steps(self) -> int:
        """Time steps that it was trained for."""
        return self.card.steps

    @property
    def data(self) -> str:
        """What it was trained on."""
        return self.card.train.spec

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        """The float graph. Without a sample its input has the grid that training samples gave, as the card says."""
        graph = from_json(msgspec.json.decode(content(self.origin, GRAPH)), self._weights())
        notes = tuple(Note(remark.layer, remark.what) for remark in self.card.assumed)
        if sample is not None:
            return Imported(graph, notes)
        known, train = self.card.grid, self.card.train
        found = Note("input", f"its integers were found on {known.samples} samples of {train.spec}")
        grid = InputGrid(known.levels, known.low, known.high, known.lossless)
        calibration = {"data": train.spec, "sha256": known.sha256, "samples": known.samples}
        return Imported(graph, (*notes, found), grid, calibration)

    def _weights(self) -> dict[str, npt.NDArray[Any]]:
        try:
            return load_tensors(content(self.origin, WEIGHTS))
        except SafetensorError as error:
            raise InputError(f"{self.origin}: {WEIGHTS} is not a safetensors file: {error}") from None


def open_zoo(name: str) -> ZooModel:
    """The network `zoo:NAME`; `UsageError` listing what there is where there is none of that name."""
    return ZooModel(card(name))
