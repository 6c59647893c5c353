"""How wide may both hidden layers of 784-N-N-10 be on each chip? Counted exactly, for weights that nobody trained.

`python examples/widest_layer.py`
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from neurodeploy.chip import Chip, load_chip
from neurodeploy.ir import LIF, Dense, Graph, Input, Op, Output
from neurodeploy.passes import chip_need

STEP = 64


def network(width: int) -> Graph:
    """784-N-N-10 with weights of which none is 0."""
    sizes = (784, width, width, 10)
    ops: dict[str, Op] = {"input": Input((784,), "binary")}
    edges, before = [], "input"
    for i, (given, made) in enumerate(pairwise(sizes), start=1):
        ops[f"fc{i}"] = Dense(np.ones((made, given), np.float32), np.zeros(made, np.float32))
        ops[f"lif{i}"] = LIF((made,), decay=0.5, threshold=1.0, reset="zero", compare="gt")
        edges += [(before, f"fc{i}"), (f"fc{i}", f"lif{i}")]
        before = f"lif{i}"
    return Graph({**ops, "output": Output()}, [*edges, (before, "output")])


def widest(chip: Chip) -> int:
    """The largest multiple of 64 that fits, by bisection."""
    fits, too_wide = 0, 8192 // STEP
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if chip_need(network(middle * STEP), chip).fits:
            fits = middle
        else:
            too_wide = middle
    return fits * STEP


def main() -> None:
    """Ask two chips, and show what binds on the first one."""
    widths = {name: widest(load_chip(name)) for name in ("loihi1", "loihi2")}
    over = chip_need(network(widths["loihi1"] + STEP), load_chip("loihi1"))
    print(f"loihi1, {widths['loihi1'] + STEP} neurons: {over.problems[0]}")
    print(f"widest hidden layers: {widths['loihi1']} on loihi1, {widths['loihi2']} on loihi2")


if __name__ == "__main__":
    main()
