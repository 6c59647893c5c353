"""What learning carries from one sample to the next, and what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import IntSynapses
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.rule import ThreeFactorRule


@dataclass(frozen=True, slots=True)
class LearningState:
    """Everything that the next sample depends on.

    `weights` int8 by learning group; `updates` is k, the number of updates so far; `spikes` int64 `shape` by layer
    of neurons: how often each fired in the sample before, kept with homeostasis alone.
    """

    weights: Mapping[str, npt.NDArray[np.int8]]
    updates: int = 0
    spikes: Mapping[str, Int64Array] = field(default_factory=dict)


def initial_state(graph: Graph, rule: ThreeFactorRule) -> LearningState:
    """Before any update: the weights of the network, clipped to the grid on which they learn."""
    groups = graph.of(IntSynapses)
    return LearningState(
        {
            name: np.clip(groups[name].weight_q, -one.weight_max, one.weight_max)
            for name, one in rule.synapses.items()
        }
    )


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """Counts over all updates of one learning group.

    `asked`: an accumulator that was not 0 at an update, one a synapse; `changed` weights; `clipped` at the end of the
    weight grid. Saturated, one a value and step: `traces`, `errors` of the neurons that the group leads to, and
    `accumulators`.
    """

    updates: int
    asked: int
    changed: int
    clipped: int
    traces_saturated: int
    errors_saturated: int
    errors: int
    accumulators_saturated: int
