"""Adam and SGD on named tensors, with their state as named tensors, so that a run resumes bit for bit."""

from __future__ import annotations

from math import sqrt
from typing import Protocol

import torch

from neurodeploy.errors import InputError

Tensors = dict[str, torch.Tensor]
Decays = dict[str, float]
"""Weight decay by parameter name."""


class Optimizer(Protocol):
    """Changes parameters in place; `state` holds all it remembers, by name."""

    state: Tensors

    def update(self, parameters: Tensors, gradients: Tensors, learning_rate: float) -> None:
        """One step along the gradients."""


def decays_of(parameters: Tensors, weight_decay: float | Decays) -> Decays:
    """A decay for every parameter: the number for all, or those given."""
    return weight_decay if isinstance(weight_decay, dict) else dict.fromkeys(parameters, weight_decay)


def weights_alone(parameters: Tensors, weight_decay: float) -> Decays:
    """`weight_decay` for weights of synapses, which have two axes or more and more than one number an output.

    None for biases, gains and batch norms.
    """
    return {name: weight_decay if p.ndim > 1 and p[0].numel() > 1 else 0.0 for name, p in parameters.items()}


class SGD:
    """Stochastic gradient descent with momentum.

    g = grad + weight_decay * w;   m = momentum * m + g;   w -= learning_rate * m
    """

    def __init__(self, parameters: Tensors, momentum: float, weight_decay: float | Decays) -> None:
        self.momentum, self.decays = momentum, decays_of(parameters, weight_decay)
        self.state = {f"{name}/momentum": torch.zeros_like(w) for name, w in parameters.items()}

    def update(self, parameters: Tensors, gradients: Tensors, learning_rate: float) -> None:
        """One step along the gradients."""
        for name, w in parameters.items():
            g = torch.add(gradients[name], w, alpha=self.decays[name])
            w.sub_(self.state[f"{name}/momentum"].mul_(self.momentum).add_(g), alpha=learning_rate)


class Adam:
    """Adam (Kingma, Ba, ICLR 2015, algorithm 1), weight decay added to the gradient, or decoupled from it.

    g = grad + weight_decay * w;   m += (1 - b1) (g - m);   v += (1 - b2) (g^2 - v)
    w -= learning_rate * (m / (1 - b1^n)) / (sqrt(v / (1 - b2^n)) + eps)      n = 1, 2, ...

    `decoupled` is AdamW (Loshchilov, Hutter, ICLR 2019): g = grad, and first w -= learning_rate * weight_decay * w.
    """

    B1, B2, EPS = 0.9, 0.999, 1e-8

    def __init__(self, parameters: Tensors, weight_decay: float | Decays, decoupled: bool = False) -> None:
        self.decays, self.decoupled = decays_of(parameters, weight_decay), decoupled
        self.state = {"updates": torch.zeros(1, dtype=torch.int64)}
        self._spare = torch.empty(0)
        for name, w in parameters.items():
            self.state[f"{name}/mean"] = torch.zeros_like(w)
            self.state[f"{name}/square"] = torch.zeros_like(w)

    def update(self, parameters: Tensors, gradients: Tensors, learning_rate: float) -> None:
        """One step along the gradients."""
        self.state["updates"] += 1
        n = int(self.state["updates"])
        rate, scale = learning_rate / (1 - self.B1**n), 1 / sqrt(1 - self.B2**n)
        for name, w in parameters.items():
            g, decay = gradients[name], self.decays[name]
            if self.decoupled:
                w.mul_(1 - learning_rate * decay)
            elif decay:
                g = torch.add(g, w, alpha=decay)
            mean = self.state[f"{name}/mean"].lerp_(g, 1 - self.B1)
            square = self.state[f"{name}/square"].mul_(self.B2).addcmul_(g, g, value=1 - self.B2)
            root = torch.sqrt(square, out=self._room(square)).add_(self.EPS / scale)
            w.addcdiv_(mean, root, value=-rate / scale)

    def _room(self, like: torch.Tensor) -> torch.Tensor:
        """Room for a tensor of this shape, the same memory at every update: new pages cost more than a root."""
        if self._spare.numel() < like.numel() or (self._spare.dtype, self._spare.device) != (
            like.dtype,
            like.device,
        ):
            self._spare = torch.empty(like.numel(), dtype=like.dtype, device=like.device)
        return self._spare[: like.numel()].view_as(like)


def make_optimizer(
    kind: str, parameters: Tensors, momentum: float, weight_decay: float | Decays
) -> Optimizer:
    """The optimizer 'adam', 'adamw' or 'sgd' for these parameters, with nothing remembered yet."""
    if kind == "sgd":
        return SGD(parameters, momentum, weight_decay)
    return Adam(parameters, weight_decay, decoupled=kind == "adamw")


def restore(optimizer: Optimizer, state: Tensors) -> None:
    """Put a saved state back; `InputError` where it is another optimizer's or another network's."""
    if {k: (v.shape, v.dtype) for k, v in state.items()} != {
        k: (v.shape, v.dtype) for k, v in optimizer.state.items()
    }:
        raise InputError(
            "optimizer.safetensors belongs to another network or optimizer. Train without --resume"
        )
    for name, tensor in state.items():
        optimizer.state[name] = tensor.to(optimizer.state[name].device)
