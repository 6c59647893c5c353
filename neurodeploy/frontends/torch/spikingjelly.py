r"""Neurons and layers of SpikingJelly 2.0 in step mode 's'. Spikes are h >= v_threshold.

    IFNode               h[t] = v[t-1] + X[t]
    LIFNode              h[t] = v[t-1] + (X[t] - (v[t-1] - r)) / tau         decay_input=True
                         h[t] = v[t-1] - (v[t-1] - r) / tau + X[t]           decay_input=False
    ParametricLIFNode    the same with 1/tau = sigmoid(w)
    v[t] = h[t] - v_threshold s[t]   (v_reset=None, r = 0)   or   v_reset where it fired   (r = v_reset)

v[-1] is v_reset (0 for None). With w = v - v_reset all equations are those of a reset to 0, with the threshold
v_threshold - v_reset. The `Simple*` classes start at 0: w[-1] = -v_reset.
Source: `activation_based/neuron` and `_ops/*/reference.py` of the package.
"""

from __future__ import annotations

from typing import Any

from neurodeploy.frontends.torch import torch_nn
from neurodeploy.frontends.torch.site import Convert, Site
from neurodeploy.ir import LIF


def integrate(module: Any, site: Site) -> str:
    """IFNode: nothing decays."""
    return _neurons(module, site, 0.0, 1.0)


def leak(module: Any, site: Site) -> str:
    """LIFNode."""
    rate = 1.0 / float(module.tau)
    return _neurons(module, site, rate, rate if module.decay_input else 1.0)


def learned_leak(module: Any, site: Site) -> str:
    """ParametricLIFNode."""
    rate = float(module.w.detach().sigmoid())
    return _neurons(module, site, rate, rate if module.decay_input else 1.0)


def half_threshold(module: Any, site: Site) -> str:
    """HalfThresholdIFNode: an IFNode that starts at half its threshold and subtracts it."""
    threshold = float(module.v_threshold)
    return site.add(
        LIF(site.shape, 1.0, threshold, "subtract", "ge", initial=threshold / 2.0), site.current()
    )


def _neurons(module: Any, site: Site, rate: float, gain: float) -> str:
    threshold, decay = float(module.v_threshold), 1.0 - rate
    current = site.current(gain)
    if module.v_reset is None:
        return site.add(LIF(site.shape, decay, threshold, "subtract", "ge"), current)
    reset = float(module.v_reset)
    starts_at_zero = type(module).__name__.startswith("Simple")
    if reset != 0.0:
        site.note(
            f"potentials are counted from v_reset = {reset:g}: the threshold becomes {threshold - reset:g}"
        )
    initial = -reset if starts_at_zero else 0.0
    return site.add(LIF(site.shape, decay, threshold - reset, "zero", "ge", initial=initial), current)


LAYERS: dict[str, Convert] = {
    "IFNode": integrate,
    "SimpleIFNode": integrate,
    "HalfThresholdIFNode": half_threshold,
    "LIFNode": leak,
    "SimpleLIFNode": leak,
    "ParametricLIFNode": learned_leak,
    "Linear": torch_nn.dense,
    "Conv1d": torch_nn.conv,
    "Conv2d": torch_nn.conv,
    "BatchNorm1d": torch_nn.batch_norm,
    "BatchNorm2d": torch_nn.batch_norm,
    "AvgPool1d": torch_nn.average_pool,
    "AvgPool2d": torch_nn.average_pool,
    "MaxPool1d": torch_nn.max_pool,
    "MaxPool2d": torch_nn.max_pool,
    "AdaptiveAvgPool1d": torch_nn.adaptive_pool,
    "AdaptiveAvgPool2d": torch_nn.adaptive_pool,
    "Flatten": torch_nn.flatten,
    "Dropout": torch_nn.nothing,
    "Dropout2d": torch_nn.nothing,
}
