"""Export to lava-dl: an integer network as a `.net` file that lava-dl's netx loads with the same spikes."""

from neurodeploy.targets.netx.export import export_netx

__all__ = ["export_netx"]
