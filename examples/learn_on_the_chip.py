"""A deployed network whose sensor drifts learns online, in integers: how many points does it win back?

`python examples/learn_on_the_chip.py`
"""

from __future__ import annotations

import neurodeploy as nd
from neurodeploy.data import load
from neurodeploy.learning import Evaluation

STEPS, SAMPLES = 8, 400


def main() -> None:
    """Deploy on clean digits, learn from drifted ones."""
    train = load("digits@train")
    run = nd.train("mlp:64-128-10,readout=spiking", train, rule="ottt-a", steps=STEPS, epochs=8)
    net = nd.compile(run.module, train.x, steps=STEPS)

    stream, test = load("digits-drift@train").limit(SAMPLES), load("digits-drift@test")
    evaluation = Evaluation(net.stimulus(test.x), test.y)
    outcome = nd.learn(net, net.stimulus(stream.x), stream.y, evaluation=evaluation)

    for point in outcome.record["curve"]:
        print(f"{point['samples']:4} samples learned: {100 * point['accuracy']:.2f} %")
    for note in outcome.advice:
        print(f"note: {note}")
    won = outcome.record["accuracy_after"] - outcome.record["accuracy_before"]
    print(f"online learning won back {100 * won:.2f} points")


if __name__ == "__main__":
    main()
