"""At which of Lava's time steps each layer computes, and how long each connection must wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from neurodeploy.ir import Delay, Flatten, Graph, IntInput, IntLIF


@dataclass(frozen=True, slots=True)
class Arrival:
    """One way from a layer to neurons: what `origin` sends reaches `neurons` through `synapses`.

    `delay` is the sum of all delays on the way, before and behind the synapses, in model steps. `wait` is how many
    Lava time steps the spikes are held back, so that they arrive when the neurons compute.
    """

    origin: str
    synapses: str
    neurons: str
    delay: int
    wait: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """`hops`: groups of synapses between the input and each layer that keeps time (input, neurons), at most.

    `period`: Lava time steps of one model step; `arrivals`: every way into neurons, in the order of the layers.
    """

    hops: Mapping[str, int]
    period: int
    arrivals: tuple[Arrival, ...]


def schedule(graph: Graph, least_period: int = 1) -> Schedule:
    """The shortest schedule in which everything arrives in time, of a period of at least `least_period`.

    A layer at hop h computes model step t at Lava time step t * period + h (+ 1, Lava's first). Spikes of a layer
    at hop g, delayed by d model steps, arrive one time step after they were sent, so they have to wait

        wait = d * period + h - g - 1 >= 0

    Hops are longest paths without feedback; the period is the least that makes every wait of feedback 0 or more.
    """
    ways = [way for name in graph.of(IntLIF) for way in _ways(graph, name)]
    hops: dict[str, int] = {}
    for name in graph.names:
        if isinstance(graph.op(name), (IntInput, IntLIF)):
            origins = [way.origin for way in ways if way.neurons == name]
            before = [hops[origin] for origin in origins if origin in hops]
            # Synapses meet spikes one time step before the neurons, and Lava has no time step before its first.
            hops[name] = max(before, default=0 if origins else -1) + 1
    gaps = [hops[way.neurons] - hops[way.origin] - 1 for way in ways]
    delayed = ((gap, way.delay) for gap, way in zip(gaps, ways, strict=True) if way.delay)
    period = max([least_period, *(-(gap // delay) for gap, delay in delayed)])
    arrivals = (replace(way, wait=way.delay * period + gap) for way, gap in zip(ways, gaps, strict=True))
    return Schedule(hops, period, tuple(arrivals))


def sender(graph: Graph, name: str) -> tuple[str, int]:
    """The layer whose result `name` passes on, past delays and flattening, and the sum of the delays."""
    delay = 0
    while isinstance(op := graph.op(name), (Flatten, Delay)):
        delay += op.steps if isinstance(op, Delay) else 0
        name = graph.sources(name)[0]
    return name, delay


def _ways(graph: Graph, neurons: str) -> Iterator[Arrival]:
    """The ways into neurons, their waits still open. Synapses make 0 of 0, so a delay behind them is one before."""
    for source in graph.sources(neurons):
        synapses, behind = sender(graph, source)
        origin, before = sender(graph, graph.sources(synapses)[0])
        yield Arrival(origin, synapses, neurons, before + behind, 0)
