"""OTTT, rate and BPTT on any module by automatic differentiation, for comparison only.

The modules' own forward() runs; neurons, synapses and norms are replaced by hooks, so nothing here knows how
`neurodeploy.training` sees a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from neurodeploy.training import LIF, reset_states
from neurodeploy.training.modules import LearnedScale, Remember
from tests.training.reference import Spike, loss_of

PARAMETRIC = (nn.Linear, nn.Conv2d, LearnedScale)
Replacement = Callable[[str, nn.Module, torch.Tensor], torch.Tensor]


@contextmanager
def replaced(module: nn.Module, kinds: tuple[type[nn.Module], ...], by: Replacement) -> Iterator[None]:
    """Layers of these kinds give what `by(name, layer, input)` gives."""
    hooks = []
    reset_states(module)
    for name, layer in module.named_modules():
        if isinstance(layer, kinds):
            hooks.append(layer.register_forward_hook(lambda m, given, _, name=name: by(name, m, given[0])))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def taken(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters()}


class Neurons:
    """All neurons of a module: `cut` ends the graph at every step."""

    def __init__(self, detach: bool = True, cut: bool = False) -> None:
        self.v: dict[str, torch.Tensor] = {}
        self.detach, self.cut = detach, cut

    def __call__(self, name: str, lif: nn.Module, current: torch.Tensor) -> torch.Tensor:
        u = current + lif.decay * self.v.get(name, 0.0)
        s = Spike.apply(u, lif.threshold)
        r = s.detach() if self.detach else s
        v = u * (1 - r) if lif.reset_mode == "zero" else u - lif.threshold * r
        self.v[name] = v.detach() if self.cut else v
        return s


def keep_with_gradient(name: str, layer: nn.Module, f: torch.Tensor) -> torch.Tensor:
    """What is fed back belongs to the sequence that is differentiated."""
    layer.memory.value = f
    return f


def bptt(module, frames, y, detach=True, loss="step", eta=0.05):
    """Loss, outputs `(T, N, C)` and gradients of the whole sequence."""
    module.zero_grad()
    with replaced(module, (LIF,), Neurons(detach)), replaced(module, (Remember,), keep_with_gradient):
        outputs = [module(frame) for frame in frames]
    if loss == "step":
        total = sum(loss_of(o, y, len(frames), eta) for o in outputs)
    else:
        total = loss_of(torch.stack(outputs).mean(0), y, 1, eta)
    total.backward()
    return total.item(), torch.stack(outputs).detach(), taken(module)


def ottt(module, frames, y, decay, first_layer_trace=True, readout_trace=False, bias_trace=True, eta=0.05):
    """OTTT with one decay for all layers: the value of a layer is that of h, its derivative that of the trace."""
    module.zero_grad()
    parametric = [name for name, layer in module.named_modules() if isinstance(layer, PARAMETRIC)]
    ends_in_neurons = isinstance(list(module.children())[-1], LIF)
    traces: dict[str, torch.Tensor] = {}
    ones: dict[str, float] = {}

    def synapse(name: str, layer: nn.Module, h: torch.Tensor) -> torch.Tensor:
        readout = name == parametric[-1] and not ends_in_neurons
        traced = readout_trace if readout else (name != parametric[0] or first_layer_trace)
        traces[name] = (decay if traced else 0.0) * traces.get(name, 0.0) + h.detach()
        ones[name] = (decay if bias_trace and not readout else 0.0) * ones.get(name, 0.0) + 1
        bias = getattr(layer, "bias", None)
        shape = None if bias is None else (1, -1, *[1] * (h.ndim - 2))

        def plain(value: torch.Tensor) -> torch.Tensor:
            found = type(layer).forward(layer, value)
            return found if bias is None else found - bias.view(shape)

        through_w = plain(traces[name])
        with torch.no_grad():
            value = type(layer).forward(layer, h)
        through_h = Frozen.apply(h, lambda z: plain(z))
        total = value + through_w - through_w.detach() + through_h - through_h.detach()
        if bias is not None:
            through_b = (ones[name] * bias).view(shape)
            total = total + through_b - through_b.detach()
        return total

    neurons, total, outputs = Neurons(cut=True), 0.0, []
    with replaced(module, PARAMETRIC, synapse), replaced(module, (LIF,), neurons):
        for frame in frames:
            outputs.append(module(frame))
            loss = loss_of(outputs[-1], y, len(frames), eta)
            loss.backward()
            total += loss.item()
    return total, torch.stack(outputs).detach(), taken(module)


class Frozen(torch.autograd.Function):
    """f(h) with a gradient by h alone, none by f's parameters."""

    @staticmethod
    def forward(ctx, h, f):
        ctx.save_for_backward(h)
        ctx.f = f
        with torch.no_grad():
            return f(h)

    @staticmethod
    def backward(ctx, gradient):
        with torch.enable_grad():
            h = ctx.saved_tensors[0].detach().requires_grad_()
            (back,) = torch.autograd.grad(ctx.f(h), h, gradient)
        return back, None


