"""Everything linear between two layers of neurons as one group of synapses a source."""

from neurodeploy.passes.compose.compose import ComposeSynapses

__all__ = ["ComposeSynapses"]
