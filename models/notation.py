"""From the notation of a model, such as `mlp:784-256-10,readout=spiking`, to a torch module.

Every family takes `normalize=NAME` too, see `neurodeploy.models.normalized`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models.architectures import ARCHITECTURES, PaperSpec
from neurodeploy.models.convnet import ConvSpec
from neurodeploy.models.initialization import Draw
from neurodeploy.models.mlp import MLPSpec
from neurodeploy.models.network import Network, Spec
from neurodeploy.models.normalized import NormalizedSpec, split
from neurodeploy.training.event.notation import EventSpec

FAMILIES: dict[str, Callable[[str], Spec]] = {
    "mlp": MLPSpec.parse,
    "convnet": ConvSpec.parse,
    "event": EventSpec.parse,
    **{name: partial(PaperSpec.parse, name) for name in ARCHITECTURES},
}
"""Every network family: its name and the function that parses its arguments."""


def parse(notation: str) -> Spec:
    """What a notation `NAME[:ARGUMENTS]` says; `UsageError` naming what exists for an unknown name."""
    name, _, arguments = notation.partition(":")
    if name not in FAMILIES:
        raise UsageError(f"no model {name!r}. There is {', '.join(FAMILIES)}: for example mlp:784-256-10")
    own, constants = split(arguments)
    spec = FAMILIES[name](own)
    return NormalizedSpec(spec, constants) if constants else spec


def build(notation: str, seed: int = 0, device: str = "cpu") -> Network:
    """The network of a notation, its parameters drawn from `seed`; the global random state is untouched.

    `device` 'meta' makes shapes without numbers. `UsageError` naming what exists for an unknown one.
    """
    spec = parse(notation)
    with torch.device("meta"):
        network = Network(spec)
    if device != "meta":
        network.to_empty(device=device)
        spec.initialize(network, Draw(seed))
    return network


def check_input_shape(model: Network, shape: tuple[int, ...]) -> None:
    """Raise `UsageError` where one time step of the data, `shape`, does not fit the first layer."""
    model.spec.check_input(shape)
