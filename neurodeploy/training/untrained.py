"""A network with its first parameters, for learning that begins on the chip."""

from __future__ import annotations

from neurodeploy.models import Network, build


def untrained(model: str, seed: int) -> Network:
    """The network of a notation such as `mlp:64-128-10` with the weights that a run with this seed begins with."""
    return build(model, seed)
