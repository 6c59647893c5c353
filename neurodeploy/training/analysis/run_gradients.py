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


def compare_run(module: torch.nn.Module, info: RunInfo, dataset: Dataset, samples: int) -> RunGradients:
    """Compare the trained `module` of a run and the network it began with, on training data.

    The batch are the first `samples` of the order of the first epoch (all, where there are fewer), without
    augmentation; the first network is drawn again from the run's seed. Raises as `compare_gradients` does.
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

    return RunGradients(compare(build(info.model, info.seed).to(device)), compare(module))
