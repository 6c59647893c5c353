"""Biases of neurons moved into their synapses, where every reader of NIR finds them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import LIF, Conv, Delay, Dense, Graph, Op, Readout
from neurodeploy.ir.graph import OpT


def biases_in_synapses(graph: Graph) -> Graph:
    """The same graph, in which neurons without current memory have no bias, as far as their synapses can take it.

    A synapse can if it feeds these neurons alone and no delay feeds it; a convolution if the bias is one number per
    channel. The sum is rounded to float32.
    """
    changed: dict[str, Op] = {}
    neurons: dict[str, LIF | Readout] = {**graph.of(LIF), **graph.of(Readout)}
    for name, op in neurons.items():
        if op.bias.any() and not op.current_decay.any():
            for source in graph.sources(name):
                synapse = graph.op(source)
                if isinstance(synapse, (Dense, Conv)) and _alone(graph, source):
                    added = _per_output(op.bias, op.shape, synapse)
                    if added is not None:
                        changed[source] = _with(synapse, bias=(synapse.bias + added).astype(np.float32))
                        changed[name] = _with(op, bias=np.zeros(()))
                        break
    return graph.replaced(changed)


def _alone(graph: Graph, synapse: str) -> bool:
    fed_late = any(isinstance(graph.op(source), Delay) for source in graph.sources(synapse))
    return len(graph.users(synapse)) == 1 and not fed_late


def _per_output(
    bias: npt.NDArray[np.float64], shape: tuple[int, ...], synapse: Dense | Conv
) -> npt.NDArray[np.float64] | None:
    """The bias as one number for each row or channel of the synapse's weight, or None."""
    full = np.broadcast_to(bias, shape).reshape(shape[0], -1)
    if (full != full[:, :1]).any() or shape[0] != len(synapse.weight):
        return None
    return full[:, 0]


def _with(op: OpT, **values: object) -> OpT:
    return replace(op, **values)  # type: ignore[type-var]
