"""The graph against the module it came from, on real input."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from neurodeploy.errors import InputError
from neurodeploy.frontends.torch.one_step import OneStep
from neurodeploy.frontends.torch.walker import Built
from neurodeploy.ir import Conv, Dense, Graph, Input
from neurodeploy.ir.interpreter import interpret

CHECK_SAMPLES = 32
CHECK_PRODUCTS = 2e10
"""Most products of weight and input that a check makes: of a large network it runs fewer samples, at least 1."""

Array = npt.NDArray[np.float64]


def check_against_module(step: OneStep, built: Built, steps: int, sample: Any) -> None:
    """Run module and graph from rest on up to 32 samples in double precision; every output must agree.

    Spikes must be equal, potentials and sums within 1e-9 of their size. Raises `InputError` with the first place
    where they differ.
    """
    x = np.asarray(sample, np.float64)[: samples_within(built.graph, steps)]
    given = _run_module(step, x, steps)
    shape = next(iter(built.graph.of(Input).values())).shape
    result = interpret(built.graph, x.reshape(-1, *shape), steps, dtype=np.float64)
    ours = (result.membrane if result.is_readout else result.spikes)[result.output]
    if given.shape != ours.shape:
        raise InputError(f"the module returns {given.shape[1:]} a time step, its graph {ours.shape[1:]}")
    _compare(np.cumsum(given, axis=0) if built.summed else given, ours)


def samples_within(graph: Graph, steps: int) -> int:
    """Samples that a check runs; see `CHECK_PRODUCTS`."""
    products = sum(op.weight.size for op in graph.of(Dense).values())
    for name, op in graph.of(Conv).items():
        products += op.weight.size * int(np.prod(graph.types[name].shape[1:]))
    return int(np.clip(CHECK_PRODUCTS // max(products * steps, 1), 1, CHECK_SAMPLES))


def _compare(given: Array, ours: Array) -> None:
    given, ours = (values.reshape(*values.shape[:2], -1) for values in (given, ours))
    wrong = np.argwhere(~np.isclose(given, ours, rtol=1e-9, atol=1e-9))
    if len(wrong):
        t, n, neuron = (int(i) for i in wrong[0])
        raise InputError(
            f"the traced graph does not compute what the module does: {len(wrong)} of {ours.size} outputs differ, "
            f"first at step {t}, sample {n}, output {neuron}: module {given[t, n, neuron]:.9g}, "
            f"graph {ours[t, n, neuron]:.9g}"
        )


def _run_module(step: OneStep, x: Array, steps: int) -> Array:
    """Outputs of every time step, `(T, N, *out)`."""
    hooks = [layer.register_forward_pre_hook(_in_double) for layer in step.modules()]
    try:
        with torch.no_grad():
            results = step.run(torch.from_numpy(x), steps)
            return np.stack([result.double().numpy() for result in results])
    except Exception as error:  # the user's code may raise anything
        raise InputError(
            f"{type(step.net).__name__} cannot run the sample {x.shape}: {type(error).__name__}: {error}"
        ) from None
    finally:
        for hook in hooks:
            hook.remove()


def _in_double(layer: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs of a layer in double precision; some frameworks make their spikes in single precision."""
    return tuple(v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for v in given)
