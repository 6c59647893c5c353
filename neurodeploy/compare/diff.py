"""A float model against the network that was compiled from it: layer by layer, and stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Progress, no_progress
from neurodeploy.compare.advice import Advice, advise
from neurodeploy.compare.backends import Mismatch
from neurodeploy.compare.layers import LayerComparison, comparison, plain_decibel
from neurodeploy.compare.stages import STAGES, Measured, Subject, measure
from neurodeploy.errors import InputError
from neurodeploy.network import Network

if TYPE_CHECKING:
    import torch

    from neurodeploy.frontends.model import Model

TRACED_SAMPLES = 16
"""Samples with which a model is traced."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage over all samples: `accuracy` (None without labels), and predictions that are not the float model's."""

    name: str
    what: str
    accuracy: float | None
    changed_predictions: int


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """One layer of neurons at one stage, against the float model.

    `own_sqnr_db` is the SQNR of the potential for what this stage alone does to this layer alone: against the stage
    before, with exact inputs. `compared` is everything since the float model, and in all layers before this one.
    """

    layer: str
    stage: str
    own_sqnr_db: float
    compared: LayerComparison

    @property
    def sqnr_db(self) -> float:
        """That of `compared`."""
        return self.compared.sqnr_db

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; infinities become None with `exact` or `own_exact`."""
        return {
            "stage": self.stage,
            **self.compared.to_dict(),
            **plain_decibel(self.own_sqnr_db, "own_"),
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """Every layer at every stage, in the order in which they compute, over `samples` samples of `steps` steps.

    `backends` were compared with the integer machine; `mismatches` holds the first difference of each that is not
    equal. `advice` is what to try against `worst`.
    """

    samples: int
    steps: int
    stages: tuple[Stage, ...]
    layers: tuple[LayerLoss, ...]
    backends: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    advice: Advice

    @property
    def worst(self) -> LayerLoss:
        """The layer and the stage that lost most by themselves: lowest `own_sqnr_db`."""
        return min(self.layers, key=lambda one: one.own_sqnr_db)

    @property
    def equal(self) -> bool:
        """True when every back end gives what the integer machine gives."""
        return not self.mismatches

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "stages": [asdict(one) for one in self.stages],
            "layers": [one.to_dict() for one in self.layers],
            "worst": {"layer": self.worst.layer, "stage": self.worst.stage},
            "advice": self.advice.to_dict(),
            "backends": list(self.backends),
            "mismatches": [asdict(one) for one in self.mismatches],
            "equal": self.equal,
        }


def diff(
    model: torch.nn.Module | str | Model,
    network: Network,
    x: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    *,
    backends: Sequence[str] = (),
    time_axis: bool = False,
    progress: Progress = no_progress,
) -> Diff:
    """Run `model` in float and `network` in integers on real input `x`, and every stage between them.

    `x`: `(N, *shape)`, or `(T, N, *shape)` with `time_axis`; `labels` int `(N,)`. The stages are

    - float: the imported graph, the reference;
    - lowered: folded and composed, still in float;
    - input: the same on the integer input's grid;
    - weights: weights, thresholds, biases and decays replaced by what their integers stand for, still in float;
    - integer: the engine, which rounds every step;
    - each of `backends`, which must equal the engine.

    A layer that lowering made has no float stage; its reference is the lowered graph.

    Raises `InputError` where the two are not the same network or the input does not fit, `BackendMissing`.
    """
    subject = _subject(model, network, np.asarray(x), time_axis)
    found = measure(subject, tuple(name for name in backends if name != "engine"), progress)
    truth = None if labels is None else _labels(labels, subject.stimulus.samples)
    layers = _losses(found, network)
    worst = min(layers, key=lambda one: one.own_sqnr_db)
    advice = advise(subject.lowered, network, worst.layer, worst.stage, found.overflows.get(worst.layer, 0))
    return Diff(
        subject.stimulus.samples,
        network.steps,
        tuple(_stage(name, found.predictions, truth) for name in found.predictions),
        layers,
        found.backends,
        found.mismatches,
        advice,
    )


def _subject(
    model: torch.nn.Module | str | Model, network: Network, x: npt.NDArray[Any], time_axis: bool
) -> Subject:
    from neurodeploy.compiler import float_graph, open_any
    from neurodeploy.passes.lower import lower

    stimulus = network.stimulus(x, time_axis=time_axis)
    sample = (x[0] if time_axis else x)[:TRACED_SAMPLES]
    imported, _ = float_graph(open_any(model), sample, network.steps)
    return Subject.of(imported.graph, lower(imported.graph, []), network, x, stimulus)


def _labels(labels: npt.ArrayLike, samples: int) -> npt.NDArray[Any]:
    given = np.asarray(labels)
    if given.shape != (samples,):
        raise InputError(
            f"labels must be one class for each of {samples} samples, not an array {given.shape}"
        )
    return given


def _stage(name: str, predictions: Mapping[str, npt.NDArray[Any]], labels: npt.NDArray[Any] | None) -> Stage:
    accuracy = None if labels is None else float((predictions[name] == labels).mean())
    changed = int((predictions[name] != predictions["float"]).sum())
    return Stage(name, STAGES.get(name, "back end, must equal the integer machine"), accuracy, changed)


def _losses(found: Measured, network: Network) -> tuple[LayerLoss, ...]:
    return tuple(
        LayerLoss(layer, stage, found.own[stage][layer].sqnr_db, comparison(layer, sums[layer]))
        for layer in network.neurons
        for stage, sums in found.total.items()
        if layer in sums
    )
