"""Neurons of NIR as operations of the float graph.

The graph's neuron has no gain, so its potential is (v - v_rest) / g with v_rest the value of the reset: weights stay as
they are, and a gain g of what comes in becomes one of the threshold.
"""

from __future__ import annotations

import numpy as np

from neurodeploy.frontends.nir.config import Settings
from neurodeploy.frontends.nir.discretization import Array, Dynamics, discretize, parameter, span
from neurodeploy.frontends.nir.node import Node
from neurodeploy.ir import LIF, Readout, Shape

MANY = 1 << 16
"""Most spikes of a step where there is no limit; rockpool's own."""


def spiking_neurons(node: Node, shape: Shape, said: Settings, recurrent: bool) -> LIF:
    """The neurons of an IF, LIF or CubaLIF node with incoming currents of `shape`; `recurrent` if it is in a cycle."""
    dynamics = discretize(node, shape, said)
    threshold, rest = parameter(node, "v_threshold", shape), _rest(node, shape, said)
    starts = {"zero": np.zeros(()), "leak": dynamics.leak_to, "reset": _v_reset(node, shape)}
    start = starts[said.find("initial") or "zero"]
    if not (threshold > rest).all():
        raise node.refuse(f"v_threshold {span(threshold)} must be above the reset value {span(rest)}")
    subtracts = said.find("reset") == "subtract"
    timing = _timing(node, said, recurrent)
    return LIF(
        shape,
        dynamics.decay,
        (threshold - rest) / dynamics.gain,
        "subtract" if subtracts else "zero",
        said.find("comparison"),
        current_decay=dynamics.current_decay,
        bias=(1.0 - dynamics.decay) * (dynamics.leak_to - rest) / dynamics.gain,
        initial=(start - rest) / dynamics.gain,
        reset_by=_late(node, threshold, dynamics) if subtracts and timing == "next" else None,
        v_min=_clamp(threshold, rest, dynamics, said),
        max_spikes=_most_spikes(node, said),
        refractory=int(not subtracts and timing == "next"),
    )


def silent_neurons(node: Node, shape: Shape, said: Settings) -> tuple[Readout, Array]:
    """The neurons of an I, LI or CubaLI node, and the gain of what comes in: their potential is NIR's own."""
    dynamics = discretize(node, shape, said)
    if said.find("initial") == "leak" and dynamics.leak_to.any():
        raise node.refuse("a readout starts at 0, not at v_leak; say --set nir.initial=zero if it may")
    bias = (1.0 - dynamics.decay) * dynamics.leak_to
    return Readout(shape, dynamics.decay, dynamics.current_decay, bias), dynamics.gain


def threshold_neurons(node: Node, shape: Shape, said: Settings) -> LIF:
    """The neurons without memory of a Threshold node."""
    threshold = parameter(node, "threshold", shape)
    if not (threshold > 0.0).all():
        raise node.refuse(f"threshold must be positive, not {span(threshold)}")
    return LIF(shape, 0.0, threshold, "zero", said.find("comparison"))


def _rest(node: Node, shape: Shape, said: Settings) -> Array:
    reset = _v_reset(node, shape)
    if said.find("reset") == "zero":
        return reset
    if reset.any():
        raise node.refuse(
            f"v_reset is {span(reset)}, which a reset by subtraction does not use; say --set nir.reset=zero"
        )
    return np.zeros(())


def _v_reset(node: Node, shape: Shape) -> Array:
    return parameter(node, "v_reset", shape) if "v_reset" in node else np.zeros(())


def _timing(node: Node, said: Settings, recurrent: bool) -> str:
    timing = said.find("reset_timing") or "same"
    if timing != "snntorch":
        return str(timing)
    leaky = node.kind in ("LIF", "IF") and not recurrent
    return "same" if leaky and said.find("reset") == "zero" else "next"


def _late(node: Node, threshold: Array, dynamics: Dynamics) -> Array:
    """What to take away now, so that after the next decay the threshold is gone."""
    if not dynamics.decay.all():
        raise node.refuse(
            "keeps nothing from step to step (decay 0), so a reset in the next step has nothing to act on"
        )
    late: Array = threshold / dynamics.decay / dynamics.gain
    return late


def _clamp(threshold: Array, rest: Array, dynamics: Dynamics, said: Settings) -> Array | None:
    clamp = said.find("clamp")
    return None if clamp == "none" else np.asarray((clamp * threshold - rest) / dynamics.gain)


def _most_spikes(node: Node, said: Settings) -> int:
    spikes = said.find("spikes") or "one"
    most = int({"one": 1, "many": MANY}.get(spikes, spikes))
    if most > 1 and said.find("reset") == "zero":
        if said.origin("spikes") == "--set nir.spikes":
            raise node.refuse("several spikes a step need --set nir.reset=subtract")
        return 1
    return most
