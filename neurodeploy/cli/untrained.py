"""A network that is only a notation, such as `784-256-10`: its lowered graph, for what can be said before training."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neurodeploy.errors import BackendMissing, UsageError

if TYPE_CHECKING:
    from neurodeploy.ir import Graph
    from neurodeploy.network import Note

SIZES = re.compile(r"\d+(-\d+)+(,.*)?")
FAMILY = re.compile(r"[a-z][a-z0-9-]*(:[^:]*)?")
SAMPLES = 2
"""Random samples with which the graph is traced."""


def notation(name: str) -> str | None:
    """`mlp:784-256-10` of `784-256-10`, a notation of a model family as it is, None for anything else."""
    from importlib.util import find_spec

    if SIZES.fullmatch(name):
        return f"mlp:{name}"
    if not FAMILY.fullmatch(name) or find_spec("torch") is None:
        return None
    from neurodeploy.models.notation import FAMILIES

    return name if name.partition(":")[0] in FAMILIES else None


def untrained_graph(model: str, steps: int | None) -> tuple[Graph, tuple[Note, ...]]:
    """The graph with random weights, lowered to synapses and neurons, and what was assumed on the way.

    Raises `UsageError` for a notation that makes no sense or without --steps, `BackendMissing` without torch.
    """
    from importlib.util import find_spec

    if steps is None:
        raise UsageError(f"{model} does not say how many time steps a sample runs; give --steps T")
    if find_spec("torch") is None:
        raise BackendMissing(f"{model} needs torch: pip install torch==2.13.0")
    import numpy as np

    from neurodeploy.compiler import lowered_model
    from neurodeploy.frontends.model import TorchModel
    from neurodeploy.models.notation import build
    from neurodeploy.network import Note

    network = build(model)
    sample = np.random.default_rng(0).random((SAMPLES, *network.spec.input_shape), np.float32)
    graph, notes = lowered_model(TorchModel(network.eval(), model, steps), sample, steps)
    assumed = Note(
        "network", "untrained: random weights, none of them 0, of 8 bits; limits of values are not checked"
    )
    return graph, (assumed, *notes)
