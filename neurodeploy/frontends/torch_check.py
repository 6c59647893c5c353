"""The traced graph against the module it came from, on real input."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from neurodeploy.errors import InputError
from neurodeploy.ir import Graph
from neurodeploy.ir.interpreter import interpret

CHECK_SAMPLES = 32


def check_against_module(module: torch.nn.Module, graph: Graph, steps: int, sample: Any) -> None:
    """Run module and graph on up to 32 samples in double precision; every output must agree.

    Spikes must be equal and readout sums within 1e-9 of their size. Raises `InputError` with the first place
    where they differ.
    """
    x = np.asarray(sample, np.float64)[:CHECK_SAMPLES]
    given = _run_module(module, x, steps)
    result = interpret(graph, x, steps, dtype=np.float64)
    if result.is_readout:
        given, ours = np.cumsum(given, axis=0), result.membrane[result.output]
    else:
        ours = result.spikes[result.output]
    if given.shape != ours.shape:
        raise InputError(f"the module returns {given.shape[1:]} a time step, its graph {ours.shape[1:]}")
    wrong = np.argwhere(~np.isclose(given, ours, rtol=1e-9, atol=1e-9))
    if len(wrong):
        t, n, neuron = (int(i) for i in wrong[0])
        raise InputError(
            f"the traced graph does not compute what the module does: {len(wrong)} of {ours.size} outputs differ, "
            f"first at step {t}, sample {n}, output {neuron}: module {given[t, n, neuron]:.9g}, "
            f"graph {ours[t, n, neuron]:.9g}"
        )


def _run_module(module: torch.nn.Module, x: np.ndarray[Any, np.dtype[np.float64]], steps: int) -> Any:
    """Outputs of every time step, `(T, N, out)`, of a copy of the module in double precision."""
    double = copy.deepcopy(module).double()
    for layer in double.modules():
        reset = getattr(layer, "reset", None)
        if layer is not double and callable(reset):
            reset()
    with torch.no_grad():
        frame = torch.from_numpy(x)
        return np.stack([double(frame).numpy() for _ in range(steps)])
