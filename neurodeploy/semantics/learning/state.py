"""What learning carries from one sample to the next, and what it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import IntLIF, IntSynapses
from neurodeploy.semantics import bounds
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.rule import ThreeFactorRule
from neurodeploy.semantics.neurons import Registers


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


def require_state(
    graph: Graph, registers: Registers, rule: ThreeFactorRule, state: LearningState, steps: int
) -> None:
    """Raise `InputError` for a state that learning samples of `steps` time steps by this rule does not lead to."""
    if state.weights.keys() != rule.synapses.keys():
        raise InputError(
            f"the state of learning holds weights of {', '.join(state.weights) or 'nothing'}; the rule's synapses are "
            f"{', '.join(rule.synapses)}"
        )
    if state.updates < 0:
        raise InputError(f"the state of learning counts {state.updates} updates; there are 0 or more")
    for name, one in rule.synapses.items():
        shape = graph.of(IntSynapses)[name].weight_q.shape
        _require(f"weights of '{name}'", state.weights[name], shape, -one.weight_max, one.weight_max)
    for name, op in graph.of(IntLIF).items():
        if name in state.spikes:
            most = steps * bounds.most_spikes(op, registers)
            _require(f"spikes of '{name}'", state.spikes[name], op.shape, 0, most)


def _require(what: str, values: npt.NDArray[Any], shape: tuple[int, ...], low: int, high: int) -> None:
    if values.shape != shape or values.dtype.kind not in "iu":
        raise InputError(
            f"the state of learning holds {what} as {values.dtype} {values.shape}; they are integers {shape}"
        )
    if ((values < low) | (values > high)).any():
        raise InputError(
            f"the state of learning holds {what} in {values.min()}..{values.max()}; only {low}..{high} are possible"
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
