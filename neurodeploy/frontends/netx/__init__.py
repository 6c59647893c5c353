"""Front end for lava-dl's `.net` files: trained networks of integers, read into an integer graph without rounding."""

from neurodeploy.frontends.netx.config import NetxConfig
from neurodeploy.frontends.netx.model import NetxModel, open_net

__all__ = ["NetxConfig", "NetxModel", "open_net"]
