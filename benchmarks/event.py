"""Fashion-MNIST by the event-driven rule: accuracy and CPU seconds per epoch. `python benchmarks/event.py --help`."""

from __future__ import annotations

import argparse
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import replace
from time import process_time

import numpy as np
import torch

from neurodeploy.data import Dataset, load
from neurodeploy.models.initialization import Draw
from neurodeploy.models.network import Network
from neurodeploy.training.event import PRESETS, EventLearner, EventSpec
from neurodeploy.training.optimizers import Adam
from neurodeploy.training.rule import Batch


def batches(data: Dataset, size: int, steps: int, seed: tuple[int, ...] | None = None) -> Iterator[Batch]:
    """All samples, in an order drawn from `seed` or as they are."""
    order = np.arange(len(data)) if seed is None else np.random.default_rng(seed).permutation(len(data))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield Batch(torch.from_numpy(data.x[chosen]), torch.from_numpy(data.labels()[chosen]), steps)


def accuracy(learner: EventLearner, data: Dataset, steps: int) -> float:
    """Share of samples whose class gets the most votes."""
    right = sum(int((learner.votes(b).argmax(1) == b.labels).sum()) for b in batches(data, 250, steps))
    return right / len(data)


def arguments() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--model", default="784-256-10")
    parser.add_argument("--preset", choices=PRESETS, default="recommended")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--train", type=int, default=60000, help="samples to train on")
    parser.add_argument("--test", type=int, default=10000, help="samples to test on")
    parser.add_argument("--normalize", action="store_true", help="inputs of mean 0 and deviation 1")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", help="options of the rule")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Train, one line an epoch."""
    args = arguments()
    torch.set_num_threads(1)
    train, test = load(f"{args.data}@train").limit(args.train), load(f"{args.data}@test").limit(args.test)
    if args.normalize:
        mean, deviation = train.x.mean(), train.x.std()
        train, test = (replace(data, x=(data.x - mean) / deviation) for data in (train, test))
    network = Network(EventSpec.parse(args.model))
    network.spec.initialize(network, Draw(args.seed))
    given = {name: literal_eval(value) for name, value in (text.split("=") for text in args.set)}
    learner = EventLearner(network, replace(PRESETS[args.preset], **given))
    learner.prepare(next(batches(train, args.batch_size, args.steps, (args.seed, 0))))
    parameters = {name: p.data for name, p in network.named_parameters()}
    optimizer = Adam(parameters, weight_decay=0.0)
    print(f"{network.spec}, T={args.steps}, {args.preset}, {len(train)} samples")
    for epoch in range(args.epochs):
        rate = args.learning_rate * (1 + np.cos(np.pi * epoch / args.epochs)) / 2
        start, loss, right = process_time(), 0.0, 0
        for batch in batches(train, args.batch_size, args.steps, (args.seed, epoch)):
            outcome = learner.learn(batch, lambda g, rate=rate: optimizer.update(parameters, g, rate))
            loss, right = loss + outcome.loss * len(batch.labels), right + outcome.correct
        seconds = process_time() - start
        rates = " ".join(f"{name} {r:.3f}" for name, r in outcome.firing_rates.items())
        print(
            f"epoch {epoch + 1}: loss {loss / len(train):.4f}, train {right / len(train):.2%}, "
            f"test {accuracy(learner, test, args.steps):.2%}, {seconds:.1f} CPU s; spikes/step {rates}",
            flush=True,
        )


if __name__ == "__main__":
    main()
