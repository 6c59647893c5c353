"""A training whose numbers are no longer finite."""

from __future__ import annotations

from math import isfinite

import torch

from neurodeploy.errors import GateError


def check_finite(
    parameters: dict[str, torch.Tensor], loss: float, where: str, kept: str, rate: float
) -> None:
    """Raise `GateError` where the loss or a weight is not finite, naming the first such layer.

    `where` and `kept` tell the epoch; where all weights are finite, the layer with the largest is named.
    """
    sums = torch.stack([w.sum() for w in parameters.values()])
    if isfinite(loss) and bool(sums.isfinite().all()):
        return
    broken = [name for name, total in zip(parameters, sums.tolist(), strict=True) if not isfinite(total)]
    largest = max(parameters, key=lambda name: float(parameters[name].abs().max()))
    layer, _, kind = (broken[0] if broken else largest).rpartition(".")
    state = "not finite" if broken else f"up to {float(parameters[largest].abs().max()):.2g}"
    raise GateError(
        f"training diverged in {where}: loss {loss}, {kind} of layer {layer!r} is {state}. {kept}. "
        f"Try --learning-rate {rate / 10:g}"
    )
