"""Symbolic tracing that keeps layers whole."""

from __future__ import annotations

import torch
from torch import fx

from neurodeploy.frontends.torch.table import is_layer


class LayerTracer(fx.Tracer):
    """Calls of layers of torch and of the spiking frameworks stay calls, so that errors can name them."""

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        """True for a layer, false for a container or a module of the user's, whose forward is traced."""
        return is_layer(m) or super().is_leaf_module(m, module_qualified_name)
