"""The layers of `neurodeploy.training`."""

from __future__ import annotations

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch import torch_nn
from neurodeploy.frontends.torch.feedback import recall, remember
from neurodeploy.frontends.torch.site import Convert, Site
from neurodeploy.ir import LIF, Scale
from neurodeploy.training import modules, neurons
from neurodeploy.training.event import modules as event


def lif(module: neurons.LIF, site: Site) -> str:
    """u[t] = decay v[t-1] + I[t]: the graph's own neuron."""
    op = LIF(site.shape, float(module.decay), float(module.threshold), module.reset_mode, module.compare)
    return site.add(op, site.current())


def spike_response(module: event.SpikeResponse, site: Site) -> str:
    """A current-based neuron that forgets current and potential at a spike; I is divided by tau_s."""
    tau_m, tau_s = module.dynamics.tau_m, module.dynamics.tau_s
    op = LIF(
        site.shape,
        1.0 - 1.0 / tau_m,
        float(module.dynamics.threshold),
        "zero",
        module.compare,
        current_decay=1.0 - 1.0 / tau_s,
        clear_current=True,
    )
    return site.add(op, site.current(1.0 / tau_s))


def scale(module: modules.Scale, site: Site) -> str:
    """y = factor x."""
    return site.add(Scale(float(module.factor)))


def learned_scale(module: modules.LearnedScale, site: Site) -> str:
    """y = factor gain x."""
    return site.add(Scale(float(module.gain.detach()) * float(module.factor)))


def normalize(module: modules.Normalize, site: Site) -> str:
    """y = (x - mean) / std for each channel; images without an axis of channels have one channel."""
    if len(site.shape) < 3 and module.mean.numel() != 1:
        raise UnsupportedError(
            f"{module.mean.numel()} channels do not belong to an input of shape {site.shape}"
        )
    mean, std = site.parameter(module.mean), site.parameter(module.std)
    return site.add(Scale(1.0 / std, -mean / std))


LAYERS: dict[str, Convert] = {
    "LIF": lif,
    "SpikeResponse": spike_response,
    "Scale": scale,
    "LearnedScale": learned_scale,
    "NeuronDropout": torch_nn.nothing,
    "Normalize": normalize,
    "Remember": remember,
    "Recall": recall,
}
CONTAINERS = frozenset({"Residual"})


def plain_layer(module: torch.nn.Module) -> torch.nn.Module | None:
    """A Linear or Conv2d with the weight that `module` computes from others; None for any other module."""
    if isinstance(module, modules.ScaledWSConv2d):
        return _plain_conv(module, module.effective_weight())
    if isinstance(module, event.StandardizedConv2d):
        return _plain_conv(module, event.effective_weight(module))
    if isinstance(module, event.StandardizedLinear):
        plain = torch.nn.Linear(module.in_features, module.out_features, bias=False)
        return _with_weight(plain, event.effective_weight(module))
    return None


def _plain_conv(module: torch.nn.Conv2d, weight: torch.Tensor) -> torch.nn.Module:
    plain = torch.nn.Conv2d(
        module.in_channels,
        module.out_channels,
        module.kernel_size,  # type: ignore[arg-type]
        module.stride,  # type: ignore[arg-type]
        module.padding,  # type: ignore[arg-type]
        module.dilation,  # type: ignore[arg-type]
        module.groups,
        module.bias is not None,
        module.padding_mode,
    )
    if module.bias is not None and plain.bias is not None:
        plain.bias.copy_(module.bias)
    return _with_weight(plain, weight)


def _with_weight(plain: torch.nn.Linear | torch.nn.Conv2d, weight: torch.Tensor) -> torch.nn.Module:
    plain.weight.copy_(weight)
    return plain.eval()
