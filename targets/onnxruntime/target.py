"""ONNX Runtime as a back end: it executes the artefact's own ONNX model."""

from __future__ import annotations

from importlib.util import find_spec
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from neurodeploy.artifact import build_model
from neurodeploy.backend import IntArray, LayerTrace, Progress, Result, no_progress, require_stimulus
from neurodeploy.errors import BackendMissing, UnsupportedError
from neurodeploy.network import Network, Stimulus
from neurodeploy.threads import threads

CHUNK_ELEMENTS = 1 << 22
"""Largest number of elements that one call may hold in one tensor; a step of a layer holds about ten."""


class OnnxRuntime:
    """Runs the ONNX model on the CPU; with `trace`, a copy of it that also returns every layer."""

    name = "onnxruntime"
    summary = "the artefact itself, executed by ONNX Runtime on the CPU"

    def missing(self) -> str | None:
        """None, or how to install ONNX Runtime."""
        return None if find_spec("onnxruntime") else "onnxruntime is not installed: pip install onnxruntime"

    def run(
        self,
        network: Network,
        stimulus: Stimulus,
        *,
        trace: bool = False,
        current: bool = False,
        progress: Progress = no_progress,
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`; `UnsupportedError` where currents are asked for."""
        if current:
            raise UnsupportedError(
                "onnxruntime does not trace currents (u): the artefact's model keeps u only where it has a memory; "
                "use the engine or lava"
            )
        require_stimulus(network, stimulus)
        session = self.session(build_model(network, trace=trace))
        names = [output.name for output in session.get_outputs()]
        size = _batch(network, stimulus.steps, trace)
        start = perf_counter()
        parts = []
        for first in range(0, stimulus.samples, size):
            part = stimulus.select(slice(first, first + size))
            parts.append(session.run(names, {"x": _frames(part)}))
            progress(first + part.samples, stimulus.samples)
        joined = [np.concatenate(arrays, axis=1).astype(np.int64) for arrays in zip(*parts, strict=True)]
        return _result(network, dict(zip(names, joined, strict=True)), perf_counter() - start)

    def session(self, model: Any) -> Any:
        """An ONNX Runtime session that runs a model on as many threads as `neurodeploy.threads` says."""
        if (missing := self.missing()) is not None:
            raise BackendMissing(missing)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads()
        # Threads that wait in a loop halve the speed on a machine that does other things too.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = model.SerializeToString()
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _batch(network: Network, steps: int, trace: bool) -> int:
    """Samples of one call: its input has all steps, a layer only one unless it is traced."""
    widest = max(network.graph.types[name].size for name in network.graph.names)
    return max(1, CHUNK_ELEMENTS // max(steps * prod(network.input.shape), widest * (steps if trace else 1)))


def _frames(stimulus: Stimulus) -> Any:
    x = stimulus.x.astype(np.int32)
    if not stimulus.static:
        return x
    return np.ascontiguousarray(np.broadcast_to(x, (stimulus.steps, *x.shape)))


def _result(network: Network, outputs: dict[str, IntArray], seconds: float) -> Result:
    traces = {
        name: LayerTrace(outputs[f"{name}.s_trace"], outputs[f"{name}.v_trace"])
        for name in network.neurons
        if f"{name}.s_trace" in outputs
    }
    return Result("onnxruntime", outputs["spikes"], outputs.get("membrane"), seconds, traces)


ONNXRUNTIME = OnnxRuntime()
