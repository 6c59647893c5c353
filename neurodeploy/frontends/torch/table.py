"""Every layer that has a meaning in the graph, by the package and the name of its class: no package is imported."""

from __future__ import annotations

import torch

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.torch import norse, own, snntorch, spikingjelly, torch_nn
from neurodeploy.frontends.torch.site import Convert, Site

LAYERS: dict[str, dict[str, Convert]] = {
    "torch.nn.modules.": torch_nn.LAYERS,
    "neurodeploy.training.": own.LAYERS,
    "snntorch.": snntorch.LAYERS,
    "spikingjelly.": spikingjelly.LAYERS,
    "norse.": norse.LAYERS,
}
REFUSED: dict[str, dict[str, str]] = {
    "torch.nn.modules.": torch_nn.REFUSED,
    "snntorch.": snntorch.REFUSED,
    "norse.": norse.REFUSED,
}
"""Layers that are known and have no meaning in the graph: why, and what to do."""

CONTAINERS: dict[str, frozenset[str]] = {"neurodeploy.training.": own.CONTAINERS}
WHOLE = ("neurodeploy.training.", "snntorch.", "spikingjelly.activation_based.neuron", "norse.")
"""Packages whose modules are layers, known or not, unless they are containers."""


def is_layer(module: torch.nn.Module) -> bool:
    """True for a module that is one layer, known or not, rather than made of layers."""
    name = type(module).__name__
    package = _package(module)
    if name in LAYERS.get(package, ()) or name in REFUSED.get(package, ()):
        return True
    container = isinstance(module, torch.nn.Sequential) or name in CONTAINERS.get(package, ())
    return type(module).__module__.startswith(WHOLE) and not container


def convert(module: torch.nn.Module, site: Site) -> str:
    """Put `module` into the graph and return the name of its result.

    Raises `UnsupportedError` naming the layer and what is supported.
    """
    package, kind = _package(module), type(module).__name__
    known = LAYERS.get(package, {})
    if kind not in known:
        raise UnsupportedError(
            f"layer '{site.name}' is a {type(module).__module__}.{kind}, {_why(package, kind)}"
        )
    if getattr(module, "step_mode", "s") != "s":
        raise UnsupportedError(
            f"layer '{site.name}' is in step mode {module.step_mode!r}, which takes whole sequences: call "
            "spikingjelly.activation_based.functional.set_step_mode(net, 's')"
        )
    try:
        return known[kind](module, site)
    except InputError as error:
        named = str(error).startswith(f"layer '{site.name}")
        raise error if named else type(error)(f"layer '{site.name}': {error}") from None


def _why(package: str, kind: str) -> str:
    if kind in REFUSED.get(package, ()):
        return REFUSED[package][kind]
    names = sorted(LAYERS.get(package, LAYERS["torch.nn.modules."]))
    return f"which is not supported; supported are {', '.join(names)}"


def _package(module: torch.nn.Module) -> str:
    """The key in the tables of the package that `module` is from; '' where there is none."""
    return next((p for p in LAYERS if type(module).__module__.startswith(p)), "")


def membrane_index(module: torch.nn.Module) -> int:
    """Which of the values that a layer returns is its membrane potential; 0, its result, where none is."""
    return snntorch.MEMBRANE.get(type(module).__name__, 0) if _package(module) == "snntorch." else 0
