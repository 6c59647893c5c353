"""Our mapping of SANA-FE's gesture network against the one of its tutorial, both run by SANA-FE.

`python benchmarks/mapping_sanafe.py PYTHON [--steps N]` where PYTHON has sanafe (`pip install sanafe==2.2.9 pyyaml
numpy` in an environment of its own; it is run as another program and holds the network, its weights and its input). The
tutorial's mapping fills 42 cores in order: 1, 4, 16, 16, 4 and 1 for the six layers. Ours takes the spikes of the first
200 steps. Timing is SANA-FE's "detailed" one, energy its dynamic energy, synapses of the
architecture's first kind (dense), as in the tutorial.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.chip import Chip, load_chip
from neurodeploy.ir import IntConv
from neurodeploy.mapping import Activity, map_network
from neurodeploy.mapping import Mapping as CoreMapping
from neurodeploy.resources import Group, Layer, Layers, Part

PROGRAM = """
import json, sys
from importlib.resources import files
import numpy as np, sanafe
from sanafe.layers import Conv2D, Dense, Input2D
folder, steps, timing = sys.argv[1], int(sys.argv[2]), sys.argv[3]
data = np.load(files("sanafe.examples").joinpath("dvs_challenge.npz").open("rb"))
arch, net, limit = sanafe.load_loihi(), sanafe.Network(), data["thresholds"].tolist()
one = Input2D(net, 32, 32, threshold=limit[0])
layers = [one, Conv2D(net, one, data["conv1"], stride_width=2, stride_height=2, threshold=limit[1])]
for i in (2, 3, 4):
    layers.append(Conv2D(net, layers[-1], data[f"conv{i}"], threshold=limit[i]))
layers.append(Dense(net, layers[-1], 11, data["dense1"], threshold=limit[5]))
cores = [core for tile in arch.tiles for core in tile.cores]
mapping = json.load(open(folder + "/mapping.json"))
for number, layer in enumerate(layers):
    neurons = list(layer)
    for i, neuron in enumerate(neurons):
        neuron.set_attributes(soma_hw_name="loihi_lif", log_spikes=True)
        if number == 0:
            neuron.set_attributes(model_attributes={"bias": float(data["inputs"][i])})
for core, number, i in mapping:
    layers[number][i].map_to_core(cores[core])
chip = sanafe.SpikingChip(arch)
chip.load(net)
traced = timing == "simple"
found = chip.sim(steps, timing_model=timing, spike_trace=traced)
names = [layer.group.get_name() for layer in layers]
fired = [[0] * len(layer) for layer in layers]
for step in found["spike_trace"] if traced else ():
    for address in step:
        name, _, i = str(address).rpartition(".")
        fired[names.index(name)][int(i)] += 1
json.dump({"joules": found["energy"]["total"], "seconds": found["sim_time"], "spikes": found["neurons_fired"],
           "packets": found["packets_sent"], "fired": fired}, open(folder + "/out.json", "w"))
"""
NAMES = ("input", "conv1", "conv2", "conv3", "conv4", "dense1")
SHAPES = ((1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11,))
TUTORIAL = (1, 4, 16, 16, 4, 1)
"""Cores of each layer."""
SEEN = 200
"""Steps that the mapper sees."""


@dataclass(frozen=True)
class SanaFe:
    """SANA-FE as another program."""

    python: str

    def run(self, mapping: list[tuple[int, int, int]], steps: int, timing: str) -> Mapping[str, Any]:
        """Run (core, layer, neuron) triples; neurons are mapped core by core, in their order within it."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "mapping.json").write_text(json.dumps(mapping))
            command = [self.python, "-c", PROGRAM, folder, str(steps), timing]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found: Mapping[str, Any] = json.loads((Path(folder) / "out.json").read_text())
            return found


