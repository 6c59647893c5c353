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
    both = flow.both_ways()
    sums = np.concatenate([[0.0], np.bincount(both.origin, both.packets, flow.cores).cumsum()])
    total, graph = flow.cores, nx.DiGraph()
    for chip in range(chips):
        begins, ends = _ends(total, chip, chips, cores), _ends(total, chip + 1, chips, cores)
        first = begins[0]
        inside = np.pad(both.among(first, ends[-1]), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        for begin in begins:
            for end in ends:
                if begin < end <= begin + cores:
                    i, j = begin - first, end - first
                    within = inside[j, j] - inside[i, j] - inside[j, i] + inside[i, i]
                    weight = max(float(sums[end] - sums[begin] - within), 0.0)
                    graph.add_edge((chip, begin), (chip + 1, end), weight=weight)
    path = nx.dijkstra_path(graph, (0, 0), (chips, total))
    return [end for _, end in path[1:]]


def _ends(total: int, filled: int, chips: int, cores: int) -> range:
    """How many cores can be placed once so many chips are filled."""
    return range(max(total - (chips - filled) * cores, min(filled, 1)), min(filled * cores, total) + 1)
