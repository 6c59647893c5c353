"""What a training step costs: time by rule and number of steps, against other packages, and peak memory.

`python benchmarks/training.py [--json] [--steps 2 8] [--rounds 15] [--no-memory]`. SpikingJelly and snnTorch
take part where they are installed. One thread, one process for all times; each memory figure is a process of
its own. Data have the shape of Fashion-MNIST; an update with Adam belongs to each step.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from neurodeploy.training import LIF
from neurodeploy.training.optimizers import Adam
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import find_rule

OURS = ("ottt-a", "rate-m", "rate-s", "bptt")
PEERS = ("spikingjelly ottt", "spikingjelly bptt", "snntorch bptt")
BATCH = {"mlp": 128, "conv": 32}
STEPS = (2, 4, 8, 16, 32)
Step = Callable[[], object]


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
    module = nn.Sequential(*layers(net, lambda: LIF(0.2 if rule.startswith("rate") else 0.5)))
    parameters = {name: p.data for name, p in module.named_parameters()}
    optimizer, (x, y) = Adam(parameters, 0.0), data(net)
    learner, batch = find_rule(rule).learner(module, "recommended", {}), Batch(x, y, steps)

    @torch.no_grad()
    def step() -> None:
        learner.learn(batch, lambda g: optimizer.update(parameters, g, 1e-3))

    return step


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


def times(net: str, steps: int, rounds: int) -> dict[str, float]:
    """Median milliseconds of a step of each contender, taking turns."""
    made = {name: make(name, net, steps) for name in contenders()}
    for step in made.values():
        step()
    taken: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, step in made.items():
            start = perf_counter()
            step()
            taken[name].append(1e3 * (perf_counter() - start))
    return {name: median(values) for name, values in taken.items()}


def peak_growth(name: str, net: str, steps: int) -> float:
    """MiB of memory that three training steps need at most over what the process held before them."""
    step = make(name, net, 1)
    step()
    step = make(name, net, steps)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    for _ in range(3):
        step()
    return (resident("VmHWM") - before) / 1024


def resident(field: str) -> int:
    """KiB, from the kernel's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def measured_memory(name: str, net: str, steps: int) -> float:
    """`peak_growth` in a process of its own, in which freed memory goes back at once."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "0"}
    command = [sys.executable, __file__, "--one", name, net, str(steps)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def table(title: str, rows: dict[str, dict[int, float]], base: str | None = None) -> None:
    """One line a contender, one column a number of steps; with `base`, times slower than it."""
    steps = list(next(iter(rows.values())))
    print(f"\n{title}")
    print(f"{'':20}" + "".join(f"{f'T={t}':>15}" for t in steps))
    for name, row in rows.items():
        cells = [f"{row[t]:8.2f}" + (f" ({row[t] / rows[base][t]:4.2f})" if base else " " * 7) for t in steps]
        print(f"{name:20}" + "".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.one:
        print(peak_growth(args.one[0], args.one[1], int(args.one[2])))
        return
    found: dict[str, dict[str, dict[str, dict[int, float]]]] = {"milliseconds": {}, "mebibytes": {}}
    for net in BATCH:
        by_steps = {t: times(net, t, args.rounds) for t in args.steps}
        found["milliseconds"][net] = {n: {t: by_steps[t][n] for t in args.steps} for n in contenders()}
        if not args.no_memory:
            found["mebibytes"][net] = {
                n: {t: measured_memory(n, net, t) for t in (2, 8, 64)} for n in contenders()
            }
    if args.json:
        print(json.dumps(found))
        return
    for net, rows in found["milliseconds"].items():
        table(f"{net}, batch {BATCH[net]}: ms per training step (relative to bptt)", rows, "bptt")
    for net, rows in found["mebibytes"].items():
        table(f"{net}, batch {BATCH[net]}: MiB of peak memory over idle", rows)


if __name__ == "__main__":
    main()
