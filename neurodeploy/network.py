"""A compiled network: the integer graph and everything that is known about how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.ir import Graph, IntInput, IntLIF
from neurodeploy.ir.types import is_given_as
from neurodeploy.semantics import Registers

if TYPE_CHECKING:
    from neurodeploy.backend import Result, Stream

STEPS_MAX = 1 << 20
"""Most time steps that a sample may run."""


@dataclass(frozen=True, slots=True)
class Note:
    """One number that was rounded, clipped, rescaled or assumed: in which layer, and what happened."""

    layer: str
    what: str

    def __post_init__(self) -> None:
        if not (isinstance(self.layer, str) and isinstance(self.what, str)):
            raise InputError(f"a note must be two texts, not {self.layer!r} and {self.what!r}")

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}"


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Integer input of a run: `x` is `(N, *shape)` when `static` (the same every step), else `(T, N, *shape)`."""

    x: npt.NDArray[np.int64]
    steps: int
    static: bool
    clipped: int = 0

    @property
    def samples(self) -> int:
        """Number of samples N."""
        return int(self.x.shape[0 if self.static else 1])

    def frame(self, t: int) -> npt.NDArray[np.int64]:
        """Input of step t, `(N, *shape)`."""
        return self.x if self.static else self.x[t]

    def select(self, samples: slice) -> Stimulus:
        """The same for some of the samples."""
        x = self.x[samples] if self.static else self.x[:, samples]
        return Stimulus(x, self.steps, self.static)


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """An integer network for one target.

    `steps` is the number of time steps T a sample runs for; `registers` are the target's; `notes` lists
    every rounding and assumption; `provenance` says from what and how it was made (JSON values);
    `learning` is the record of learning on the chip, empty if there was none.
    """

    graph: Graph
    steps: int
    target: str
    registers: Registers = field(default_factory=Registers)
    notes: tuple[Note, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    learning: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.steps) is not int or not 1 <= self.steps <= STEPS_MAX:
            raise InputError(
                f"the number of time steps must be an integer in 1..{STEPS_MAX}, not {self.steps!r}"
            )

    @property
    def input(self) -> IntInput:
        """The input operation."""
        return next(iter(self.graph.of(IntInput).values()))

    @property
    def neurons(self) -> dict[str, IntLIF]:
        """The layers of neurons, in the order in which they compute."""
        return self.graph.of(IntLIF)

    @property
    def is_readout(self) -> bool:
        """True when the result is a membrane potential, not spikes."""
        return self.graph.types[self.graph.output].signal == "potential"

    def stimulus(self, x: npt.ArrayLike, *, time_axis: bool = False) -> Stimulus:
        """Real input to integers, by the input operation's scale; what was clipped is counted.

        `x`: `(N, *shape)` static, or `(T, N, *shape)` with `time_axis`. Raises `InputError` for another
        shape, for no samples, and for NaN or infinite values.
        """
        return quantize_input(self.input, np.asarray(x), self.steps, time_axis)

    def run(
        self,
        x: npt.ArrayLike,
        *,
        backend: str = "engine",
        time_axis: bool = False,
        trace: bool = False,
        current: bool = False,
    ) -> Result:
        """Run real input `x` on a back end, see `neurodeploy.backend.run`."""
        from neurodeploy.backend import run

        return run(self, x, backend=backend, time_axis=time_axis, trace=trace, current=current)

    def stream(self, batch: int = 1, *, backend: str = "engine") -> Stream:
        """Run `batch` samples step by step, with the state between steps in your hands, for closed loops.

        Raises `UsageError` for a back end that has no streams.
        """
        from neurodeploy.backend import stream

        return stream(self, batch, backend)

    def save(self, path: str | Path) -> None:
        """Write the artefact, one `.onnx` file; atomic and deterministic."""
        from neurodeploy.artifact import save

        save(self, Path(path))

    def __repr__(self) -> str:
        return f"Network for {self.target}, {self.steps} steps:\n{self.graph!r}"


def quantize_input(op: IntInput, x: npt.NDArray[Any], steps: int, time_axis: bool) -> Stimulus:
    """x_q = clip(round_half_even(x * levels), low, high) as a `Stimulus`; see `Network.stimulus`."""
    if x.dtype.kind not in "biuf":
        raise InputError(f"the data must be numbers, not {x.dtype}")
    lead = 2 if time_axis else 1
    if not is_given_as(op.shape, x.shape[lead:]):
        axes = "(steps, samples, *shape)" if time_axis else "(samples, *shape)"
        raise InputError(
            f"the network takes samples of shape {op.shape}, not {x.shape[lead:]} (array {axes}: {x.shape}); "
            "reshape them"
        )
    if x.shape[lead - 1] == 0:
        raise InputError("the data hold 0 samples; at least 1 is needed")
    if time_axis and x.shape[0] != steps:
        raise InputError(f"the data have {x.shape[0]} time steps; the network runs {steps}")
    if not np.isfinite(x).all():
        raise InputError(f"the data hold {int((~np.isfinite(x)).sum())} values that are NaN or infinite")
    grid = np.rint(np.asarray(x, np.float64).reshape(*x.shape[:lead], *op.shape) * op.levels)
    x_q = np.clip(grid, op.low, op.high)
    return Stimulus(x_q.astype(np.int64), steps, not time_axis, int(np.count_nonzero(grid != x_q)))
