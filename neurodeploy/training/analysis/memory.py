"""How much memory a computation needs at most."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


def peak_bytes(step: Callable[[], object]) -> int:
    """Most bytes of tensors alive at once while `step` runs, over those that were there before.

    Counted are the tensors that operations of torch make, until they are freed: activations held for a
    backward pass, gradients, states, temporaries. Not counted is what a kernel takes for itself. The same
    `step` gives the same number on every machine; run it once before where it prepares something.
    """
    seen = _Allocations()
    with seen:
        step()
    return seen.peak


class _Allocations(TorchDispatchMode):
    """Sees every operation below autograd, in backward passes too, and the storages that each one makes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive: int = 0
        self.peak: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = _storages((args, kwargs))
        made = func(*args, **(kwargs or {}))
        for key, storage in _storages(made).items():
            if key not in given:
                self._add(storage)
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        self.alive += storage.nbytes()
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self._free, storage.nbytes()).atexit = False

    def _free(self, count: int) -> None:
        self.alive -= count


def _storages(values: Any) -> dict[int, torch.UntypedStorage]:
    """The memory of all tensors in `values`, each once: views and in-place results have that of another."""
    found = (v.untyped_storage() for v in tree_iter(values) if isinstance(v, torch.Tensor))
    return {id(storage): storage for storage in found}
