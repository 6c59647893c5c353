"""A network's single time step as an export of `neurodeploy export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.artifact.onnx_step import build_step_model, step_states
from neurodeploy.exporter import Exporter
from neurodeploy.files import write_atomic
from neurodeploy.network import Network, Note


def _write(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    """Write the model; the notes say with what each state begins."""
    write_atomic(path, build_step_model(network).SerializeToString(deterministic=True))
    return tuple(
        Note(
            name.rsplit(".", 1)[0],
            f"state {state.before} -> {state.after} begins with {_begin(network, state.start)}",
        )
        for name, state in step_states(network).items()
    )


def _begin(network: Network, start: int | str) -> str:
    if isinstance(start, int):
        return str(start)
    values: Any = network.neurons[start.rsplit(".", 1)[0]].initial_q
    return f"the initializer {start} ({np.min(values)}..{np.max(values)})"


EXPORTER = Exporter("an ONNX model of one time step, state in and out", _write)
