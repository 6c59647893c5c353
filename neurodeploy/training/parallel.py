"""Data-parallel training: several processes, each learning from its share of every batch.

The gradients of the shares are added, so all processes make the same update: that of the joint batch.
Source: Li et al., PyTorch Distributed, VLDB 2020.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from neurodeploy.errors import BackendFailed, BackendMissing

Tensors = dict[str, torch.Tensor]
_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Peers:
    """This process among `size`; `rank` 0 alone writes and reports."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=partial(torch.device, "cpu"))

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def add(self, values: Tensors) -> Tensors:
        """The sums over all processes; every process must ask for the same names at the same time."""
        if self.size == 1:
            return values
        joined = torch.cat([value.reshape(-1) for value in values.values()])
        self._together(lambda: torch.distributed.all_reduce(joined))
        parts = torch.split(joined, [value.numel() for value in values.values()])
        return {name: part.view_as(value) for (name, value), part in zip(values.items(), parts, strict=True)}

    def add_numbers(self, numbers: list[float]) -> list[float]:
        """The sums of numbers over all processes."""
        if self.size == 1:
            return numbers
        values = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        summed: list[float] = self.add({"": values})[""].tolist()
        return summed

    def wait(self) -> None:
        """Until every process is here."""
        self.add_numbers([0.0])

    def _together(self, work: Callable[[], object]) -> None:
        try:
            work()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise BackendFailed(
                f"process {self.rank} of {self.size} lost the others: {reason}. Their messages say why"
            ) from None


class JointMean(torch.autograd.Function):
    """sum_r weight_r values_r over the processes r, each with its part of a joint batch; backward too.

    Of L = sum_r weight_r L_r each process then has the derivative by its own values, by weight_r: what gradients of L_r
    are, which are multiplied by weight_r when they are added.
    """

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, weight: float, peers: Peers) -> torch.Tensor:
        """The mean over the joint batch of what are means over each process's part."""
        ctx.weight, ctx.peers = weight, peers
        return peers.add({"": values * weight})[""]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """The same of the gradients."""
        return ctx.peers.add({"": gradients[0] * ctx.weight})[""], None, None


ALONE = Peers()
"""The only process."""


def local_rank() -> int:
    """The number of this process on its machine, as torchrun gives it; 0 where there is one."""
    return int(os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def joined(device: torch.device) -> Iterator[Peers]:
    """The processes that torchrun has started, connected by nccl or, on CPUs, by gloo; else one alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or not all(name in os.environ for name in _NEEDED):
        yield Peers(device=device)
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if not (torch.distributed.is_available() and torch.distributed.is_backend_available(backend)):
        raise BackendMissing(f"torch {torch.__version__} has no {backend}: run one process, without torchrun")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group(backend)
    try:
        yield Peers(torch.distributed.get_rank(), torch.distributed.get_world_size(), device)
    finally:
        torch.distributed.destroy_process_group()
