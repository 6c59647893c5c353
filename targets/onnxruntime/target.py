"""ONNX Runtime as a back end: it executes the artefact's own ONNX model."""

from __future__ import annotations

from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from neurodeploy.artifact import build_model
from neurodeploy.backend import IntArray, LayerTrace, Progress, Result, no_progress
from neurodeploy.errors import BackendMissing
from neurodeploy.network import Network, Stimulus

CHUNK_ELEMENTS = 1 << 24
"""Largest number of input elements, (step, sample, feature), given to one call."""


class OnnxRuntime:
    """Runs the ONNX model on the CPU; with `trace`, a copy of it that also returns every layer."""

    name = "onnxruntime"
    summary = "the artefact itself, executed by ONNX Runtime on the CPU"

    def missing(self) -> str | None:
        """None, or how to install ONNX Runtime."""
        return None if find_spec("onnxruntime") else "onnxruntime is not installed: pip install onnxruntime"

    def run(
        self, network: Network, stimulus: Stimulus, *, trace: bool = False, progress: Progress = no_progress
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`."""
        session = self._session(network, trace)
        names = [output.name for output in session.get_outputs()]
        size = max(1, CHUNK_ELEMENTS // (stimulus.steps * max(1, int(np.prod(network.input.shape)))))
        start = perf_counter()
        parts = []
        for first in range(0, stimulus.samples, size):
            part = stimulus.select(slice(first, first + size))
            parts.append(session.run(names, {"x": _frames(part)}))
            progress(first + part.samples, stimulus.samples)
        joined = [np.concatenate(arrays, axis=1).astype(np.int64) for arrays in zip(*parts, strict=True)]
        return _result(network, dict(zip(names, joined, strict=True)), perf_counter() - start)

    def _session(self, network: Network, trace: bool) -> Any:
        if (missing := self.missing()) is not None:
            raise BackendMissing(missing)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        content = build_model(network, trace=trace).SerializeToString()
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _frames(stimulus: Stimulus) -> Any:
    x = stimulus.x.astype(np.int32)
    if not stimulus.static:
        return x
    return np.ascontiguousarray(np.broadcast_to(x, (stimulus.steps, *x.shape)))


def _result(network: Network, outputs: dict[str, IntArray], seconds: float) -> Result:
    traces = {
        name: LayerTrace(outputs[f"{name}.s.trace"], outputs[f"{name}.v.trace"])
        for name in network.neurons
        if f"{name}.s.trace" in outputs
    }
    return Result("onnxruntime", outputs["spikes"], outputs.get("membrane"), seconds, traces)


ONNXRUNTIME = OnnxRuntime()
