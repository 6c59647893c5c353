r"""Neurons of Norse 1.1.0, single steps. Spikes are v > v_th, strictly, with a = dt tau_mem_inv, b = dt tau_syn_inv.

    IAFCell   v[t] = v[t-1] + x[t]
    LIFBoxCell, LIBoxCell   v[t] = v[t-1] + a (v_leak - v[t-1] + x[t])
    LIFCell, LICell   i[t] = (1 - b) i[t-1] + x[t],   v[t] = v[t-1] + a (v_leak - v[t-1] + i[t])
    LIFRecurrentCell  x[t] = W_in x + W_rec z[t-1];   LILinearCell  x[t] = W x
    then v = v_reset where it fired; LIFBoxCell has reset_subtract too: v - v_th.      LI cells never fire.

v[-1] = v_leak (IAFCell: v_reset). With w = v - v_reset this is a neuron that resets to 0, with the threshold
v_th - v_reset, the bias a (v_leak - v_reset) and w[-1] = v_leak - v_reset. Inputs are multiplied by a.
Source: `torch/functional/{iaf,lif_box,lif,leaky_integrator,leaky_integrator_box}.py` of the package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.site import Array, Convert, Site
from neurodeploy.frontends.torch.torch_nn import weights
from neurodeploy.ir import LIF, Delay, Dense, Readout


def integrate(module: Any, site: Site) -> str:
    """IAFCell."""
    reset = site.parameter(module.p.v_reset)
    threshold = site.parameter(module.p.v_th) - reset
    return site.add(LIF(site.shape, 1.0, threshold, "zero", "gt"), site.current())


def lif_box(module: Any, site: Site) -> str:
    """LIFBoxCell, with either reset."""
    rate, parameters = _rate(module, module.p.tau_mem_inv, site), module.p
    name = parameters.reset_method.__name__
    if name not in ("reset_value", "reset_subtract"):
        raise UnsupportedError(f"reset_method must be reset_value or reset_subtract, not {name}")
    return site.add(_spiking(module, site, rate, subtract=name == "reset_subtract"), site.current(rate))


def lif(module: Any, site: Site) -> str:
    """LIFCell."""
    rate = _rate(module, module.p.tau_mem_inv, site)
    return site.add(_spiking(module, site, rate, _current_decay(module, site)), site.current(rate))


def lif_recurrent(module: Any, site: Site) -> str:
    """LIFRecurrentCell."""
    driven = _synapses(module.input_weights, site)
    rate = _rate(module, module.p.tau_mem_inv, driven)
    delay = site.builder.add(site.part("delay"), Delay(driven.shape, 1, "spike"), site.name)
    looped = _synapses(module.recurrent_weights, Site(site.builder, site.name, delay), "recurrent")
    neurons = _spiking(module, driven, rate, _current_decay(module, driven))
    return site.add(neurons, driven.current(rate), looped.current(rate))


def li_box(module: Any, site: Site) -> str:
    """LIBoxCell: a readout."""
    rate = _rate(module, module.p.tau_mem_inv, site)
    return _readout(module, site, rate, NO_MEMORY)


def li(module: Any, site: Site) -> str:
    """LICell: a readout that keeps its current."""
    return _readout(module, site, _rate(module, module.p.tau_mem_inv, site), _current_decay(module, site))


def li_linear(module: Any, site: Site) -> str:
    """LILinearCell: synapses and a readout."""
    return li(module, _synapses(module.input_weights, site))


NO_MEMORY = np.zeros(())

LAYERS: dict[str, Convert] = {
    "IAFCell": integrate,
    "LIFBoxCell": lif_box,
    "LIFCell": lif,
    "LIFRecurrentCell": lif_recurrent,
    "LIBoxCell": li_box,
    "LICell": li,
    "LILinearCell": li_linear,
}
REFUSED = {
    kind: f"which takes whole sequences; use {kind}Cell"
    for kind in ("IAF", "LIF", "LIFRecurrent", "LI", "LIFAdEx", "LSNN")
} | {"Lift": "which takes whole sequences; leave it out"}


def _rate(module: Any, inverse: Any, site: Site) -> Array:
    """dt / tau, in the numbers that the module multiplies with."""
    return site.parameter(module.dt * inverse)


def _current_decay(module: Any, site: Site) -> Array:
    return 1.0 - _rate(module, module.p.tau_syn_inv, site)


def _spiking(
    module: Any, site: Site, rate: Array, current_decay: Array = NO_MEMORY, subtract: bool = False
) -> LIF:
    leak, threshold, reset = (site.parameter(p) for p in (module.p.v_leak, module.p.v_th, module.p.v_reset))
    base = np.zeros(()) if subtract else reset
    if base.any():
        site.note("potentials are counted from v_reset")
    return LIF(
        site.shape,
        1.0 - rate,
        threshold - base,
        "subtract" if subtract else "zero",
        "gt",
        current_decay=current_decay,
        bias=rate * (leak - base),
        initial=leak - base,
    )


def _readout(module: Any, site: Site, rate: Array, current_decay: Array) -> str:
    if site.parameter(module.p.v_leak).any():
        raise UnsupportedError("a readout starts at 0; its v_leak must be 0")
    return site.add(Readout(site.shape, 1.0 - rate, current_decay), site.current(rate))


def _synapses(weight: Any, site: Site, part: str = "weights") -> Site:
    """The layer behind synapses that it holds itself."""
    held = weights(weight)
    source = site.add(Dense(held, np.zeros(len(held), np.float32)), part=part)
    return Site(site.builder, site.name, source)
