"""From which share of active inputs on a list of them is slower than the block: the measurement behind `SPARSE_BELOW`.

    OMP_NUM_THREADS=1 python benchmarks/engine_sparse.py

Processor time of lists over that of blocks, for dense layers and shares of groups of four inputs that are not all 0.
"""

from __future__ import annotations

import numpy as np
from engine import chained, fastest

from neurodeploy.network import Stimulus
from neurodeploy.targets.engine.compiled import pack

STEPS, BATCH = 16, 32
LAYERS = ((128, 128), (200, 256), (784, 512), (1024, 1024), (3136, 1024))
ACTIVE = (0.02, 0.05, 0.07, 0.1, 0.2)


def seconds(inputs: int, outputs: int, below: int) -> list[float]:
    """Of a layer, for every share of active inputs, with lists taken below so many percent."""
    pack.SPARSE_BELOW = below
    network, found = chained((inputs,), [outputs, 10], STEPS), []
    for share in ACTIVE:
        x = np.random.default_rng(0).random((STEPS, BATCH, inputs)) < share
        found.append(fastest(network, Stimulus(x.astype(np.int64), STEPS, False)))
    return found


def main() -> None:
    """Print one line a layer."""
    groups = [1 - (1 - share) ** 4 for share in ACTIVE]
    for inputs, outputs in LAYERS:
        lists, blocks = seconds(inputs, outputs, 101), seconds(inputs, outputs, 0)
        ratios = [f"{g:.0%}: {a / b:.2f}" for g, a, b in zip(groups, lists, blocks, strict=True)]
        print(f"{inputs}-{outputs}  " + "  ".join(ratios), flush=True)


if __name__ == "__main__":
    main()