def rate(module, frames, y, detach=True, joint=True, last_step=False, eta=0.0):
    """Rate-based gradients: kappa[t] = ds[t]/dc by autograd of each neuron alone, then one pass on rates."""
    module.zero_grad()
    r, e, statistics = spiking_pass(module, frames, detach, joint, last_step)

    def neuron(name: str, lif: nn.Module, c: torch.Tensor) -> torch.Tensor:
        return r[name] + e[name] * (c - c.detach())

    def norm(name: str, layer: nn.Module, c: torch.Tensor) -> torch.Tensor:
        axes = [a for a in range(c.ndim) if a != 1]
        mean_value, inverse_var = statistics[name]
        mean = c.mean(axes, keepdim=True)
        mean = mean_value + mean - mean.detach()
        var = ((c - mean) ** 2).mean(axes, keepdim=True)
        var = 1 / inverse_var + var - var.detach()
        shape = (1, -1, *[1] * (c.ndim - 2))
        return layer.weight.view(shape) * (c - mean) / var.sqrt() + layer.bias.view(shape)

    x = frames[-1] if last_step else frames.mean(0)
    with replaced(module, (LIF,), neuron), replaced(module, (nn.BatchNorm1d, nn.BatchNorm2d), norm):
        output = module(x)
    loss = loss_of(output, y, 1, eta)
    loss.backward()
    return loss.item(), output.detach(), taken(module)


def spiking_pass(module, frames, detach, joint, last_step):
    """Mean spikes, mean eligibility by neuron, statistics by norm; layer by layer over all steps at once."""
    steps = len(frames)
    r, e, statistics = {}, {}, {}

    def norm(name: str, layer: nn.Module, c: torch.Tensor) -> torch.Tensor:
        split = c.unflatten(0, (steps, -1))
        axes = [a for a in range(split.ndim) if a != 2]
        if not joint:
            axes.remove(0)
        mean = split.mean(axes, keepdim=True)
        inverse = 1 / (split.var(axes, correction=0, keepdim=True) + layer.eps)
        statistics[name] = (mean.mean(0), inverse.mean(0))
        if last_step and not joint:
            statistics[name] = (mean[-1], 1 / (1 / inverse[-1] + layer.eps))
        shape = (1, 1, -1, *[1] * (split.ndim - 3))
        y = layer.weight.view(shape) * (split - mean) * inverse.sqrt() + layer.bias.view(shape)
        return y.flatten(0, 1)

    def neuron(name: str, lif: nn.Module, current: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            c = torch.zeros(current.shape[0] // steps, *current.shape[1:], dtype=current.dtype)
            c.requires_grad_()
            alone, spikes, kappa = Neurons(detach), [], []
            for t, part in enumerate(current.detach().unflatten(0, (steps, -1))):
                spikes.append(alone(name, lif, part + c))
                kappa.append(torch.autograd.grad(spikes[t].sum(), c, retain_graph=True)[0])
        r[name] = torch.stack(spikes).mean(0).detach()
        e[name] = torch.stack(kappa).mean(0)
        return torch.cat(spikes).detach()

    with (
        torch.no_grad(),
        replaced(module, (LIF,), neuron),
        replaced(module, (nn.BatchNorm1d, nn.BatchNorm2d), norm),
    ):
        module(frames.flatten(0, 1))
    return r, e, statistics
