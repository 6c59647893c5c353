"""What of the learning rule runs on Lava: the last layer, fully connected, fed by spikes."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import IntDense
from neurodeploy.network import Network
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import error_paths


@dataclass(frozen=True, slots=True)
class LastLayer:
    """Names of the learning synapses, of the neurons behind them and of the spiking layer before them; their lane."""

    source: str
    synapses: str
    neurons: str
    lane: int


def last_layer(network: Network, rule: ThreeFactorRule) -> LastLayer:
    """The layer that learns; raises `UnsupportedError` for a rule that needs more than Lava's processes do."""
    paths = error_paths(network.graph, rule.synapses)
    first, graph = paths.learning[0], network.graph
    if len(paths.learning) > 1 or first.target != paths.output or len(graph.sources(paths.output)) != 1:
        raise UnsupportedError(
            f"on lava only the last layer learns, alone before the output; not {', '.join(rule.synapses)}. "
            "Try --layers last, or --backend engine"
        )
    if not isinstance(graph.op(first.synapses), IntDense) or graph.types[first.arriving].signal != "spike":
        raise UnsupportedError(
            f"on lava layer '{first.synapses}' cannot learn: it must be fully connected and fed by spikes. "
            "Try --backend engine"
        )
    if graph.reaches(paths.output, first.arriving):
        raise UnsupportedError(
            f"on lava layer '{first.synapses}' cannot learn: '{first.arriving}' depends on the output "
            f"'{paths.output}'. Try --backend engine"
        )
    plain = (rule.rule, rule.error_delay, rule.weight_decay, rule.homeostasis) == ("ottt", 0, None, None)
    if not plain:
        raise UnsupportedError(
            "on lava learning has no rule 'rate', error delay, weight decay or homeostasis. Try --backend engine"
        )
    return LastLayer(first.arriving, first.synapses, first.target, paths.lanes[first.synapses])
