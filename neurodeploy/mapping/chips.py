"""Which cores are on which chip."""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurodeploy.mapping.flow import Flow


def split_chips(flow: Flow, chips: int, cores: int) -> list[int]:
    """End of each chip's cores, in the given order of cores, so that the fewest packets go from chip to chip.

    The cores, which are in the order of the layers, are cut into `chips` runs of at most `cores`; the cuts are a
    shortest path over (chips filled, cores placed) whose edges weigh the packets between a run and all other cores
    (Dijkstra's algorithm in networkx).
    """
    both = flow + flow.T
    sums = np.pad(both, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    total, graph = len(flow), nx.DiGraph()
    for chip in range(chips):
        for begin in _ends(total, chip, chips, cores):
            for end in _ends(total, chip + 1, chips, cores):
                if begin < end <= begin + cores:
                    run = sums[end, total] - sums[begin, total]
                    inside = sums[end, end] - sums[begin, end] - sums[end, begin] + sums[begin, begin]
                    graph.add_edge((chip, begin), (chip + 1, end), weight=max(float(run - inside), 0.0))
    path = nx.dijkstra_path(graph, (0, 0), (chips, total))
    return [end for _, end in path[1:]]


def _ends(total: int, filled: int, chips: int, cores: int) -> range:
    """How many cores can be placed once so many chips are filled."""
    return range(max(total - (chips - filled) * cores, min(filled, 1)), min(filled * cores, total) + 1)
