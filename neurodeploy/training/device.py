"""Where a network is trained: the processor or a GPU."""

from __future__ import annotations

import torch

from neurodeploy.errors import BackendMissing, UsageError


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """The device 'cpu', 'cuda' or 'cuda:N'; of several processes on a machine, 'cuda' is one GPU each.

    Raises `UsageError` for another name or number, `BackendMissing` where torch finds no GPU.
    """
    kind, _, number = name.partition(":")
    if name != "cpu" and (kind != "cuda" or (number and not number.isdecimal()) or name == "cuda:"):
        raise UsageError(f"there is no device {name!r}. There are cpu, cuda and cuda:N")
    if kind == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise BackendMissing(
            f"device {name}: torch {torch.__version__} finds no CUDA GPU on this machine. Try the device cpu, or "
            "install a torch with CUDA for this machine's driver"
        )
    index, there = int(number) if number else local_rank, torch.cuda.device_count()
    if index >= there:
        raise UsageError(f"device {name}: GPU {index} is asked for, but there are {there} (0..{there - 1})")
    return torch.device("cuda", index)
