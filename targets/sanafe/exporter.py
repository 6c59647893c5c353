"""SANA-FE's files as an export of `neurodeploy export`: a folder with `arch.yaml` and `net.yaml`.

Run it where SANA-FE is installed (an environment of its own: `pip install sanafe`):

    import sanafe
    arch = sanafe.load_arch("arch.yaml")
    chip = sanafe.SpikingChip(arch)
    chip.load(sanafe.load_net("net.yaml", arch))
    print(chip.sim(STEPS, timing_model="simple"))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodeploy.chip import load_chip
from neurodeploy.cost import in_order
from neurodeploy.cost.traffic import start_steps
from neurodeploy.errors import FitError, InputError, UsageError
from neurodeploy.exporter import Exporter
from neurodeploy.files import write_atomic
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.resources import layers
from neurodeploy.targets.sanafe.architecture import NEURONS, architecture
from neurodeploy.targets.sanafe.snn import network_tree, remarks


def write_sanafe(network: Network, path: Path, stimulus: Stimulus, target: str) -> tuple[Note, ...]:
    """Write `path`/arch.yaml and `path`/net.yaml for one sample, placed as the fit places it on chip `target`.

    Returns what its user has to know. Raises `UnsupportedError` for what SANA-FE's models cannot hold, `FitError`
    for a network that does not fit the chip.
    """
    chip, network_layers = load_chip(target), layers(network.graph)
    placement = in_order(network_layers, chip, input_neurons=NEURONS)
    full = max(sum(part.neurons for part in held) for held in placement.cores)
    if full > NEURONS:
        raise FitError(f"a core of {chip.id} holds {full} neurons here; SANA-FE's models hold {NEURONS}")
    files = {
        "arch.yaml": architecture(chip, network_layers, placement),
        "net.yaml": network_tree(network, chip, network_layers, placement, stimulus),
    }
    _make_folder(path)
    for name, tree in files.items():
        write_atomic(path / name, (_yaml(tree) + "\n").encode())
    steps = stimulus.steps + max(start_steps(network_layers).values())
    run = f"one sample: run it for {steps} steps, {stimulus.steps} of input and one more for each layer"
    return (Note("network", run), *remarks(network))


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror or error}") from None


def _yaml(tree: Any) -> str:
    """YAML in flow style: JSON but for keys, which SANA-FE takes without quotes only."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_yaml, tree)) + "]"
    return json.dumps(tree)


def _write(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    stimulus = options.get("stimulus")
    if not isinstance(stimulus, Stimulus):
        raise UsageError("an export to sanafe holds one sample: give --data DATA, the first is taken")
    return write_sanafe(network, path, stimulus, options.get("target") or network.target)


EXPORTER = Exporter(
    "a folder with the architecture and network files of SANA-FE, for one sample",
    _write,
    options=frozenset({"stimulus", "target"}),
    writes_folder=True,
)
