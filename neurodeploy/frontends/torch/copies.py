"""A copy of a module on which an import works: in evaluation mode, at rest, in numbers that the graph can hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain
from typing import Any

import torch

from neurodeploy.frontends.torch.own import plain_layer
from neurodeploy.frontends.torch.table import is_layer
from neurodeploy.network import Note


@torch.no_grad()
def copied(module: torch.nn.Module, notes: list[Note]) -> torch.nn.Module:
    """A copy of `module` on the CPU, in evaluation mode, all states forgotten.

    Its numbers are those of the graph, float32, held in float64: what differs is noted. Layers that compute their
    weight from others become plain ones that have it.
    """
    double = copy.deepcopy(module, _detached(module)).cpu().eval()
    notes.extend(dict.fromkeys(_roundings(double)))
    double = _with_plain_layers(double.float().double(), notes).double()
    for layer in filter(is_layer, double.modules()):
        _reset(layer)
    return double


def _roundings(module: torch.nn.Module) -> Iterator[Note]:
    """One note for every parameter or buffer that float32 cannot hold."""
    for name, values in chain(module.named_parameters(), module.named_buffers()):
        if values.is_floating_point() and not torch.equal(*_comparable(values)):
            yield Note(name.rpartition(".")[0] or name, f"its {values.dtype} numbers rounded to float32")


def _comparable(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return values.double().nan_to_num(), values.float().double().nan_to_num()


def _detached(module: torch.nn.Module) -> dict[int, Any]:
    """Copies of the tensors that a module keeps but `deepcopy` refuses: states that carry a gradient."""
    tensors = (value for layer in module.modules() for value in _values(vars(layer)))
    return {id(t): t.detach().clone() for t in tensors if not t.is_leaf}


def _values(kept: Any) -> Iterator[torch.Tensor]:
    if isinstance(kept, torch.Tensor):
        yield kept
    elif isinstance(kept, dict):
        for value in kept.values():
            yield from _values(value)
    elif isinstance(kept, (tuple, list)):
        for value in kept:
            yield from _values(value)


def _with_plain_layers(module: torch.nn.Module, notes: list[Note]) -> torch.nn.Module:
    for parent_name, parent in list(module.named_modules()):
        for name, child in list(parent.named_children()):
            plain = plain_layer(child)
            if plain is not None:
                setattr(parent, name, plain)
                full = f"{parent_name}.{name}".lstrip(".")
                notes.append(
                    Note(full, f"the weights that {type(child).__name__} computes, rounded to float32")
                )
    return module


def _reset(layer: torch.nn.Module) -> None:
    """Forget the last sample: `reset()` of our layers and SpikingJelly's, `reset_mem()` of snnTorch's."""
    for method in ("reset", "reset_mem"):
        forget = getattr(layer, method, None)
        if callable(forget):
            forget()
