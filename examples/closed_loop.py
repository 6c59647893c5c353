"""A network that runs step by step and stops when it is sure: how many of its time steps does it need?

`python examples/closed_loop.py`
"""

from __future__ import annotations

import numpy as np

import neurodeploy as nd
from neurodeploy.backend import Stream
from neurodeploy.data import load

STEPS, LEAD, SAMPLES = 12, 2, 200


def decide(stream: Stream, x: np.ndarray) -> tuple[int, int]:
    """Class and steps taken: as soon as one class leads by `LEAD` spikes, or after all steps."""
    stream.reset()
    counts = np.zeros(10, np.int64)
    taken = 0
    while taken < STEPS and np.diff(np.sort(counts)[-2:])[0] < LEAD:
        counts += stream.step(x[np.newaxis])[0]
        taken += 1
    return int(counts.argmax()), taken


def main() -> None:
    """Compare with the network that always runs to its end."""
    train, test = load("digits@train"), load("digits@test").limit(SAMPLES)
    run = nd.train("mlp:64-128-10,readout=spiking", train, rule="ottt-a", steps=STEPS, epochs=8)
    net = nd.compile(run.module, train.x, steps=STEPS)
    stream = net.stream(batch=1)

    decisions = np.array([decide(stream, x) for x in test.x])
    early = (decisions[:, 0] == test.y).mean()
    whole = (net.run(test.x).prediction == test.y).mean()
    print(f"all {STEPS} steps: {100 * whole:.2f} %, stopped early: {100 * early:.2f} %")
    print(f"{decisions[:, 1].mean():.2f} steps on average")


if __name__ == "__main__":
    main()
