"""A module as a function of one input, whatever states its forward takes and returns."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from neurodeploy.errors import UnsupportedError

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class OneStep(torch.nn.Module):
    """`net` called with x alone: inputs behind it that have no default are None, which is a state at rest.

    States are handed on where `net` returns as many values behind the first as it takes inputs behind the first.
    """

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net
        given = [p for p in inspect.signature(net.forward).parameters.values() if p.kind in _POSITIONAL]
        self.extra = tuple(p.name for p in given[1:])
        self.required = sum(p.default is inspect.Parameter.empty for p in given[1:])

    def forward(self, x: torch.Tensor) -> Any:
        """The first time step."""
        return self.net(x, *(None,) * self.required)

    def hands_on(self, returned: int) -> bool:
        """True where `returned` values, the first the result, hold all states that the next step takes."""
        return len(self.extra) > 0 and returned - 1 == len(self.extra)

    def run(self, x: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """The first result of every time step."""
        results = []
        states: tuple[Any, ...] = (None,) * self.required
        for _ in range(steps):
            result = self.net(x, *states)
            values = tuple(result) if isinstance(result, (tuple, list)) else (result,)
            results.append(values[0])
            states = values[1:] if self.hands_on(len(values)) else states
        return results

    def second_input(self) -> UnsupportedError:
        """The error of inputs that are no states."""
        return UnsupportedError(
            f"the module has a second input '{self.extra[0]}'; only one is supported, and states behind it that may "
            "be None at first and are returned behind the result, in the same order"
        )


def layer_name(target: str, net: torch.nn.Module) -> str:
    """Name in the graph of the layer that the trace calls `target`; the module itself is called as its class."""
    return target.removeprefix("net").removeprefix(".") or type(net).__name__.lower()
