"""Network families by name, for the trainer."""

if __name__ != "neurodeploy.models":
    raise ImportError("import neurodeploy.models, not models: a second copy of every class would be made")

from neurodeploy.models.architectures import ARCHITECTURES, PaperSpec
from neurodeploy.models.convnet import ConvSpec
from neurodeploy.models.description import LayerDescription, NetworkDescription, describe
from neurodeploy.models.mlp import MLPSpec
from neurodeploy.models.network import Network, Spec
from neurodeploy.models.notation import FAMILIES, build, check_input_shape, parse

MLP = Network
"""Every network is one class; the name is kept for those that were built by `mlp:`."""

__all__ = [
    "ARCHITECTURES",
    "FAMILIES",
    "MLP",
    "ConvSpec",
    "LayerDescription",
    "MLPSpec",
    "Network",
    "NetworkDescription",
    "PaperSpec",
    "Spec",
    "build",
    "check_input_shape",
    "describe",
    "parse",
]
