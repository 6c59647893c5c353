"""Names of new layers: those of the layers they stand for, as far as they are free."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, count

from neurodeploy.ir import AveragePool, Conv, Dense, Graph, Scale, SumPool
from neurodeploy.passes.compose.groups import Group


class Names:
    """Names given so far, those of `kept` from the start.

    A layer of the old graph lends its name once; no name that is made up is equal to that of an old layer.
    """

    def __init__(self, graph: Graph, kept: Iterable[str]) -> None:
        self._graph = graph
        self._given = set(kept)

    def give(self, own: str, *others: str) -> str:
        """`own` if it is free, else the first of `others` that is, else `own` with a number."""
        made_up = chain(others, (f"{own}.{number}" for number in count(2)))
        free = (name for name in made_up if name not in self._given and name not in self._graph.names)
        name = next(free) if own in self._given else own
        self._given.add(name)
        return name

    def of_group(self, group: Group, neurons: str) -> str:
        """That of its last layer of weights; of a path without weights, that of its last layer and its source."""
        source = group.origin.source
        weights = [layer for layer in group.layers if isinstance(self._graph.op(layer), (Dense, Conv))]
        base = weights[-1] if weights else f"{group.layers[-1]}.{source}"
        named = (Dense, Conv, SumPool, AveragePool, Scale)
        more = [
            layer
            for layer in group.layers[::-1]
            if isinstance(self._graph.op(layer), named) and layer != base
        ]
        if group.is_border:
            return self.give(f"{base}.border")
        return self.give(base, *(f"{base}.{name}" for name in (*more, source, neurons)))
