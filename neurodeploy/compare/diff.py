"""A float model against the network that was compiled from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurodeploy.compare.layers import LayerComparison, compare_layers
from neurodeploy.network import Network

if TYPE_CHECKING:
    import torch

    from neurodeploy.frontends.model import Model


@dataclass(frozen=True, slots=True)
class Diff:
    """Every layer of neurons, float against integer, in the order in which they compute."""

    layers: tuple[LayerComparison, ...]

    @property
    def worst(self) -> LayerComparison:
        """The layer whose membrane potential lost most: lowest SQNR."""
        return min(self.layers, key=lambda layer: layer.sqnr_db)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"layers": [layer.to_dict() for layer in self.layers], "worst": self.worst.layer}


def diff(
    model: torch.nn.Module | str | Model, network: Network, x: npt.ArrayLike, *, time_axis: bool = False
) -> Diff:
    """Run `model` in float and `network` in integers on real input `x`, `(N, *shape)` or `(T, N, *shape)`.

    Raises `InputError` where the two are not the same network or the input does not fit.
    """
    from neurodeploy.compiler import float_graph, open_any

    values = np.asarray(x)
    sample = values.reshape(-1, *network.input.shape)
    graph, _, _ = float_graph(open_any(model), sample, network.steps)
    return Diff(compare_layers(graph, network, values, time_axis=time_axis))
