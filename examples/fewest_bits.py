"""How small can the weights become if the network may lose one point? A search over bits, layer by layer.

`python examples/fewest_bits.py`
"""

from __future__ import annotations

import neurodeploy as nd
from neurodeploy.compiler import CompileConfig, QuantConfig
from neurodeploy.data import load
from neurodeploy.sweep import sweep

STEPS = 6


def main() -> None:
    """Train once, then measure every setting in the integer engine."""
    train, test = load("digits@train"), load("digits@test")
    run = nd.train("mlp:64-64-10", train, rule="ottt-a", steps=STEPS, epochs=8)
    found = sweep(
        run.module,
        test,
        train.limit(256),
        bits=(8, 4, 3, 2),
        max_drop=0.01,
        steps=STEPS,
        config=CompileConfig(quant=QuantConfig(clip="mse", rounding="gptq")),
    )
    for entry in found.kind("uniform"):
        share = entry.point.correct / found.samples
        print(f"{entry.setting!s:16} {found.bytes(entry.setting):6} bytes  {100 * share:.2f} %")
    if found.smallest is None:
        raise SystemExit("no setting keeps the gate")
    most = found.bytes(found.kind("uniform")[0].setting)
    least = found.bytes(found.smallest.setting)
    print(f"{found.smallest.setting}: {most / least:.1f} times smaller than 8 bits, within one point")


if __name__ == "__main__":
    main()
