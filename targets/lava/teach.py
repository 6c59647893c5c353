"""The processes through which a network learns, added to its plan.

| process | for | from | to |
| --- | --- | --- | --- |
| `ThreeFactorSynapses` | each learning group | spikes, m | current; B^T m where B follows its weights |
| `OutputError` | the output's neurons | their spikes and potentials, the label | m |
| `HiddenError` | hidden neurons that errors reach | their spikes and potentials, all B^T m | m |
| `Source` | the labels | a file | the output's error |
| `Dense`, `Sparse` | B^T that stays: random, or of a group that does not learn | m | B^T m |
| `DelayLine` | a way back that is shorter than others beside it | B^T m | B^T m |

Symmetric feedback is sent by the learning synapses themselves: weights and their transpose are then one memory, which
cannot drift apart, and no second process has to repeat every update.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from neurodeploy.ir import IntConv, IntSynapses
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import (
    Group,
    back_exponent,
    feedback_noise,
    feedback_weights,
    largest_back,
    largest_modulated,
)
from neurodeploy.targets.lava.fixed_synapses import fixed_synapses
from neurodeploy.targets.lava.job import LABELS, Job
from neurodeploy.targets.lava.learning_schedule import LearningSchedule
from neurodeploy.targets.lava.legalise import largest_input
from neurodeploy.targets.lava.legalise_learning import follows
from neurodeploy.targets.lava.matrices import sparse_weights
from neurodeploy.targets.lava.process_graph import OURS, Plan
from neurodeploy.targets.lava.results import changed_file, weights_file
from neurodeploy.targets.lava.window import Window


def teach(plan: Plan, job: Job, rule: ThreeFactorRule, made: LearningSchedule) -> None:
    """Add everything that learning needs; the neurons, and the connections of their synapses, are there already."""
    _Teacher(plan, job, rule, made).teach()


class _Teacher:
    """Adds to the plan of one job; `LAYER:error` is the process of the error of a layer of neurons."""

    def __init__(self, plan: Plan, job: Job, rule: ThreeFactorRule, made: LearningSchedule) -> None:
        self._plan, self._job, self._rule, self._made = plan, job, rule, made
        self._graph, self._paths = job.network.graph, made.paths

    def teach(self) -> None:
        self._output_error()
        for name in self._paths.neurons[1:]:
            self._hidden_error(name)
        for group in self._paths.learning:
            self._synapses(group)
        for groups in self._paths.back.values():
            for group in groups:
                self._way_back(group, groups)
        windows = [self._errors(group.target) for group in self._paths.learning]
        self._plan.time_steps = max(self._plan.time_steps, *(window.last for window in windows))

    def _neurons(self, name: str) -> Window:
        """When a layer of neurons fires."""
        forward, job = self._made.forward, self._job
        return Window.at_hop(forward.hops[name], job.steps, job.rounds, forward.period, self._made.pause)

    def _errors(self, name: str) -> Window:
        """When a layer of neurons knows its error."""
        return self._neurons(name).later(self._made.lag(name))

    def _output_error(self) -> None:
        name = self._paths.output
        window = self._neurons(name)
        op = self._job.network.neurons[name]
        error = self._plan.add(
            f"{name}:error", f"{OURS}.errors:OutputError", op=op, layer=name, rule=self._rule, window=window
        )
        label = self._plan.add(
            f"{name}:label",
            f"{OURS}.streams:Source",
            shape=(1,),
            frames=self._plan.folder / LABELS,
            window=window,
        )
        self._plan.connect(label, "s_out", error, "label_in")
        self._listen(name)

    def _hidden_error(self, name: str) -> None:
        before = self._job.start.spikes.get(name) if self._job.start else None
        self._plan.add(
            f"{name}:error",
            f"{OURS}.errors:HiddenError",
            op=self._job.network.neurons[name],
            layer=name,
            rule=self._rule,
            neurons=self._neurons(name),
            errors=self._errors(name),
            spikes_before=before,
        )
        self._listen(name)

    def _listen(self, name: str) -> None:
        """An error needs the spikes and potentials of its neurons."""
        self._plan.connect(name, "s_out", f"{name}:error", "s_in")
        self._plan.connect(name, "p_out", f"{name}:error", "p_in")

    def _synapses(self, group: Group) -> None:
        name, job = group.synapses, self._job
        op = self._graph.of(IntSynapses)[name]
        beside = self._paths.back.get(group.source or "", ())
        sends_back = group in beside and follows(self._rule, group)
        rows = len(job.snapshot_at) + 1
        start, most = job.start, self._rule.synapses[name].weight_max
        weight_q = op.weight_q if start is None else start.weights[name]
        self._plan.add(
            name,
            f"{OURS}.three_factor:ThreeFactorSynapses",
            op=op,
            weight_q=np.clip(weight_q, -most, most),
            updates=0 if start is None else start.updates,
            given=self._graph.types[group.arriving].shape,
            made=self._graph.types[name].shape,
            largest_input=largest_input(job.network, group.arriving),
            largest_back=largest_back(self._graph, self._rule, group) if sends_back else 0,
            group=name,
            lane=self._paths.lanes[name],
            rule=self._rule,
            spikes=self._neurons(group.target).later(-1),
            errors=self._errors(group.target),
            sends_back=sends_back,
            back_exponent=back_exponent(self._graph, group, beside) if sends_back else 0,
            weights=self._plan.board(weights_file(name), (rows, *op.weight_q.shape), np.int8),
            changed=self._plan.board(changed_file(name), (rows,), np.int64),
            snapshot_at=job.snapshot_at,
        )
        self._plan.connect(f"{group.target}:error", "m_out", name, "m_in")

    def _way_back(self, group: Group, beside: tuple[Group, ...]) -> None:
        """What comes back through one group, held until the longest way back beside it."""
        sender, out = group.synapses, "b_out"
        if not follows(self._rule, group):
            sender, out = self._feedback(group, beside), "a_out"
        if wait := self._made.wait(group):
            line = self._plan.add(
                f"{group.synapses}:{group.target}:wait",
                f"{OURS}.delay:DelayLine",
                shape=(prod(self._graph.types[group.arriving].shape),),
                wait=wait,
                delay=0,
                window=self._errors(group.target).later(1),
            )
            self._plan.connect(sender, out, line, "s_in")
            sender, out = line, "s_out"
        self._plan.connect(sender, out, f"{group.source}:error", "b_in")

    def _feedback(self, group: Group, beside: tuple[Group, ...]) -> str:
        """Lava's own synapses with feedback weights that stay."""
        name = f"{group.synapses}:{group.target}:feedback"
        largest = largest_modulated(self._graph, self._rule, group.target)
        exponent = back_exponent(self._graph, group, beside)
        weights = self._transposed(group)
        self._plan.processes[name] = fixed_synapses(weights, exponent, -largest, largest)
        self._plan.connect(f"{group.target}:error", "m_out", name, "s_in")
        return name

    def _transposed(self, group: Group) -> Any:
        """B^T, `(in, out)` int32."""
        op = self._graph.of(IntSynapses)[group.synapses]
        noise = feedback_noise(self._rule.seed, self._paths.lanes[group.synapses], op.weight_q.shape)
        weights = feedback_weights(self._rule.feedback, op.weight_q, noise)
        if isinstance(op, IntConv):
            feedback = replace(op, weight_q=weights.astype(np.int8))
            return sparse_weights(feedback, self._graph.types[group.arriving].shape).T.tocsr()
        return np.ascontiguousarray(weights.T.astype(np.int32))
