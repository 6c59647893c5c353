"""When errors arrive, and how long the network has to wait for what they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurodeploy.ir import Graph
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import ErrorPaths, Group, error_paths
from neurodeploy.targets.lava.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class LearningSchedule:
    """The schedule of a network that learns.

    `late`: how many Lava time steps after the output has fired a layer of neurons knows its error; `pause`: time steps
    between samples. A way back through synapses takes one time step, as a way forward does.
    """

    paths: ErrorPaths
    forward: Schedule
    late: Mapping[str, int]
    pause: int

    def wait(self, group: Group) -> int:
        """Time steps for which what comes back through `group` is held, for other ways back that take longer."""
        return self.late[str(group.source)] - self.late[group.target] - 1

    def lag(self, neurons: str) -> int:
        """Time steps from the spikes of a layer of neurons to their error."""
        return self.forward.hops[self.paths.output] - self.forward.hops[neurons] + self.late[neurons]


def learning_schedule(graph: Graph, rule: ThreeFactorRule) -> LearningSchedule:
    """The shortest schedule in which no layer computes with weights that should have changed before.

    The output at hop H computes step t at Lava time step t * period + H + 1; its error is known in the same one, that
    of a layer behind which errors come back through k groups of synapses, k time steps later (`late`). Synapses that
    lead to neurons at hop h meet the spikes of step t one time step before the neurons do, at t * period + h, and
    those of step t + 1 only after the error of step t has changed them:

        (t + 1) * period + h  >=  t * period + H + 1 + late

    With updates once a sample this has to hold for a sample's last step and the next one's first, where the difference
    is paused.
    """
    paths = error_paths(graph, rule.synapses)
    late = {paths.output: 0}
    for name in paths.neurons[1:]:
        late[name] = 1 + max(late[group.target] for group in paths.back[name])
    hops = schedule(graph).hops
    needed = max(hops[paths.output] + 1 - hops[g.target] + late[g.target] for g in paths.learning)
    made = schedule(graph, needed if rule.update == "step" else 1)
    return LearningSchedule(paths, made, late, max(needed - made.period, 0))
