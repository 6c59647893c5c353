"""Networks of the tests."""

from __future__ import annotations

import torch

from neurodeploy.models.initialization import Draw
from neurodeploy.models.network import Network
from neurodeploy.training.event import EventSpec


def build(notation: str, shape: tuple[int, ...] | None = None, seed: int = 0) -> Network:
    """The network of a notation; `shape` where that does not begin with the input."""
    spec = EventSpec.parse(notation, shape)
    with torch.device("meta"):
        network = Network(spec)
    network.to_empty(device="cpu")
    spec.initialize(network, Draw(seed))
    return network
