"""A network as a plain chain of synapses and neurons, and its forward pass over time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.neurons import LIF


@dataclass(frozen=True, slots=True)
class Layer:
    """Synapses and the neurons they feed: I[t] = W h[t] + b, then `neuron` unless this is a linear readout.

    `name` is that of the Linear (its parameters are `name.weight`, `name.bias`), `neuron_name` the LIF's.
    Shapes: weight `(out, in)`, bias `(out,)` or None.
    """

    name: str
    weight: torch.Tensor
    bias: torch.Tensor | None
    neuron: LIF | None = None
    neuron_name: str = ""

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """Synaptic current `(batch, out)` of input h `(batch, in)`."""
        return torch.nn.functional.linear(h, self.weight, self.bias)


def chain_of(module: torch.nn.Module) -> tuple[Layer, ...]:
    """The layers of a Sequential: [Flatten], Linear, LIF, Linear, ... with or without a last LIF.

    The tensors are the module's own parameters. Raises `UnsupportedError` naming the first other layer.
    """
    if not isinstance(module, torch.nn.Sequential):
        raise UnsupportedError(f"cannot train a {type(module).__name__}; only torch.nn.Sequential chains")
    layers: list[Layer] = []
    for i, (name, child) in enumerate(module.named_children()):
        if isinstance(child, torch.nn.Linear) and (not layers or layers[-1].neuron):
            layers.append(Layer(name, child.weight, child.bias))
        elif isinstance(child, LIF) and layers and not layers[-1].neuron:
            last = layers[-1]
            layers[-1] = Layer(last.name, last.weight, last.bias, child, name)
        elif not (isinstance(child, torch.nn.Flatten) and i == 0):
            raise UnsupportedError(
                f"layer {name!r} ({type(child).__name__}) does not fit here; a trainable chain is "
                "[Flatten,] Linear, LIF, Linear, LIF ... [Linear]"
            )
    if not layers:
        raise UnsupportedError("the network has no Linear layer, so there is nothing to train")
    return tuple(layers)


class Forward:
    """A batch on its way through a chain, one time step after the other; holds nothing of earlier steps.

    x: static `(batch, *shape)`, the same at every step, or with `time_axis` `(T, batch, *shape)`. After
    `step(t)`: `inputs[l]` is h `(batch, in)` of layer l, `potentials[l]` its u `(batch, out)` (None for a
    linear readout) and `output` the last layer's spikes or currents.

    The first layer's current of a static x is computed once; `weights_changed()` has it computed again.
    """

    def __init__(self, layers: tuple[Layer, ...], x: torch.Tensor, time_axis: bool) -> None:
        self.layers = layers
        self.x = x.flatten(2) if time_axis else x.flatten(1)
        self.time_axis = time_axis
        self.inputs: list[torch.Tensor] = []
        self.potentials: list[torch.Tensor | None] = []
        self.output = torch.empty(0)
        self._kept: list[torch.Tensor | None] = [None] * len(layers)
        self._first_current: torch.Tensor | None = None

    def weights_changed(self) -> None:
        """Forget what was computed from the weights; membrane potentials stay."""
        self._first_current = None

    def step(self, t: int) -> None:
        """Run time step t (0-based); steps are run in order, once each."""
        h = self.x[t] if self.time_axis else self.x
        self.inputs, self.potentials = [], []
        for i, layer in enumerate(self.layers):
            self.inputs.append(h)
            current = self._first(h) if i == 0 else layer.current(h)
            h = self._fire(i, layer.neuron, current) if layer.neuron else current
            if not layer.neuron:
                self.potentials.append(None)
        self.output = h

    def _first(self, h: torch.Tensor) -> torch.Tensor:
        if self.time_axis:
            return self.layers[0].current(h)
        if self._first_current is None:
            self._first_current = self.layers[0].current(h)
        return self._first_current

    def _fire(self, i: int, neuron: LIF, current: torch.Tensor) -> torch.Tensor:
        kept = self._kept[i]
        u = current if kept is None else torch.add(current, kept, alpha=neuron.decay)
        s = (u >= neuron.threshold).to(u.dtype)
        self.potentials.append(u)
        self._kept[i] = neuron.after_spike(u, s)
        return s

    def spikes(self) -> dict[str, torch.Tensor]:
        """Spikes `(batch, out)` of this step by the name of their LIF layer."""
        after = [*self.inputs[1:], self.output]
        return {layer.neuron_name: s for layer, s in zip(self.layers, after, strict=True) if layer.neuron}
