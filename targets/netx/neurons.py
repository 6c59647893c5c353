"""Neurons as a `.net` file holds them: decays, threshold and bias."""

from __future__ import annotations

import numpy as np

from neurodeploy.errors import FitError, UnsupportedError
from neurodeploy.frontends.netx.format import LARGEST_BIAS, LARGEST_THRESHOLD, SILENT_THRESHOLD, UNIT
from neurodeploy.ir import DECAY_ONE, Graph
from neurodeploy.ir.op import Int64Array
from neurodeploy.network import Network
from neurodeploy.semantics import bounds
from neurodeploy.targets.netx.chain import Block


def check_neurons(block: Block, last: bool) -> None:
    """Refuse what lava-dl's neurons do not do; they fire above a threshold and then start again at 0."""
    op = block.neurons
    problems = {
        f"reset '{op.reset}'": op.reset == "subtract" or (op.reset == "none" and not last),
        "clear_current": op.clear_current and op.reset != "none",
        "initial_q": bool(op.initial_q.any()),
        "v_min_q": op.v_min_q is not None,
        f"refractory {op.refractory}": bool(op.refractory),
    }
    found = [what for what, there in problems.items() if there]
    if found:
        raise UnsupportedError(
            f"layer '{block.name}': {', '.join(found)}; neurons of a .net file fire above their threshold and reset to "
            "zero, or are the last layer and only integrate. Export to NIR, or train with reset 'zero'"
        )


def threshold(block: Block, network: Network) -> int:
    """vThMant: fires where v > vThMant * 64, as the network's neurons do; raises `FitError` where there is none."""
    op = block.neurons
    if op.reset == "none":
        return SILENT_THRESHOLD
    if op.threshold_q.ndim:
        raise FitError(
            f"layer '{block.name}': thresholds differ ({op.threshold_q.min()}..{op.threshold_q.max()}); Lava's neurons "
            "have one for a layer"
        )
    above = int(op.fire_at) - 1
    if above % UNIT and not _in_units(network.graph, block, network):
        lower = above // UNIT * UNIT
        raise FitError(
            f"layer '{block.name}': fires above {above}; a .net file holds multiples of {UNIT}, the nearest "
            f"are {lower} and {lower + UNIT}. Make the threshold one of these, or use neurons without decay "
            f"(0 or {DECAY_ONE})"
        )
    if above // UNIT > LARGEST_THRESHOLD:
        raise FitError(
            f"layer '{block.name}': the threshold is {above // UNIT} * {UNIT}; a .net file holds at most "
            f"{LARGEST_THRESHOLD} * {UNIT}"
        )
    return above // UNIT


def _in_units(graph: Graph, block: Block, network: Network) -> bool:
    """True where every potential is a multiple of 64, so that a threshold may be rounded down to one.

    Synaptic input and biases are; without decay, or with all of it, potentials stay so unless they saturate.
    """
    op = block.neurons
    whole = all(np.isin(values, (0, DECAY_ONE)).all() for values in (op.du, op.dv))
    if not whole or (op.bias_q % UNIT).any():
        return False
    current = bounds.current(graph, block.name, network.registers)
    limits = bounds.neurons(op, current, network.steps)
    return limits.u.magnitude <= network.registers.u.high and limits.v.magnitude <= network.registers.v.high


def decays(block: Block) -> dict[str, Int64Array]:
    """iDecay and vDecay: one number, or one for each channel."""
    op = block.neurons
    return {"iDecay": _per_channel(block, "du", op.du), "vDecay": _per_channel(block, "dv", op.dv)}


def bias(block: Block) -> Int64Array | None:
    """Biases in units of 64, one for each channel; None where all are 0."""
    op = block.neurons
    if not op.bias_q.any():
        return None
    if (op.bias_q % UNIT).any():
        wrong = op.bias_q[op.bias_q % UNIT != 0]
        raise FitError(
            f"layer '{block.name}': {wrong.size} of {op.bias_q.size} biases are no multiples of {UNIT}, such as "
            f"{wrong.flat[0]}; a .net file holds multiples"
        )
    every = np.broadcast_to(_per_channel(block, "bias_q", op.bias_q) // UNIT, op.shape[:1])
    largest = int(np.abs(every).max())
    if largest > LARGEST_BIAS:
        raise FitError(
            f"layer '{block.name}': a bias of {largest} * {UNIT}; a .net file holds at most {LARGEST_BIAS} * {UNIT}"
        )
    return every


def _per_channel(block: Block, name: str, values: Int64Array) -> Int64Array:
    """One number as it is, else one for each channel `(channels,)`."""
    if values.ndim == 0:
        return values
    every: Int64Array = np.broadcast_to(values, block.neurons.shape).reshape(block.neurons.shape[0], -1)
    if (every != every[:, :1]).any():
        raise FitError(
            f"layer '{block.name}': {name} differs within a channel ({values.min()}..{values.max()}); a .net file "
            "holds one number for each channel"
        )
    return every[:, 0]
