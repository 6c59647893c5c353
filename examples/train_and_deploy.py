"""Train with OTTT, compile to 8-bit integers, verify: how many points do the integers cost?

`python examples/train_and_deploy.py`
"""

from __future__ import annotations

import neurodeploy as nd
from neurodeploy.backend import get_backend
from neurodeploy.data import load
from neurodeploy.training import accuracy

STEPS = 8


def main() -> None:
    """Train, compile, compare."""
    train, test = load("digits@train"), load("digits@test")
    run = nd.train("mlp:64-128-10", train, rule="ottt-a", steps=STEPS, epochs=5)
    net = nd.compile(run.module, train.x, target="loihi2", steps=STEPS)

    backends = [name for name in ("engine", "onnxruntime") if get_backend(name).missing() is None]
    print(nd.verify(net, test.x, backends))

    floats = accuracy(run.module, test, STEPS)
    integers = (net.run(test.x).prediction == test.y).mean()
    print(f"float {100 * floats:.2f} %, 8-bit integers {100 * integers:.2f} %")
    print(f"the integers cost {100 * (floats - integers):.2f} points")


if __name__ == "__main__":
    main()
