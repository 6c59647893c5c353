r"""Neurons of snnTorch 1.0.0. Spikes are mem > threshold, strictly; mem is what it is before the reset.

    reset[t] = mem[t-1] > threshold                 reset_delay=True: a reset acts one step later
    Leaky     mem[t] = beta mem[t-1] + I[t] - reset[t] threshold      'subtract'
    Synaptic  syn[t] = alpha syn[t-1] + I[t],   mem[t] = beta mem[t-1] + syn[t] - reset[t] threshold
    Lapicque  mem[t] = (1 - dt/RC) mem[t-1] + I[t] dt/C - reset[t] threshold
    RLeaky, RSynaptic: I[t] + recurrent(spk[t-1]) in the place of I[t]

1. 'subtract' acts after the decay: reset_by = threshold / beta. Where beta is 0, the threshold is subtracted through
   a synapse from the spike of the step before; so it is given back where 'none' takes nothing away.
2. 'zero' of Leaky clears mem before the decay: an ordinary reset to 0. 'zero' of the others clears mem after the
   input of the next step, which is lost: neurons that rest for one step.
3. reset_delay=False resets at once; 'subtract' then subtracts once more in the next step where mem is still above the
   threshold, which no neuron of the graph does.

Source: `_neurons/*.py` of the package.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.site import Array, Convert, Site
from neurodeploy.frontends.torch.torch_nn import conv, dense
from neurodeploy.ir import LIF, Delay, Readout, Scale

NO_MEMORY = np.zeros(())
MEMBRANE = {"Leaky": 1, "Lapicque": 1, "RLeaky": 1, "Synaptic": 2, "RSynaptic": 2}
"""Which of the returned values is the membrane potential; the first is the spikes."""


def leaky(module: Any, site: Site) -> str:
    """First order, without memory of the current."""
    return _neurons(module, site, site.current(), _clamped(module.beta, site))


def synaptic(module: Any, site: Site) -> str:
    """Second order: the synaptic current decays with alpha."""
    return _neurons(module, site, site.current(), _clamped(module.beta, site), _clamped(module.alpha, site))


def lapicque(module: Any, site: Site) -> str:
    """Leaky with decay 1 - dt/RC and input times dt/C."""
    resistance, capacity, dt = (site.parameter(p) for p in (module.R, module.C, module.time_step))
    gain = resistance * (1 / (resistance * capacity)) * dt
    return _neurons(module, site, site.current(gain), 1 - dt / (resistance * capacity))


LAYERS: dict[str, Convert] = {
    "Leaky": leaky,
    "Lapicque": lapicque,
    "RLeaky": leaky,
    "Synaptic": synaptic,
    "RSynaptic": synaptic,
}
REFUSED = {
    "Alpha": "whose membrane potential is a difference of two currents; use Synaptic",
    "LeakyParallel": "which takes whole sequences; use Leaky",
    "SLSTM": "whose gates multiply states, which no spiking neuron of a chip does; use Synaptic or RSynaptic",
    "SConv2dLSTM": "whose gates multiply states, which no spiking neuron of a chip does; use RLeaky or RSynaptic",
}


def _clamped(decay: Any, site: Site) -> Array:
    return np.clip(site.parameter(decay), 0.0, 1.0)


def _neurons(module: Any, site: Site, current: str, decay: Array, current_decay: Array = NO_MEMORY) -> str:
    """Neurons with their reset, their recurrent synapses and their graded spikes."""
    _refuse_options(module)
    if site.reads_membrane:
        return _readout(module, site, current, decay, current_decay)
    threshold = site.parameter(module.threshold)
    made = _zeroed if module.reset_mechanism == "zero" else _subtracted
    settings, missing = made(module, site, decay, threshold)
    if missing.any() and current_decay.any():
        raise UnsupportedError(
            "spikes of neurons that keep a synaptic current cannot be expressed where they never reset ('none'), or "
            "subtract with a beta of 0; use another reset_mechanism or beta"
        )
    neurons = LIF(site.shape, decay, threshold, compare="gt", current_decay=current_decay, **settings)
    spikes = site.add(neurons, current, *_loops(module, site, missing))
    graded = site.parameter(module.graded_spikes_factor)
    return spikes if (graded == 1.0).all() else site.add(Scale(graded), spikes, part="graded")


def _refuse_options(module: Any) -> None:
    kind = type(module).__name__
    if module.inhibition:
        raise UnsupportedError("inhibition=True lets the largest neuron of a layer fire alone; leave it out")
    if module.state_quant:
        raise UnsupportedError(
            "state_quant rounds the states; leave it out, compiling rounds them as the chip does"
        )
    if kind == "RSynaptic" and not module.reset_delay:
        raise UnsupportedError(
            "RSynaptic(reset_delay=False) does not work in snnTorch 1.0.0; use reset_delay=True"
        )


def _readout(module: Any, site: Site, current: str, decay: Array, current_decay: Array) -> str:
    """Neurons of which the membrane potential is used, not the spikes."""
    if module.reset_mechanism != "none" or hasattr(module, "recurrent"):
        raise UnsupportedError(
            "its membrane potential is used, which there is of neurons alone that never reset and have no recurrent "
            "synapses; use its spikes, or reset_mechanism='none'"
        )
    return site.add(Readout(site.shape, decay, current_decay), current)


def _zeroed(module: Any, site: Site, decay: Array, threshold: Array) -> tuple[dict[str, Any], Array]:
    """Rules 2 and 3."""
    loses_a_step = type(module).__name__ != "Leaky" and getattr(module, "reset_delay", True)
    return {"reset": "zero", "refractory": int(loses_a_step)}, np.zeros(())


def _subtracted(module: Any, site: Site, decay: Array, threshold: Array) -> tuple[dict[str, Any], Array]:
    """Rules 1 and 3: the settings, and what a spike adds to the current of its neuron one step later."""
    resets = module.reset_mechanism == "subtract"
    if resets and not getattr(module, "reset_delay", True):
        site.suspect(
            "reset_delay=False is taken as one subtraction a spike; after it, mem must not be above the threshold"
        )
        return {"reset": "subtract"}, np.zeros(())
    keeps = decay > 0.0
    late = np.where(keeps, threshold / np.where(keeps, decay, 1.0), threshold)
    missing = np.where(keeps, 0.0, -threshold) if resets else np.where(keeps, threshold, 0.0)
    return {"reset": "subtract", "reset_by": late}, missing


def _loops(module: Any, site: Site, missing: npt.NDArray[Any]) -> list[str]:
    """Currents that the spikes of the step before make: recurrent synapses, and `missing` of the neuron itself."""
    recurrent = getattr(module, "recurrent", None)
    if recurrent is None and not missing.any():
        return []
    delay = site.builder.add(site.part("delay"), Delay(site.shape, 1, "spike"), site.name)
    currents = []
    if recurrent is not None:
        currents.append(_recurrent(recurrent, Site(site.builder, site.part("recurrent"), delay)))
    if missing.any():
        currents.append(site.add(site.builder.one_to_one(delay, missing), delay, part="reset"))
    return currents


def _recurrent(module: Any, site: Site) -> str:
    """All-to-all or convolutional synapses, or one weight V for each neuron."""
    if hasattr(module, "V"):
        return site.add(site.builder.one_to_one(site.source, site.parameter(module.V)))
    return (dense if hasattr(module, "in_features") else conv)(module, site)
