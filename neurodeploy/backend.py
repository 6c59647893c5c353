"""What a back end is, what a run yields, and the registry of those that are installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import BackendMissing, InputError, UsageError
from neurodeploy.network import STEPS_MAX, Network, Stimulus
from neurodeploy.semantics.learning import LayerStatistics, LearningState, ThreeFactorRule

GROUP = "neurodeploy.targets"
Progress = Callable[[int, int], None]
OnSnapshot = Callable[[int, "Learned"], None]
IntArray = npt.NDArray[np.int64]
CACHED_ELEMENTS = 1 << 16
"""Numbers of 64 bits that a second cache holds."""


def no_progress(done: int, total: int) -> None:
    """Report nothing."""


def no_snapshot(samples: int, learned: Learned) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """What one layer of neurons of `shape` did, both int64 `(T, N, *shape)`.

    `spikes` of each step, 0/1 or counts where neurons fire several times a step, 0 for a readout; `membrane` is
    the potential at the end of each step, after the reset; `current` is u at the end of each step, after what a spike
    clears, None where it was not asked for.
    """

    spikes: IntArray
    membrane: IntArray
    current: IntArray | None = None

    @staticmethod
    def joined(parts: Sequence[LayerTrace]) -> LayerTrace:
        """One trace of samples that ran part after part."""
        currents = [part.current for part in parts if part.current is not None]
        return LayerTrace(
            np.concatenate([part.spikes for part in parts], axis=1),
            np.concatenate([part.membrane for part in parts], axis=1),
            np.concatenate(currents, axis=1) if currents else None,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a run gives, in model time (no back end's hop delays).

    `spikes` int64 `(T, N, *out)`, 0 for a readout; `membrane` int64 `(T, N, *out)` where the output is a readout,
    else None; `traces` by layer name when asked for; `overflows` counts, by layer, the values of u or v that a register
    could not hold (None where the back end cannot count); `seconds` is the time of the run itself.
    """

    backend: str
    spikes: IntArray
    membrane: IntArray | None
    seconds: float
    traces: Mapping[str, LayerTrace] = field(default_factory=dict)
    overflows: Mapping[str, int] | None = None

    @property
    def prediction(self) -> IntArray:
        """Class of each sample `(N,)`: the largest potential at the last step, or the most spikes.

        Ties go to the lowest index.
        """
        score: IntArray = self.membrane[-1] if self.membrane is not None else self.spikes.sum(axis=0)
        prediction: IntArray = score.reshape(len(score), -1).argmax(axis=1)
        return prediction

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the predictions and counts, without the arrays."""
        steps, samples = self.spikes.shape[:2]
        return {
            "backend": self.backend,
            "steps": steps,
            "samples": samples,
            "prediction": self.prediction.tolist(),
            "overflows": None if self.overflows is None else dict(self.overflows),
            "seconds": self.seconds,
        }

    def __repr__(self) -> str:
        steps, samples = self.spikes.shape[:2]
        return f"Result({self.backend}: {samples} samples, {steps} steps, {self.seconds:.3f} s)"


@dataclass(frozen=True, slots=True)
class Learned:
    """What learning on a back end gives, at its end or after some of the samples.

    `state` holds the weights and all else that learning goes on from; `prediction` int64 `(n,)` is the class that the
    network gave each sample before it learned from it, or while it did when weights change in every step; `changed` is
    the number of weight changes, one a synapse and update; `seconds` the time so far; `statistics` counts by learning
    group (None where the back end does not count).
    """

    state: LearningState
    prediction: IntArray
    changed: int
    seconds: float
    statistics: Mapping[str, LayerStatistics] | None = None


@runtime_checkable
class Backend(Protocol):
    """One way of executing a compiled network."""

    name: str
    summary: str

    def missing(self) -> str | None:
        """None when it can run here; otherwise what is missing and the exact command that installs it."""
        ...

    def run(
        self,
        network: Network,
        stimulus: Stimulus,
        *,
        trace: bool = False,
        current: bool = False,
        progress: Progress = no_progress,
    ) -> Result:
        """Run every sample for `stimulus.steps` steps from the reset state.

        `trace` keeps the spikes and potentials of every layer of neurons, `current` with it their currents too.
        Raises `InputError` for a stimulus that is not the network's (`require_stimulus`), `FitError` and
        `UnsupportedError` for a network that the back end cannot compute exactly.
        """
        ...


@runtime_checkable
class DeviceBackend(Backend, Protocol):
    """A back end that runs on several devices; `NAME:DEVICE` is it on one of them."""

    def on(self, device: str) -> Backend:
        """The same back end on this device."""
        ...


@runtime_checkable
class LearningBackend(Backend, Protocol):
    """A back end on which synapses can learn."""

    def learn(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        *,
        start: LearningState | None = None,
        snapshot_at: tuple[int, ...] = (),
        on_snapshot: OnSnapshot = no_snapshot,
        progress: Progress = no_progress,
    ) -> Learned:
        """Present the samples one after the other and learn from each; the network given stays as it is.

        `start` is the state that earlier learning ended in (None: the network's weights, no update yet).
        `snapshot_at` names numbers of samples (1 = after the first) for which `on_snapshot` is told what was learned
        so far, in order, while learning goes on or right after it.
        """
        ...


class Stream(Protocol):
    """A network that runs step by step, `batch` samples side by side, for as many steps as wanted."""

    def step(self, x: npt.ArrayLike) -> IntArray:
        """One step for real input `(batch, *shape)`: spikes, or potentials of a readout, int64 `(batch, *out)`."""
        ...

    def step_q(self, x_q: npt.ArrayLike) -> IntArray:
        """One step for integers `(batch, *shape)` within the range of the input."""
        ...

    def state(self) -> dict[str, IntArray]:
        """A copy of all that the next step depends on."""
        ...

    def restore(self, state: Mapping[str, IntArray]) -> None:
        """Go on from such a state."""
        ...

    def reset(self) -> None:
        """Back to the reset state."""
        ...


@runtime_checkable
class StreamingBackend(Backend, Protocol):
    """A back end that can run step by step."""

    def stream(self, network: Network, batch: int = 1) -> Stream:
        """A stream from the reset state."""
        ...


def stream(network: Network, batch: int, backend: str) -> Stream:
    """See `Network.stream`."""
    found = get_backend(backend)
    if not isinstance(found, StreamingBackend):
        raise UsageError(f"back end {backend!r} has no streams; 'engine' has")
    return found.stream(network, batch)


def run(
    network: Network,
    x: npt.ArrayLike,
    *,
    backend: str = "engine",
    time_axis: bool = False,
    trace: bool = False,
    current: bool = False,
) -> Result:
    """Run real input `x`, `(N, *shape)`, or `(T, N, *shape)` with `time_axis`, on a back end.

    With `trace` every layer's spikes and potentials are kept, with `current` too its currents.
    Raises `UsageError` for an unknown back end,
    `BackendMissing` for one that is not installed, `InputError` for input of another shape.
    """
    found = get_backend(backend)
    if (missing := found.missing()) is not None:
        raise BackendMissing(missing)
    return found.run(network, network.stimulus(x, time_axis=time_axis), trace=trace, current=current)


def require_stimulus(network: Network, stimulus: Stimulus) -> None:
    """Raise `InputError` for a stimulus without integers, or whose shape, steps or range are not the network's."""
    op, x = network.input, stimulus.x
    if x.dtype.kind not in "iu":
        raise InputError(
            f"the network takes integers, not {x.dtype}; make the stimulus with Network.stimulus"
        )
    if not 1 <= stimulus.steps <= STEPS_MAX:
        raise InputError(f"a sample runs for 1..{STEPS_MAX} time steps, not {stimulus.steps}")
    lead = 1 if stimulus.static else 2
    if x.shape[lead:] != op.shape or x.ndim != lead + len(op.shape) or 0 in x.shape:
        raise InputError(f"the network takes integers of shape {op.shape} a step, not an array {x.shape}")
    if not stimulus.static and len(x) != stimulus.steps:
        raise InputError(f"the input has {len(x)} time steps, but {stimulus.steps} are to be run")
    low, high = _extremes(x)
    if low < op.low or high > op.high:
        raise InputError(
            f"the input holds values {low}..{high}, but the network was compiled for {op.low}..{op.high}; "
            f"make it with Network.stimulus"
        )


def _extremes(x: IntArray) -> tuple[int, int]:
    """Smallest and largest value, in parts that the processor's cache holds for the second look."""
    rows = max(1, CACHED_ELEMENTS // x[0].size)
    parts = [x[first : first + rows] for first in range(0, len(x), rows)]
    ends = [(int(part.min()), int(part.max())) for part in parts]
    return min(low for low, _ in ends), max(high for _, high in ends)


@cache
def backend_entries() -> dict[str, EntryPoint]:
    """The registered back ends by name, without importing any; found once: every installed package is looked at."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)}


def get_backend(name: str) -> Backend:
    """Import and return a back end, `NAME` or `NAME:DEVICE`; raises `UsageError` for an unknown name."""
    entries = backend_entries()
    kind, colon, device = name.partition(":")
    if kind not in entries:
        raise UsageError(f"there is no back end {kind!r}; there are: {', '.join(entries) or 'none'}")
    found: Any = entries[kind].load()
    backend: Backend = found
    if not colon:
        return backend
    if not device:
        raise UsageError(
            f"back end {name!r}: no device is named behind the colon; without it, it is {kind!r}"
        )
    if not isinstance(backend, DeviceBackend):
        raise UsageError(f"back end {kind!r} has no devices to choose from, such as {device!r}; 'torch' has")
    return backend.on(device)
