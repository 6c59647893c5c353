"""Does a pass keep the function? Both graphs run the same sample, and every spike is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import NeurodeployError
from neurodeploy.ir import LIF, Graph, Readout
from neurodeploy.ir.interpreter import FloatResult, interpret

Array = npt.NDArray[Any]

TIE = 2.0**-20
"""What counts as the same potential, relative to the largest of the layer: 16 roundings of float32 weights."""


@dataclass(frozen=True, slots=True)
class SpikeCheck:
    """A check between two passes: `same_spikes` on one sample. `ties` is what it has counted so far."""

    sample: Array
    steps: int
    time_axis: bool = False
    ties: list[int] = field(default_factory=list, compare=False)

    def __call__(self, before: Graph, after: Graph) -> None:
        """Compare two float graphs; raises as `same_spikes` does."""
        self.ties.append(same_spikes(before, after, self.sample, self.steps, time_axis=self.time_axis))


def same_spikes(
    before: Graph, after: Graph, sample: npt.ArrayLike, steps: int, *, time_axis: bool = False
) -> int:
    """Run both graphs in float64 on `sample` `(N, *shape)`, or `(T, N, *shape)` with `time_axis`, and compare.

    Spikes of every layer that both have must be equal, and potentials of readouts equal but for rounding. A spike
    may differ where the potential is at the threshold but for the rounding of weights (`TIE`); what follows in that
    sample is not compared any more. Returns how many samples were left at such a tie.

    Raises `NeurodeployError` naming layer, step, sample, neuron and both potentials.
    """
    runs = tuple(interpret(g, sample, steps, time_axis=time_axis, dtype=np.float64) for g in (before, after))
    layers = [n for n in before.names if n in after.names and isinstance(before.op(n), (LIF, Readout))]
    compared = {name: _Compared(name, (before.op(name), after.op(name)), *runs) for name in layers}
    samples = next(iter(compared.values())).samples if compared else 0
    going = np.ones(samples, bool)
    for t in range(steps):
        for one in compared.values():
            going &= ~one.ties(t, going)
    return int(samples - going.sum())


class _Compared:
    """One layer in both runs; all arrays `(T, N, n)`."""

    def __init__(self, name: str, ops: tuple[Any, Any], before: FloatResult, after: FloatResult) -> None:
        self._name = name
        self._ops: tuple[LIF | Readout, LIF | Readout] = ops
        membranes = [run.membrane[name] for run in (before, after)]
        self._v: list[Array] = [v.reshape(*v.shape[:2], -1) for v in membranes]
        self._s: list[Array] = [
            run.spikes[name].reshape(v.shape) if name in run.spikes else np.zeros_like(v)
            for run, v in zip((before, after), self._v, strict=True)
        ]
        limits = [op.threshold.max() for op in ops if isinstance(op, LIF)]
        self._tolerance = TIE * max(*limits, *(np.abs(v).max() for v in self._v))

    @property
    def samples(self) -> int:
        return int(self._v[0].shape[1])

    def ties(self, t: int, going: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Samples in which a spike of step t differs at a tie; raises where one differs for another reason."""
        differs = self._s[0][t] != self._s[1][t]
        if isinstance(self._ops[0], Readout):
            differs = np.abs(self._v[0][t] - self._v[1][t]) > self._tolerance
        differs = differs & going[:, np.newaxis]
        for n, i in np.argwhere(differs):
            if not self._is_tie(t, int(n), int(i)):
                raise self._fault(t, int(n), int(i))
        tied: npt.NDArray[np.bool_] = differs.any(axis=1)
        return tied

    def _is_tie(self, t: int, n: int, i: int) -> bool:
        if isinstance(self._ops[0], Readout):
            return False
        return all(self._to_threshold(which, t, n, i) <= self._tolerance for which in (0, 1))

    def _to_threshold(self, which: int, t: int, n: int, i: int) -> float:
        """Distance of the potential to where its number of spikes changes; 0 where it is not known."""
        u, op = self._potential(which, t, n, i), self._ops[which]
        if u is None or not isinstance(op, LIF):
            return 0.0
        above, each = u - _at(op, op.threshold, i), _at(op, op.subtracts, i)
        return abs(above - each * min(max(round(above / each), 0), op.max_spikes - 1))

    def _potential(self, which: int, t: int, n: int, i: int) -> float | None:
        """What was compared with the threshold; a reset to zero leaves nothing of it."""
        v, s, op = float(self._v[which][t, n, i]), float(self._s[which][t, n, i]), self._ops[which]
        if not s or not isinstance(op, LIF):
            return v
        return v + s * _at(op, op.subtracts, i) if op.reset == "subtract" else None

    def _fault(self, t: int, n: int, i: int) -> NeurodeployError:
        neuron = ", ".join(str(k) for k in np.unravel_index(i, self._ops[0].shape))
        told = [self._told(which, t, n, i) for which in (0, 1)]
        return NeurodeployError(
            f"layer '{self._name}', step {t}, sample {n}, neuron ({neuron}): {told[0]} before the pass, "
            f"{told[1]} after it. This is a fault in neurodeploy; please report it"
        )

    def _told(self, which: int, t: int, n: int, i: int) -> str:
        u = self._potential(which, t, n, i)
        potential = "a potential that the reset took" if u is None else f"potential {u:.17g}"
        spikes = f"{self._s[which][t, n, i]:g} spikes at "
        return potential if isinstance(self._ops[which], Readout) else spikes + potential


def _at(op: LIF, values: Array, i: int) -> float:
    return float(np.broadcast_to(values, op.shape).flat[i])
