"""From a torch module of one time step to a float graph: torch.nn, our own layers, snnTorch, SpikingJelly and Norse."""

from neurodeploy.frontends.torch.importer import import_torch

__all__ = ["import_torch"]
