"""Network families by name, for the trainer."""

if __name__ != "neurodeploy.models":
    raise ImportError("import neurodeploy.models, not models: a second copy of every class would be made")

from neurodeploy.models.mlp import MLP, MLPSpec
from neurodeploy.models.notation import FAMILIES, build, check_input_shape

__all__ = ["FAMILIES", "MLP", "MLPSpec", "build", "check_input_shape"]
