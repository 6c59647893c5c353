"""Which groups of synapses learn."""

from __future__ import annotations

from collections.abc import Sequence

from neurodeploy.errors import UsageError
from neurodeploy.ir import IntSynapses
from neurodeploy.network import Network
from neurodeploy.semantics.learning import ErrorPaths, error_paths
from neurodeploy.semantics.learning.paths import groups_into, output_neurons


def learning_paths(network: Network, layers: str | Sequence[str]) -> ErrorPaths:
    """The groups that `layers` means and how errors reach them.

    'last': those that lead to the output's neurons; 'all': every group of synapses; else names of groups, in a
    sequence. Raises `UsageError` for unknown names, `UnsupportedError` naming a group that cannot learn.
    """
    graph = network.graph
    if layers == "last":
        return error_paths(graph, [g.synapses for g in groups_into(graph, output_neurons(graph))])
    if layers == "all":
        return error_paths(graph, list(graph.of(IntSynapses)))
    if isinstance(layers, str):
        raise UsageError(f"layers must be 'last', 'all' or names, not {layers!r}")
    return error_paths(graph, layers)
