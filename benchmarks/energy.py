"""Our estimates beside SANA-FE's on the same networks, cores and spikes.

`python benchmarks/energy.py --sanafe /path/to/python` where that Python has sanafe (`pip install sanafe==2.2.9` in an
environment of its own: it is run as another program). The networks have random weights and random binary input of
12 steps; each is compared as the fit places it and, under "mapped", on the cores of a stored map. Without --sanafe our
own figures are printed alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from neurodeploy.backend import Result, get_backend
from neurodeploy.chip import Chip, load_chip
from neurodeploy.cost import Estimate, estimate, traffic
from neurodeploy.cost.traffic import start_steps
from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.mapping.store import mapped
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import layers
from neurodeploy.targets.sanafe.exporter import sanafe_placement, write_sanafe

STEPS = 12
SHARE = 0.2
"""Share of inputs that are 1 in a step."""
PROGRAM = """
import json, sys, sanafe
folder, steps = sys.argv[1], int(sys.argv[2])
arch = sanafe.load_arch(folder + "/arch.yaml")
chip = sanafe.SpikingChip(arch)
chip.load(sanafe.load_net(folder + "/net.yaml", arch))
found = chip.sim(steps, timing_model="simple", spike_trace=True)
fired = [[str(one) for one in step] for step in found["spike_trace"]]
json.dump({"joules": found["energy"]["total"], "seconds": found["sim_time"], "fired": fired},
          open(folder + "/out.json", "w"))
"""


def line(ops: dict[str, Op]) -> Network:
    """One operation after the other."""
    every = {**ops, "out": Output()}
    return Network(Graph(every, list(pairwise(every))), STEPS, "loihi1")


def mlp(sizes: tuple[int, ...], density: float, threshold: int) -> Network:
    """Fully connected layers of which a share `density` of weights is not 0; reset to zero."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {"in": IntInput((sizes[0],), 1.0, 0, 1)}
    for i, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        weight = rng.integers(-60, 70, (outputs, inputs)) * (rng.random((outputs, inputs)) < density)
        ops[f"fc{i}"] = IntDense(weight, 0)
        ops[f"lif{i}"] = IntLIF((outputs,), 4096, 512, 0, 64 * threshold, "zero")
    return line(ops)


def conv() -> Network:
    """Two convolutions and a readout of spikes; the second layer resets by subtraction."""
    rng = np.random.default_rng(0)
    return line(
        {
            "in": IntInput((2, 16, 16), 1.0, 0, 1),
            "conv1": IntConv(rng.integers(-50, 70, (8, 2, 3, 3)), 0, (1, 1), (1, 1, 1, 1), (1, 1)),
            "lif1": IntLIF((8, 16, 16), 4096, 512, 0, 64 * 150, "zero"),
            "conv2": IntConv(rng.integers(-50, 60, (16, 8, 3, 3)), 0, (2, 2), (1, 1, 1, 1), (1, 1)),
            "lif2": IntLIF((16, 8, 8), 4096, 0, 0, 64 * 400, "subtract", "gt"),
            "flat": Flatten(),
            "fc3": IntDense(rng.integers(-60, 70, (10, 1024)), 0),
            "lif3": IntLIF((10,), 4096, 512, 0, 64 * 500, "zero"),
        }
    )


NETWORKS = {
    "dense 784-256-10": mlp((784, 256, 10), 1.0, 400),
    "sparse 512-800-10": mlp((512, 800, 10), 0.1, 200),
    "conv 8C3-16C3-10": conv(),
}


def ours(network: Network, chip: Chip, given: Stimulus) -> tuple[Estimate, Result]:
    """Our estimate of one sample that runs as long as SANA-FE's."""
    result = get_backend("engine").run(network, given, trace=True)
    placement, _ = sanafe_placement(network, chip)
    return estimate(traffic(network, chip, placement, given, result, steps=given.steps), chip), result


def theirs(network: Network, given: Stimulus, python: str, folder: Path) -> dict[str, Any]:
    """What SANA-FE finds for the exported files."""
    write_sanafe(network, folder, Stimulus(given.x[:STEPS], STEPS, False), "loihi1")
    command = [python, "-c", PROGRAM, str(folder), str(given.steps)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return found


def mismatches(network: Network, result: Result, fired: list[list[str]]) -> int:
    """Spikes of neurons that only one of both has."""
    start = start_steps(layers(network.graph))
    wrong = 0
    for step, names in enumerate(fired):
        mine = {
            f"{name}.{neuron}"
            for name in network.neurons
            if step >= start[name]
            for neuron in np.flatnonzero(result.traces[name].spikes[step - start[name], 0])
        }
        wrong += len(mine ^ {name for name in names if not name.startswith("in.")})
    return wrong


def row(name: str, network: Network, python: str | None) -> str:
    """One network, both ways."""
    depth = max(start_steps(layers(network.graph)).values())
    x = (np.random.default_rng(1).random((STEPS + depth, 1, *network.input.shape)) < SHARE).astype(np.int64)
    x[STEPS:] = 0
    given = Stimulus(x, STEPS + depth, False)
    began = perf_counter()
    found, result = ours(network, load_chip("loihi1"), given)
    took = perf_counter() - began
    spikes = sum(int(trace.spikes.sum()) for trace in result.traces.values())
    cells = ["not run"] * 3
    if python is not None:
        with tempfile.TemporaryDirectory() as folder:
            other = theirs(network, given, python, Path(folder))
        wrong = mismatches(network, result, other["fired"])
        cells = [f"{other['joules']:.9e}", f"{other['seconds']:.9e}", str(wrong)]
    energy, time = f"{found.dynamic_joules:.9e} | {cells[0]}", f"{found.seconds:.9e} | {cells[1]}"
    return f"| {name} | {spikes} | {energy} | {time} | {cells[2]} | {took:.2f} |"


def main() -> None:
    """Print the table."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--sanafe", metavar="PYTHON", help="a Python that has sanafe")
    args = parser.parse_args()
    print(
        "| network | spikes | ours, J | SANA-FE, J | ours, s | SANA-FE, s | spikes that differ | seconds of ours |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, network in NETWORKS.items():
        print(row(name, network, args.sanafe))
        print(row(f"{name}, mapped", mapped(network, load_chip("loihi1")), args.sanafe))


if __name__ == "__main__":
    main()
