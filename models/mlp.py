"""Fully connected spiking networks."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.neurons import LIF, reset_states

_EXAMPLE = "mlp:784-256-10 or mlp:64-128-10,readout=spiking,decay=0.5,threshold=1.0"
_MAX_SIZE = 1 << 20
_MAX_THRESHOLD = 1e30


@dataclass(frozen=True, slots=True)
class MLPSpec:
    """What a notation such as `64-128-10,readout=spiking,decay=0.5` says; `str()` writes it again.

    `sizes` are the neurons of each layer, inputs first. `readout` 'linear': the output o[t] is the current
    of the last layer; 'spiking': its spikes. `decay` in [0, 1] per step and `threshold` hold for every LIF.
    """

    sizes: tuple[int, ...]
    readout: str = "linear"
    decay: float = 0.5
    threshold: float = 1.0

    @staticmethod
    def parse(arguments: str) -> MLPSpec:
        """Parse `SIZE-SIZE[-SIZE...][,OPTION=VALUE...]`; `UsageError` saying what is wrong."""
        sizes, *options = arguments.split(",")
        chosen = dict(map(_parse_option, options))
        if len(chosen) != len(options):
            raise UsageError(f"model mlp:{arguments}: an option is given twice")
        return MLPSpec(_parse_sizes(sizes), **chosen)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        if not 0.0 <= self.decay <= 1.0:
            raise UsageError(f"model {self}: decay must be in [0, 1], not {self.decay}")
        if not 0.0 < self.threshold <= _MAX_THRESHOLD:
            limit = f"positive and at most {_MAX_THRESHOLD:g}"
            raise UsageError(f"model {self}: threshold must be {limit}, not {self.threshold}")

    def __str__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"mlp:{sizes},readout={self.readout},decay={self.decay!r},threshold={self.threshold!r}"


def _parse_sizes(text: str) -> tuple[int, ...]:
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"model mlp:{text}: must be two or more positive sizes, such as {_EXAMPLE}")
    sizes = tuple(map(int, parts))
    if max(sizes) > _MAX_SIZE:
        raise UsageError(f"model mlp:{text}: layer of {max(sizes)} neurons; the limit is {_MAX_SIZE}")
    return sizes


def _parse_option(text: str) -> tuple[str, str | float]:
    name, _, value = text.partition("=")
    if name == "readout" and value in ("linear", "spiking"):
        return name, value
    if name in ("decay", "threshold"):
        try:
            return name, float(value)
        except ValueError:
            raise UsageError(f"model option {text!r}: {name} must be a number") from None
    raise UsageError(
        f"model option {text!r}: there are readout=linear|spiking, decay=D, threshold=V. Example: {_EXAMPLE}"
    )


def _linear(inputs: int, outputs: int, device: str) -> torch.nn.Linear:
    """Synapses with numbers yet to be drawn: torch's own drawing would advance the global random state."""
    return torch.nn.Linear(inputs, outputs, device="meta").to_empty(device=device)


class MLP(torch.nn.Sequential):
    """One time step of a fully connected network: flatten, fc1, lif1, fc2, ..., fcN [, lifN].

    x[t] `(batch, *shape)` -> o[t] `(batch, classes)`: currents of fcN, or spikes of lifN where
    `spec.readout` is 'spiking'. The predicted class is the argmax of the sum of o[t] over time. Membrane
    potentials live in the LIF layers from step to step until `reset()`.
    """

    spec: MLPSpec

    def __init__(self, spec: MLPSpec, device: str = "cpu") -> None:
        layers: OrderedDict[str, torch.nn.Module] = OrderedDict(flatten=torch.nn.Flatten())
        last = len(spec.sizes) - 1
        for i, (inputs, outputs) in enumerate(zip(spec.sizes, spec.sizes[1:], strict=False), start=1):
            layers[f"fc{i}"] = _linear(inputs, outputs, device)
            if i < last or spec.readout == "spiking":
                layers[f"lif{i}"] = LIF(spec.decay, spec.threshold)
        super().__init__(layers)
        self.spec = spec

    def reset(self) -> None:
        """Forget the last sample."""
        reset_states(self)
