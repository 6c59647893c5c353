"""Settings of torch under which sums of integers in float32 are exact, whatever the program around has chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """No gradients, no autocast, and products of float32 as they are: no TF32, no bfloat16.

    What was set before is restored.
    """
    with torch.inference_mode(), torch.autocast(device.type, enabled=False), _whole_float32():
        yield


@contextmanager
def _whole_float32() -> Iterator[None]:
    try:
        before: str | None = torch.get_float32_matmul_precision()
    except RuntimeError:  # torch >= 2.9, where one back end's own switch says otherwise
        before = None
    products: tuple[Any, ...] = (torch.backends.cuda.matmul, getattr(torch.backends.mkldnn, "matmul", None))
    switches = [switch for switch in products if hasattr(switch, "fp32_precision")]
    own = [switch.fp32_precision for switch in switches]
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        if before is not None:
            torch.set_float32_matmul_precision(before)
        for switch, value in zip(switches, own, strict=True):
            switch.fp32_precision = value
