"""OTTT and BPTT by automatic differentiation, written from their definitions, for comparison only."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from neurodeploy.models import MLP, build


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, threshold):
        ctx.save_for_backward(u)
        ctx.threshold = threshold
        return (u >= threshold).to(u.dtype)

    @staticmethod
    def backward(ctx, grad):
        p = torch.sigmoid(4 * (ctx.saved_tensors[0] - ctx.threshold))
        return grad * 4 * p * (1 - p), None


def make(notation: str, seed: int = 0, dtype: torch.dtype = torch.float64) -> MLP:
    """A network whose first weights are large enough that every layer spikes."""
    model = build(notation, seed).to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.5)
    return model


def layers_of(model: MLP):
    names = dict(model.named_children())
    return [(names[n], names.get(n.replace("fc", "lif"))) for n in names if n.startswith("fc")]


def loss_of(o, y, steps, eta):
    target = one_hot(y, o.shape[1]).to(o.dtype)
    return ((1 - eta) * cross_entropy(o, y) + eta * mse_loss(o, target)) / steps


def bptt(model: MLP, frames, y, eta=0.05):
    """Back-propagation through time: reset detached, loss at every step. frames (T, N, ...)."""
    model.zero_grad()
    layers, steps = layers_of(model), len(frames)
    v, total, outputs = [None] * len(layers), 0.0, []
    for frame in frames:
        h = frame.flatten(1)
        for i, (linear, lif) in enumerate(layers):
            h = linear(h)
            if lif:
                u = h if v[i] is None else lif.decay * v[i] + h
                h = Spike.apply(u, lif.threshold)
                v[i] = u - lif.threshold * h.detach()
        outputs.append(h.detach())
        total = total + loss_of(h, y, steps, eta)
    total.backward()
    return total.item(), torch.stack(outputs), {n: p.grad.clone() for n, p in model.named_parameters()}


def ottt(model: MLP, frames, y, first_layer_trace, readout_trace, bias_trace, eta=0.05):
    """OTTT: a graph for each step; the value of a layer is W h + b, its derivative by W is the trace's."""
    model.zero_grad()
    layers, steps = layers_of(model), len(frames)
    v, a, ones = [0.0] * len(layers), [0.0] * len(layers), [0.0] * len(layers)
    total, outputs = 0.0, []
    for frame in frames:
        h = frame.flatten(1)
        for i, (linear, lif) in enumerate(layers):
            neuron = lif or layers[i - 1][1]
            decay = neuron.decay if neuron else 0.0
            traced = readout_trace if lif is None else (i > 0 or first_layer_trace)
            a[i] = (decay if traced else 0.0) * a[i] + h.detach()
            ones[i] = (decay if bias_trace and lif else 0.0) * ones[i] + 1
            value = linear(h.detach()).detach()
            through_h = (h - h.detach()) @ linear.weight.detach().t()
            through_w = a[i] @ linear.weight.t()
            through_b = ones[i] * linear.bias
            h = value + through_h + through_w - through_w.detach() + through_b - through_b.detach()
            if lif:
                u = lif.decay * v[i] + h
                h = Spike.apply(u, lif.threshold)
                v[i] = (u - lif.threshold * h).detach()
        outputs.append(h.detach())
        loss = loss_of(h, y, steps, eta)
        loss.backward()
        total += loss.item()
    return total, torch.stack(outputs), {n: p.grad.clone() for n, p in model.named_parameters()}


def cosine(a, b) -> float:
    """Cosine of two sets of tensors with the same names."""
    x = torch.cat([a[n].flatten() for n in a])
    y = torch.cat([b[n].flatten() for n in a])
    return float(x @ y / x.norm() / y.norm())
