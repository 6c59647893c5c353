"""Whether a run is worth compiling for: machine code is compiled once on a machine, and short work need not wait."""

from __future__ import annotations

from math import prod

from neurodeploy.ir import IntConv, IntDense, IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.schedule import unchanging

COMPILE_SECONDS = 10.0
"""What compiling takes, about."""
UPDATES, PRODUCTS = 30e6, 4e9
"""What NumPy does in a second, about: updates of neurons, and products of synapses (`benchmarks/engine.py`)."""


class Patience:
    """Seconds of work that this process has given to NumPy while there was no machine code."""

    def __init__(self) -> None:
        self.spent = 0.0

    def lasts(self, network: Network, stimulus: Stimulus) -> bool:
        """True while all runs so far and this one take NumPy less time than compiling; counts this one."""
        seconds = numpy_seconds(network, stimulus)
        if self.spent + seconds > COMPILE_SECONDS:
            return False
        self.spent += seconds
        return True


def numpy_seconds(network: Network, stimulus: Stimulus) -> float:
    """About how long NumPy takes for a run."""
    graph = network.graph
    once = unchanging(graph) if stimulus.static else frozenset()
    seconds = 0.0
    for name in graph.names:
        op, size = graph.op(name), graph.types[name].size
        steps = stimulus.samples * (1 if name in once else stimulus.steps)
        if isinstance(op, IntLIF):
            seconds += steps * size / UPDATES
        elif isinstance(op, (IntDense, IntConv)):
            seconds += steps * size * prod(op.weight_q.shape[1:]) / PRODUCTS
    return seconds