def tutorial() -> list[tuple[int, int, int]]:
    """Every layer cut into so many equal runs of neurons, cores in order."""
    found, first = [], 0
    for layer, (shape, cores) in enumerate(zip(SHAPES, TUTORIAL, strict=True)):
        runs = np.array_split(np.arange(np.prod(shape)), cores)
        found += [(first + k, layer, int(i)) for k, run in enumerate(runs) for i in run]
        first += cores
    return found


def described() -> Layers:
    """The same network as layers, every weight other than 0, inputs as a layer of neurons."""
    rng = np.random.default_rng(0)
    found: dict[str, Layer] = {}
    for i, (name, shape) in enumerate(zip(NAMES, SHAPES, strict=True)):
        groups: tuple[Group, ...] = ()
        if 0 < i < 5:
            stride = (2, 2) if i == 1 else (1, 1)
            weight = rng.integers(1, 127, (shape[0], SHAPES[i - 1][0], 3, 3))
            windows = IntConv(weight, 0, stride, (0, 0, 0, 0), (1, 1)).windows
            groups = (Group(name, NAMES[i - 1], SHAPES[i - 1], shape, weight != 0, 9, windows),)
        elif i == 5:
            groups = (Group(name, NAMES[4], SHAPES[4], shape, np.ones((11, 891), np.bool_), 9),)
        found[name] = Layer(name, shape, "zero", groups, (), np.zeros(()))
    return Layers(found, dict(zip(NAMES, SHAPES, strict=True)))


def activity(fired: list[list[int]], steps: int) -> Activity:
    """Spikes a step in our order of neurons (channel, row, column); SANA-FE's channels are innermost."""
    spikes = {}
    for name, shape, counts in zip(NAMES, SHAPES, fired, strict=True):
        rates = np.array(counts, np.float64) / steps
        spikes[name] = rates if len(shape) == 1 else rates.reshape(*shape[1:], shape[0]).transpose(2, 0, 1)
    return Activity(spikes, {n: np.ones(s) for n, s in zip(NAMES, SHAPES, strict=True)}, f"{steps} steps")


def triples(found: CoreMapping) -> list[tuple[int, int, int]]:
    """Our mapping as SANA-FE takes it."""
    return [
        (core, NAMES.index(part.layer), i)
        for core, held in enumerate(found.placement.cores)
        for part in held
        for i in numbers(part)
    ]


def numbers(part: Part) -> list[int]:
    """SANA-FE's numbers of the neurons of a part."""
    shape = SHAPES[NAMES.index(part.layer)]
    every = np.arange(np.prod(shape))
    if len(shape) > 1:
        every = every.reshape(*shape[1:], shape[0]).transpose(2, 0, 1)
    return sorted(every[part.slices].ravel().tolist())


def line(name: str, cores: int, found: Mapping[str, Any]) -> str:
    """A row of the table."""
    edp = found["joules"] * found["seconds"]
    numbers = f"{found['joules']:.4e} | {found['seconds']:.4e} | {edp:.3e}"
    return f"| {name} | {cores} | {found['spikes']} | {found['packets']} | {numbers} |"


def main() -> None:
    """Print the table."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("python", help="a Python that has sanafe")
    parser.add_argument("--steps", type=int, default=1000)
    args = parser.parse_args()
    sana, chip = SanaFe(args.python), load_chip("loihi1")
    print(
        "| mapping | cores | spikes | packets | J | s | EDP, J s |\n|---|---|---|---|---|---|---|", flush=True
    )
    print(line("tutorial", sum(TUTORIAL), sana.run(tutorial(), args.steps, "detailed")), flush=True)
    ours = mapped(sana, chip)
    print(line("mapper", len(ours.cores), sana.run(triples(ours), args.steps, "detailed")))
    print({name: list(grid) for name, grid in ours.cuts.items()})


def mapped(sana: SanaFe, chip: Chip) -> CoreMapping:
    """Our mapping by the spikes of the first steps."""
    fired = sana.run(tutorial(), SEEN, "simple")["fired"]
    return map_network(described(), chip, activity(fired, SEEN))


if __name__ == "__main__":
    main()
