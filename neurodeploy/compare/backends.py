"""The same network on several back ends, array by array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Backend, IntArray, Progress, Result, get_backend, no_progress
from neurodeploy.errors import BackendMissing, MismatchError, UsageError
from neurodeploy.network import Network, Stimulus

BACKENDS = ("engine", "onnxruntime", "lava")
KINDS = ("spikes", "membrane")
VALUES_AT_ONCE = 1 << 26
"""Most spikes and potentials of a back end that are held at a time, half a GiB, but for those of a single sample.

Much, since every part starts back ends such as Lava anew.
"""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first place where two back ends differ: earliest layer, then earliest step.

    `what` is 'spikes' or 'membrane'; `neuron` counts the layer's neurons, last axis fastest; `differing` of
    `compared` values of this array differ.
    """

    first_backend: str
    second_backend: str
    layer: str
    what: str
    step: int
    sample: int
    neuron: int
    first_value: int
    second_value: int
    differing: int
    compared: int

    def __str__(self) -> str:
        return (
            f"layer '{self.layer}', {self.what}, step {self.step}, sample {self.sample}, neuron {self.neuron}: "
            f"{self.first_backend} {self.first_value}, {self.second_backend} {self.second_value} "
            f"({self.differing} of {self.compared} values of this layer differ)"
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared: spikes and membrane potentials of every layer of neurons.

    `compared` counts values per pair of back ends; `seconds` is each back end's run; `mismatches` holds the
    first difference of each back end from the first one, and is empty when all are equal. `overflows` is the
    number of values that a register could not hold, by back end that counts them. `predictions` are the
    classes, int64 `(N,)`.
    """

    backends: tuple[str, ...]
    samples: int
    steps: int
    compared: int
    seconds: tuple[float, ...]
    mismatches: tuple[Mismatch, ...]
    overflows: Mapping[str, int]
    predictions: IntArray

    @property
    def equal(self) -> bool:
        """True when every value of every back end is the same."""
        return not self.mismatches

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the predictions."""
        return {
            "backends": list(self.backends),
            "samples": self.samples,
            "steps": self.steps,
            "compared_values": self.compared,
            "seconds": dict(zip(self.backends, self.seconds, strict=True)),
            "mismatches": [asdict(m) for m in self.mismatches],
            "overflows": dict(self.overflows),
            "equal": self.equal,
        }

    def __str__(self) -> str:
        verdict = "0 mismatches" if self.equal else "; ".join(str(m) for m in self.mismatches)
        lost = ", ".join(f"{name} counts {n} overflows" for name, n in self.overflows.items() if n)
        return (
            f"{' = '.join(self.backends) if self.equal else ', '.join(self.backends)} on {self.samples} samples, "
            f"{self.steps} steps, {self.compared} values each: {verdict}"
            f"{'; ' + lost if lost else ''}"
        )


def compare(
    network: Network,
    stimulus: Stimulus,
    backends: Sequence[str] = BACKENDS,
    progress: Callable[[str], Progress] = lambda name: no_progress,
) -> Verification:
    """Run every back end on the same integers and compare each with the first, layer by layer.

    Samples run in parts of at most `VALUES_AT_ONCE` values, so that memory does not grow with their number.
    Raises `UsageError` for fewer than two back ends or an unknown one, `BackendMissing` for one that is not
    installed.
    """
    if len(set(backends)) < 2 or len(set(backends)) != len(backends):
        raise UsageError(f"verify needs at least two different back ends, not {','.join(backends)!r}")
    found = installed(backends)
    totals = [_Total(backend, progress) for backend in found]
    values = 2 * stimulus.steps * sum(prod(op.shape) for op in network.neurons.values())
    size = max(1, VALUES_AT_ONCE // values)
    for begin in range(0, stimulus.samples, size):
        part = slice(begin, min(begin + size, stimulus.samples))
        first = totals[0].run(network, stimulus, part)
        for other in totals[1:]:
            other.add(differences(network, first, other.run(network, stimulus, part), begin))
    return Verification(
        tuple(backends),
        stimulus.samples,
        stimulus.steps,
        values * stimulus.samples,
        tuple(total.seconds for total in totals),
        tuple(m for total in totals[1:] if (m := total.first(network, stimulus)) is not None),
        {total.backend.name: total.overflows for total in totals if total.overflows is not None},
        np.concatenate(totals[0].predictions),
    )


Place = tuple[str, str]
"""A layer, and what of it: 'spikes' or 'membrane'."""


@dataclass
class _Total:
    """What one back end gave in all parts so far, and where it differed from the first one."""

    backend: Backend
    announce: Callable[[str], Progress]
    progress: Progress = no_progress
    seconds: float = 0.0
    overflows: int | None = 0
    predictions: list[IntArray] = field(default_factory=list)
    found: dict[Place, Mismatch] = field(default_factory=dict)

    def run(self, network: Network, stimulus: Stimulus, part: slice) -> Result:
        """Run the samples of a part."""
        if part.start == 0:
            self.progress = self.announce(self.backend.name)

        def onward(done: int, _: int) -> None:
            self.progress(part.start + done, stimulus.samples)

        result = self.backend.run(network, stimulus.select(part), trace=True, progress=onward)
        counted = result.overflows
        lost = self.overflows is None or counted is None
        self.overflows = None if lost else (self.overflows or 0) + sum((counted or {}).values())
        self.seconds += result.seconds
        self.predictions.append(result.prediction)
        return result

    def add(self, more: Mapping[Place, Mismatch]) -> None:
        """Differences of another part: of each array the earliest step counts."""
        for place, one in more.items():
            before = self.found.get(place, one)
            earliest = min(before, one, key=lambda m: (m.step, m.sample))
            differing = one.differing + (before.differing if place in self.found else 0)
            self.found[place] = replace(earliest, differing=differing)

    def first(self, network: Network, stimulus: Stimulus) -> Mismatch | None:
        """The first difference in the order in which layers compute; None when all is equal."""
        for layer, op in network.neurons.items():
            for what in KINDS:
                if (layer, what) in self.found:
                    compared = stimulus.steps * stimulus.samples * prod(op.shape)
                    return replace(self.found[layer, what], compared=compared)
        return None


def installed(backends: Sequence[str]) -> list[Backend]:
    """The back ends by name; raises `BackendMissing` for one that is not installed, `UsageError` for an unknown one."""
    found = [get_backend(name) for name in backends]
    for backend in found:
        if (missing := backend.missing()) is not None:
            raise BackendMissing(missing)
    return found


def verify(
    network: Network, x: npt.ArrayLike, backends: Sequence[str] = BACKENDS, *, time_axis: bool = False
) -> Verification:
    """Compare back ends on real input `x`, `(N, *shape)`, or `(T, N, *shape)` with `time_axis`.

    Raises `MismatchError` that names layer, step, sample, neuron and both values.
    """
    done = compare(network, network.stimulus(x, time_axis=time_axis), backends)
    if not done.equal:
        raise MismatchError(str(done))
    return done


def first_mismatch(network: Network, first: Result, second: Result, begin: int = 0) -> Mismatch | None:
    """The first difference in the order in which layers compute, then by step; samples count from `begin`."""
    return next(iter(differences(network, first, second, begin).values()), None)


def differences(network: Network, first: Result, second: Result, begin: int = 0) -> dict[Place, Mismatch]:
    """The first difference of each array that differs, by step; samples count from `begin`."""
    found = {}
    for layer in network.neurons:
        for what in KINDS:
            a, b = getattr(first.traces[layer], what), getattr(second.traces[layer], what)
            if a.shape != b.shape:
                raise MismatchError(
                    f"layer '{layer}', {what}: {first.backend} has shape {a.shape}, {second.backend} {b.shape}"
                )
            if not np.array_equal(a, b):
                one = _locate(first.backend, second.backend, layer, what, a, b)
                found[layer, what] = replace(one, sample=begin + one.sample)
    return found


def _locate(first: str, second: str, layer: str, what: str, a: IntArray, b: IntArray) -> Mismatch:
    a, b = (values.reshape(*values.shape[:2], -1) for values in (a, b))
    different = a != b
    t, n, neuron = (int(i) for i in np.unravel_index(int(np.argmax(different)), a.shape))
    return Mismatch(
        first,
        second,
        layer,
        what,
        t,
        n,
        neuron,
        int(a[t, n, neuron]),
        int(b[t, n, neuron]),
        int(different.sum()),
        a.size,
    )
