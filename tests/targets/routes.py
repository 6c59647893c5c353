"""A network that takes every route of the compiled engine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network


def every_route() -> Network:
    """Products, kernels of one channel, other groups, a reordering, a delay, a cycle, two groups into one layer."""
    rng = np.random.default_rng(0)
    shape: tuple[int, ...] = (3, 7, 6)
    ops: dict[str, Op] = {"in": IntInput(shape, 1.0, -3, 20)}

    def conv(out: int, groups: int, stride: int, padding: int) -> str:
        nonlocal shape
        name = f"conv{len(ops)}"
        weight = rng.integers(-128, 128, (out, shape[0] // groups, 3, 2))
        op = IntConv(weight, -3, (stride, 1), (padding,) * 4, (1, 1), groups)
        shape = (out, *op.windows.places(shape[1:]))
        ops[name] = op
        ops[f"{name}.lif"] = IntLIF(shape, 3000, 1500, 40, 3000, "subtract")
        return name

    conv(22, 1, 1, 1), conv(22, 22, 2, 0), conv(10, 2, 1, 1)
    ops["flat"] = Flatten()
    size = int(np.prod(shape))
    ops |= {"fc": IntDense(rng.integers(-128, 128, (75, size)), -2)}
    ops |= {"lif": IntLIF((75,), 2000, 900, 0, 5000, "zero", refractory=1)}
    ops |= {"fc2": IntDense(rng.integers(-128, 128, (5, 75)), 0), "sum": IntLIF((5,), 4096, 9, 0, 0, "none")}
    edges = list(pairwise((*ops, "out")))
    ops |= {"late": Delay((75,), 2), "back": IntDense(rng.integers(-40, 50, (75, 75)), 0), "out": Output()}
    return Network(Graph(ops, [*edges, *pairwise(("lif", "late", "back", "lif"))]), 7, "any")
