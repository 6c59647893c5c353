"""The steps of an import: a copy of the module, its trace, the graph, and the comparison of both."""

from __future__ import annotations

from typing import Any

import torch

from neurodeploy.errors import InputError, NeurodeployError, UnsupportedError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.torch.check import check_against_module
from neurodeploy.frontends.torch.copies import copied
from neurodeploy.frontends.torch.one_step import OneStep
from neurodeploy.frontends.torch.tracer import LayerTracer
from neurodeploy.frontends.torch.walker import Walker
from neurodeploy.ir import Shape
from neurodeploy.network import Note


def import_torch(module: torch.nn.Module, shape: Shape, steps: int, sample: Any) -> Imported:
    """The float graph of `module`, whose `forward` takes one time step `(N, *shape)` and returns one.

    Layers may keep their states themselves or take and return them: `forward(x, *states) -> (out, *states)`, where
    states are None at first. `sample` is real input, `(N, *shape)`, for the check: module and graph run `steps` time
    steps in double precision and must give the same numbers. A last layer without neurons is read out by its sum
    over time, which becomes a `Readout` with decay 1. The module is not changed.

    Raises `UnsupportedError` for a layer or operation without a meaning in the graph, `InputError` where module
    and graph differ.
    """
    notes: list[Note] = []
    step = OneStep(copied(module, notes))
    try:
        traced = LayerTracer().trace(step)
    except NeurodeployError:
        raise
    except Exception as error:
        raise _untraceable(step, error) from None
    built = Walker(step, shape, notes).walk(traced)
    try:
        check_against_module(step, built, steps, sample)
    except InputError as error:
        raise type(error)("; ".join((str(error), *built.suspicions))) from None
    return Imported(built.graph, tuple(notes))


def _untraceable(step: OneStep, error: Exception) -> UnsupportedError:
    if step.required:
        return step.second_input()
    return UnsupportedError(
        f"{type(step.net).__name__} cannot be traced ({type(error).__name__}: {error}); its forward must be one "
        "time step without control flow that depends on data"
    )
