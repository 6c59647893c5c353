"""How near a run's gradients were to those of BPTT, before and after training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neurodeploy.data import Dataset
from neurodeploy.models import build
from neurodeploy.training.analysis.gradient_comparison import (
    Agreement,
    GradientComparison,
    compare_gradients,
)
from neurodeploy.training.optimizers import SGD, Tensors
from neurodeploy.training.quantizable import quantizable_weights
from neurodeploy.training.quantized import StraightThrough

if TYPE_CHECKING:
    from neurodeploy.training.run_folder import RunInfo


@dataclass(frozen=True, slots=True)
class RunGradients:
    """The same batch before the first update and after the last."""

    before: GradientComparison
    after: GradientComparison

    def rows(self) -> Iterator[tuple[str, Agreement, Agreement]]:
        """Each layer by name, and 'all', before and after."""
        for layer, before in self.before.layers.items():
            yield layer, before, self.after.layers[layer]
        yield "all", self.before.whole, self.after.whole

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return asdict(self)


def compare_run(
    module: torch.nn.Module,
    info: RunInfo,
    dataset: Dataset,
    samples: int,
    start: Tensors | None = None,
) -> RunGradients:
    """Compare the trained `module` of a run and the network it began with, on training data.

    The batch are the first `samples` of the order of the first epoch (all, where there are fewer), without
    augmentation. The first network has the weights `start` that the run began with, or, without, is drawn again from
    the run's seed; they are rounded where the run rounds. Raises as `compare_gradients` does.
    """
    chosen = np.random.default_rng((info.seed, 0)).permutation(len(dataset))[:samples]
    device = next(module.parameters()).device
    x, y = (torch.from_numpy(part[chosen]).to(device) for part in (dataset.x, dataset.labels()))
    if dataset.time_axis:
        x = x.transpose(0, 1)

    def compare(network: torch.nn.Module) -> GradientComparison:
        preset, options = info.config.preset, info.config.options
        return compare_gradients(
            network, x, y, info.rule, info.steps, time_axis=dataset.time_axis, preset=preset, **options
        )

    return RunGradients(compare(_first(info, start).to(device)), compare(module))


@torch.no_grad()
def _first(info: RunInfo, start: Tensors | None) -> torch.nn.Module:
    """The network of a run before its first update."""
    network = build(info.model, info.seed)
    if start is not None:
        network.load_state_dict(start)
    if info.config.quantize:
        parameters = {name: p.data for name, p in network.named_parameters()}
        names = quantizable_weights(network)
        StraightThrough(SGD({}, 0.0, 0.0), parameters, names, info.config.quantize)
    return network
