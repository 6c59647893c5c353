"""How many of Lava's time steps each layer is behind the input."""

from __future__ import annotations

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Graph, IntDense


def hops(graph: Graph) -> dict[str, int]:
    """Groups of synapses between the input and each layer; each delays by one Lava time step.

    Raises `UnsupportedError` for a layer whose inputs would arrive at different steps.
    """
    found: dict[str, int] = {}
    for name in graph.names:
        arrivals = {source: found[source] for source in graph.sources(name)}
        if len(set(arrivals.values())) > 1:
            paths = ", ".join(f"{source} after {hop}" for source, hop in arrivals.items())
            raise UnsupportedError(
                f"layer '{name}': its inputs pass different numbers of synapse layers ({paths}), so Lava "
                f"would deliver them at different time steps; use the engine, or make all paths equally long"
            )
        found[name] = max(arrivals.values(), default=0) + isinstance(graph.op(name), IntDense)
    return found
