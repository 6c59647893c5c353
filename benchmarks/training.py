"""What a training step costs: time and memory by rule and number of steps, against other packages.

`python benchmarks/training.py [--json] [--steps 2 8] [--rounds 15]`. SpikingJelly and snnTorch take part where they
are installed. One thread, contenders taking turns; memory is the most that tensors hold at once, beside
parameters, data and what Adam remembers. Data have the shape of Fashion-MNIST; an update with Adam belongs to each
step. One minute on one core with the defaults.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence

import pictures
import study
import torch
from tables import table
from torch import nn
from torch.nn.functional import cross_entropy

from neurodeploy.models import build
from neurodeploy.training import LIF
from neurodeploy.training.analysis import median_times, peak_bytes, training_step
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import find_rule

OURS = ("ottt-a", "ottt-o", "rate-m", "rate-s", "bptt", "event")
PEERS = ("spikingjelly ottt", "spikingjelly bptt", "snntorch bptt")
BATCH = {"mlp": 128, "conv": 32}
EVENT = {"mlp": "event:784-256-10", "conv": "event:1x28x28-16C3(p1)-P2-32C3(p1)-P2-10"}
STEPS = (2, 4, 8, 16, 32)
Step = Callable[[], object]
Rows = dict[str, dict[float, float]]


def layers(net: str, neuron: Callable[[], nn.Module]) -> list[nn.Module]:
    """784-256-10, or C16-AP2-C32-AP2-10 with 3x3 kernels."""
    if net == "mlp":
        return [nn.Flatten(), nn.Linear(784, 256), neuron(), nn.Linear(256, 10)]
    first = [nn.Conv2d(1, 16, 3, padding=1), neuron(), nn.AvgPool2d(2)]
    second = [nn.Conv2d(16, 32, 3, padding=1), neuron(), nn.AvgPool2d(2)]
    return [*first, *second, nn.Flatten(), nn.Linear(1568, 10)]


def data(net: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of static images and labels."""
    draw = torch.Generator().manual_seed(0)
    n = BATCH[net]
    return torch.rand(n, 1, 28, 28, generator=draw), torch.randint(0, 10, (n,), generator=draw)


def ours(rule: str, net: str, steps: int) -> Step:
    """One training step of a rule of neurodeploy."""
    batch = Batch(*data(net), steps)
    if rule == "event":
        module: nn.Module = build(EVENT[net])
        find_rule(rule).learner(module, "recommended", {}).prepare(batch)
    else:
        module = nn.Sequential(*layers(net, lambda: LIF(0.2 if rule.startswith("rate") else 0.5)))
    return training_step(module, batch, rule)


def peer(name: str, net: str, steps: int) -> Step:
    """One training step of another package, written as its documentation does."""
    if name == "snntorch bptt":
        import snntorch
        from snntorch.surrogate import sigmoid

        module = nn.Sequential(
            *layers(net, lambda: snntorch.Leaky(0.5, spike_grad=sigmoid(4), init_hidden=True))
        )
        reset: Step = lambda: [m.reset_mem() for m in module if isinstance(m, snntorch.Leaky)]  # noqa: E731
        return torchs_step(module, net, steps, reset, online=False)
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    online = name == "spikingjelly ottt"
    kind = neuron.OTTTLIFNode if online else neuron.LIFNode
    made = layers(
        net,
        lambda: kind(
            tau=2.0,
            decay_input=False,
            v_reset=None,
            surrogate_function=surrogate.Sigmoid(4.0),
            detach_reset=True,
        ),
    )
    chain = layer.OTTTSequential(*made) if online else nn.Sequential(*made)
    return torchs_step(chain, net, steps, lambda: functional.reset_net(chain), online)


def torchs_step(module: nn.Module, net: str, steps: int, reset: Step, online: bool) -> Step:
    """Forward, backward (at each step if `online`) and Adam."""
    optimizer, (x, y) = torch.optim.Adam(module.parameters(), 1e-3), data(net)

    def step() -> None:
        reset()
        optimizer.zero_grad()
        total = torch.zeros(())
        for _ in range(steps):
            loss = cross_entropy(module(x), y) / steps
            if online:
                loss.backward()
            else:
                total = total + loss
        if not online:
            total.backward()
        optimizer.step()

    return step


def make(name: str, net: str, steps: int) -> Step:
    """One training step by the name of its rule."""
    torch.manual_seed(0)
    return ours(name, net, steps) if name in OURS else peer(name, net, steps)


def contenders() -> list[str]:
    """Our rules, and the packages that are installed."""
    return [*OURS, *(p for p in PEERS if importlib.util.find_spec(p.split()[0]) is not None)]


def times(net: str, steps: Sequence[int], rounds: int) -> Rows:
    """Median milliseconds of a step."""
    found: Rows = {name: {} for name in contenders()}
    for t in steps:
        for name, seconds in median_times({n: make(n, net, t) for n in found}, rounds).items():
            found[name][t] = 1e3 * seconds
    return found


def memory(net: str, steps: Sequence[int]) -> Rows:
    """MiB that the tensors of a step hold at most."""
    found: Rows = {}
    for name in contenders():
        made = {t: make(name, net, t) for t in steps}
        for step in made.values():
            step()
        found[name] = {t: peak_bytes(step) / 2**20 for t, step in made.items()}
    return found


def show(net: str, times: Rows, memory: Rows) -> None:
    """Tables of times, beside those of bptt, and of memory, with its growth from the last T but one to the last."""
    title, steps = f"{net}, batch {BATCH[net]}", list(times["bptt"])
    columns = [f"T={t}" for t in steps]
    rows = {n: [f"{row[t]:.2f} ({row[t] / times['bptt'][t]:.2f})" for t in steps] for n, row in times.items()}
    table(f"{title}: CPU ms per training step (relative to bptt)", columns, rows)
    *_, before, last = steps
    rows = {n: [f"{mib:.2f}" for mib in row.values()] for n, row in memory.items()}
    for name, row in memory.items():
        rows[name].append(f"{1024 * (row[last] - row[before]) / (last - before):.1f}")
    table(f"{title}: MiB of tensors at most", [*columns, "KiB a step more"], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object in place of tables and plot")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS, metavar="T", help="two or more")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each time (15)")
    pictures.add_options(parser, "training")
    args = parser.parse_args(arguments)
    if len(args.steps) < 2:
        parser.error("--steps needs two or more")
    pictures.check(args.plot)
    found = {net: (times(net, args.steps, args.rounds), memory(net, args.steps)) for net in BATCH}
    if args.json:
        kinds = zip(("milliseconds", "mebibytes"), zip(*found.values(), strict=True), strict=True)
        print(json.dumps({kind: dict(zip(found, rows, strict=True)) for kind, rows in kinds}))
        return
    panels = []
    for net, (ms, mib) in found.items():
        show(net, ms, mib)
        panels.append(
            pictures.Panel(net, "time steps", "CPU ms per training step", ms, log_x=True, log_y=True)
        )
        panels.append(
            pictures.Panel(net, "time steps", "MiB of tensors at most", mib, log_x=True, log_y=True)
        )
    pictures.draw(args.plot, panels)


if __name__ == "__main__":
    study.run(main)
