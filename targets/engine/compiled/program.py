"""A plan with buffers of its own: what one thread executes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodeploy.ir import Delay, Flatten, IntConv, IntDense, IntInput, IntLIF, Output
from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.kernel import kernel
from neurodeploy.targets.engine.compiled.memory import Array, address, aligned, buffer
from neurodeploy.targets.engine.compiled.plan import Plan
from neurodeploy.targets.engine.compiled.signals import is_alias


class Program:
    """Buffers for `samples` samples and windows of `window` steps, and the table that names them.

    `traced` neurons keep their potentials. Signals are flat arrays, one step behind the other, each `(samples, size)`
    for as many samples as the batch has.
    """

    def __init__(self, plan: Plan, samples: int, window: int, traced: frozenset[str], static: bool) -> None:
        self.plan, self.samples, self.window = plan, samples, window
        self._still = plan.unchanging if static else frozenset()
        self._traced = traced
        self._owned: list[Array] = []
        self.buffers: dict[str, Array] = {}
        self.membranes: dict[str, Array] = {}
        self._states: list[tuple[Array, Array | int]] = []
        self._named: dict[tuple[str, str], Array] = {}
        self._lines: list[tuple[Array, int, int]] = []
        self._neuron_rows: dict[str, int] = {}
        self._run = kernel(plan.number)
        rows: list[dict[str, int]] = []
        stages: list[tuple[int, int, bool]] = []
        self._allocate()
        for stage in plan.stages:
            first = len(rows)
            puts: list[dict[str, int]] = []
            for name in stage.names:
                made = self._rows(name, len(rows))
                (puts if stage.cyclic and isinstance(plan.graph.op(name), Delay) else rows).extend(made)
            rows.extend(puts)
            stages.append((first, len(rows), stage.cyclic))
        self._table = np.zeros(len(rows), table.ROW)
        for row, fields in zip(self._table, rows, strict=True):
            for field, value in fields.items():
                row[field] = value
        self._stages = np.array(stages, table.STAGE)
        self._lists = (address(self._table), len(rows), address(self._stages), len(stages))
        self._before = 0

    def reset(self, samples: int) -> None:
        """Go to the reset state, for a batch of `samples`."""
        self._batch = samples
        for state, start in self._states:
            state[...] = 0 if isinstance(start, int) else np.tile(start, len(state) // len(start))
        for line, size, zero in self._lines:
            line[: size * samples] = zero
        self._table["overflows"] = 0
        self._before = 0

    def advance(self, steps: int) -> None:
        """Run the next `steps` steps, whose input is in its buffer."""
        self._run(*self._lists, steps, self._batch, self._before)
        self._before = steps

    def signal(self, name: str, steps: int) -> Array:
        """What layer `name` yielded in the last window, `(steps, N, size)` as stored; one step if it never changes."""
        steps = 1 if name in self._still else steps
        return self._window(self._results[name], self.plan.signals[name].size, steps)

    def membrane(self, name: str, steps: int) -> Array:
        """Potentials of a traced layer or a readout, likewise."""
        return self._window(self.membranes[name], self.plan.signals[name].size, steps)

    def states(self) -> list[tuple[str, str, Array]]:
        """Name, layer and numbers `(..., N, size)` of all that is remembered from step to step; not copies.

        A delay line is that before the next step, for windows of one step.
        """
        views: list[tuple[str, str, Array]] = []
        for (layer, kind), state in self._named.items():
            held = state[: self._batch * self.plan.signals[layer].size]
            views.append((f"{layer}.{kind}", layer, held.reshape(self._batch, -1)))
        for name, op in self.plan.graph.of(Delay).items():
            line, size = self.buffers[name], self._batch * self.plan.signals[name].size
            first = size if self._before else 0
            held = line[first : first + op.steps * size]
            views.append((f"{name}.line", name, held.reshape(op.steps, self._batch, -1)))
        return views

    def overflows(self) -> dict[str, int]:
        """Values that the registers of each layer could not hold since the reset."""
        return {name: int(self._table[row]["overflows"]) for name, row in self._neuron_rows.items()}

    def _window(self, values: Array, size: int, steps: int) -> Array:
        return values[: steps * self._batch * size].reshape(steps, self._batch, size)

    def _new(self, elements: int, dtype: Any, fill: int = 0) -> Array:
        self._owned.append(buffer(elements, dtype, fill))
        return self._owned[-1]

    def _allocate(self) -> None:
        """A buffer for the result of every layer; a delay's holds what is still to come, too."""
        plan = self.plan
        for name in plan.graph.names:
            op, signal = plan.graph.op(name), plan.signals[name]
            if isinstance(op, Output) or is_alias(plan.graph, name):
                continue
            steps = 1 if name in self._still else self.window
            steps += op.steps if isinstance(op, Delay) else 0
            self.buffers[name] = self._new(steps * self.samples * signal.size, signal.dtype)
            if isinstance(op, IntLIF) and (op.reset == "none" or name in self._traced):
                self.membranes[name] = self._new(self.window * self.samples * signal.size, plan.number)
        for name in plan.graph.names:
            if isinstance(plan.graph.op(name), Output) or is_alias(plan.graph, name):
                self.buffers[name] = self.buffers[plan.graph.sources(name)[0]]
        silent = {name for name, op in plan.graph.of(IntLIF).items() if op.reset == "none"}
        self._results = self.buffers | {name: self.membranes[name] for name in silent}

    def _rows(self, name: str, place: int) -> list[dict[str, int]]:
        """The rows of layer `name`, the first of which will be row `place`."""
        op = self.plan.graph.op(name)
        if isinstance(op, (IntInput, Output)) or is_alias(self.plan.graph, name):
            return []
        if isinstance(op, IntLIF):
            rows = self._neurons(name, op)
            self._neuron_rows[name] = place + len(rows) - 1
            return rows
        (source,) = self.plan.graph.sources(name)
        common = {
            "source": address(self.buffers[source]),
            "target": address(self.buffers[name]),
            "moving": source not in self._still,
            "once": name in self._still,
        }
        if isinstance(op, (IntDense, IntConv)):
            return [common | self._synapses(name)]
        if isinstance(op, Flatten):
            return [common | self._reordering(name, source)]
        return [common | self._delay(name)]

    def _synapses(self, name: str) -> dict[str, int]:
        packed = self.plan.synapses[name]
        space = packed.working_space(self.window * self.samples)
        self._owned.extend(space.values())
        return packed.fields | {name: address(values) for name, values in space.items()}

    def _reordering(self, name: str, source: str) -> dict[str, int]:
        """From the order of the source to the natural one."""
        signal, given = self.plan.signals[name], self.plan.signals[source]
        order = np.argsort(given.order) if given.order is not None else np.arange(signal.size)
        self._owned.append(aligned(order.astype(np.int64)))
        size = {np.dtype(np.uint8): 0, np.dtype(np.int64): 1}.get(signal.dtype, 2)
        return {"kind": table.GATHER, "size": signal.size, "wide": size, "order": address(self._owned[-1])}

    def _delay(self, name: str) -> dict[str, int]:
        signal, op = self.plan.signals[name], self.plan.graph.of(Delay)[name]
        self._lines.append((self.buffers[name], op.steps * signal.size, -signal.offset))
        return {"kind": table.DELAY, "size": signal.size * signal.dtype.itemsize, "delay": op.steps}

    def _neurons(self, name: str, op: IntLIF) -> list[dict[str, int]]:
        """Sums of groups of synapses where there are several, then the neurons."""
        parameters, size = self.plan.neurons[name], self.plan.signals[name].size
        sources = self.plan.graph.sources(name)
        rows: list[dict[str, int]] = []
        source, moving = (sources[0], sources[0] not in self._still) if sources else ("", False)
        given = self.buffers[source] if sources else self._new(size, self.plan.number)
        for other in sources[1:]:
            total = self._new(self.window * self.samples * size, self.plan.number)
            rows.append(
                {
                    "kind": table.ADD,
                    "size": size,
                    "source": address(given),
                    "moving": moving,
                    "second": address(self.buffers[other]),
                    "second_moving": other not in self._still,
                    "target": address(total),
                }
            )
            given, moving = total, True
        elements = self.samples * size
        u = self._new(elements if op.remembers_current else 1, self.plan.number)
        v, waiting = (
            self._new(elements, self.plan.number),
            self._new(elements if op.refractory else 1, np.int32),
        )
        self._states += [(u, 0), (v, parameters.initial), (waiting, 0)]
        self._named[name, "v"] = v
        if op.remembers_current:
            self._named[name, "u"] = u
        if op.refractory:
            self._named[name, "waiting"] = waiting
        membrane = self.membranes.get(name)
        places = {"u": u, "v": v, "waiting": waiting, "source": given, "target": self.buffers[name]}
        return [
            *rows,
            {
                **parameters.fields,
                **{field: address(array) for field, array in places.items()},
                "membrane": 0 if membrane is None else address(membrane),
                "driven": bool(sources),
                "moving": moving,
            },
        ]
