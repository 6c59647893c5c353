"""One process of `test_parallel`: some updates by every rule in double precision; the weights are saved.

`python parallel_worker.py FILE` alone, or in several processes by torchrun; the first of them writes FILE.
"""

from __future__ import annotations

import sys

import torch
from safetensors.torch import save_file
from torch import nn

from neurodeploy.models import build
from neurodeploy.training.optimizers import SGD
from neurodeploy.training.parallel import Peers, joined
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import RULES
from tests.training.networks import batch, conv, fed_back, ready

STEPS, SAMPLES = 5, (7, 7, 1)
"""The joint batches; of the last, one process has none."""


NORMED = ("rate-m", "rate-s", "bptt")
"""Rules that train batch norm."""


def networks(rule: str) -> dict[str, nn.Module]:
    """By name, those that a rule learns with."""
    if rule == "event":
        return {"plain": build("event:2x8x8-4C3(p1)-P2-3").double()}
    normed = {"normed": ready(conv(norm=True))} if rule in NORMED else {"fed back": ready(fed_back())}
    return {"plain": ready(conv()), **normed}


def shares(size: int, seed: int, peers: Peers) -> tuple[Batch, Batch]:
    """The joint batch, and this process's part of it."""
    x, y = batch(SAMPLES[0])
    x, y = x[:size] + 0.01 * seed, y[:size]
    own = slice(peers.rank, None, peers.size)
    part = own if len(y[own]) else slice(1)
    return Batch(x, y, STEPS), Batch(x[part], y[part], STEPS, False, len(y[own]) / size, peers)


def trained(rule: str, preset: str, module: nn.Module, peers: Peers) -> dict[str, torch.Tensor]:
    """Weights and running statistics after an update from each of the joint batches."""
    parameters = {name: p.data for name, p in module.named_parameters()}
    learner = RULES[rule].learner(module, preset, {})
    optimizer = SGD(parameters, 0.9, 0.0)
    for seed, size in enumerate(SAMPLES):
        joint, own = shares(size, seed, peers)
        if seed == 0:
            learner.prepare(joint)
        learner.learn(own, lambda found, own=own: optimizer.update(parameters, own.add(found), 0.05))
    return dict(module.state_dict())


@torch.no_grad()
def main(file: str) -> None:
    torch.set_num_threads(1)
    found: dict[str, torch.Tensor] = {}
    with joined(torch.device("cpu")) as peers:
        for rule, chosen in RULES.items():
            for preset in chosen.presets:
                for name, module in networks(rule).items():
                    learned = trained(rule, preset, module, peers)
                    found |= {f"{rule}/{preset}/{name}/{key}": value for key, value in learned.items()}
        if peers.leads:
            save_file(found, file)
        peers.wait()


if __name__ == "__main__":
    main(sys.argv[1])
