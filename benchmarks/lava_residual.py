"""Residual networks trained for a short time on Fashion-MNIST, then every value on Lava against the engine.

    python benchmarks/lava_residual.py FASHION-MNIST [--seconds 60] [--samples 64]

FASHION-MNIST is the folder of the four files. Two small networks: SEW blocks, whose spikes are added, and NF blocks
without norms. Trained by BPTT with Adam on one thread, 4 time steps; figures are of the first 1000 test images.
"""

from __future__ import annotations

import argparse
from functools import partial
from time import monotonic

import torch

from neurodeploy.compare import verify
from neurodeploy.compiler import compile
from neurodeploy.data import Dataset, load
from neurodeploy.models import blocks, resnet, vgg
from neurodeploy.models.blocks import Neuron
from neurodeploy.training.modules import ScaledWSConv2d
from neurodeploy.training.neurons import LIF
from neurodeploy.training.optimizers import Adam
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import find_rule

STEPS, BATCH, WIDTHS = 4, 64, (12, 24)
BACKENDS = ("engine", "lava", "lava-batched")
neuron: Neuron = partial(LIF, 0.5, 1.0)


def sew() -> torch.nn.Module:
    """Stem, a SEW block at stride 2, another at stride 2, the mean, a readout."""
    stem = {"conv": blocks.conv(1, 12, 3), "bn": torch.nn.BatchNorm2d(12), "lif": neuron()}
    body = resnet.stages(blocks.sew_block, 12, WIDTHS, (1, 1), 2, neuron)
    return blocks.chain(**stem, **body, **vgg.mean_head(WIDTHS[-1], 10))


def nf() -> torch.nn.Module:
    """The same of NF blocks; neurons before the mean."""
    first, variance = blocks.nf_block(12, 12, 1, neuron, 1.0)
    second, _ = blocks.nf_block(12, 24, 2, neuron, variance)
    layers = {"conv": ScaledWSConv2d(1, 12, 3, stride=2, padding=1), "first": first, "second": second}
    return blocks.chain(**layers, lif_end=neuron(), **vgg.mean_head(24, 10))


def train(module: torch.nn.Module, data: Dataset, seconds: float) -> int:
    """Train for so long; how many samples were seen."""
    learner = find_rule("bptt").learner(module, "recommended", {})
    parameters = {name: p.data for name, p in module.named_parameters()}
    optimizer = Adam(parameters, weight_decay=0.0)
    draw, end, seen = torch.Generator().manual_seed(0), monotonic() + seconds, 0
    x, y = torch.tensor(data.x)[:, None], torch.tensor(data.y)
    module.train()
    with torch.no_grad():
        while monotonic() < end:
            chosen = torch.randint(0, len(x), (BATCH,), generator=draw)
            batch = Batch(x[chosen], y[chosen], STEPS)
            learner.learn(batch, lambda found: optimizer.update(parameters, found, 2e-3))
            seen += BATCH
    module.eval()
    return seen


def main() -> None:
    """One line a network."""
    parser = argparse.ArgumentParser(description="Trained residual networks on Lava.")
    parser.add_argument("folder", metavar="FASHION-MNIST")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--samples", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data, test = (load(f"fashion-mnist:{args.folder}@{split}") for split in ("train", "test"))
    for name, made in (("sew", sew), ("nf", nf)):
        torch.manual_seed(0)
        module = made()
        seen = train(module, data, args.seconds)
        network = compile(module, data.x[:1000, None], steps=STEPS)
        right = (network.run(test.x[:1000, None]).prediction == test.y[:1000]).mean()
        done = verify(network, test.x[: args.samples, None], backends=BACKENDS)
        print(f"{name}, {seen} training samples, {100 * right:.1f} % of 1000 test images: {done}", flush=True)


if __name__ == "__main__":
    main()
