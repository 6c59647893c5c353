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

from neurodeploy.chip import Chip, load_chip
from neurodeploy.cost import Placement, in_order
from neurodeploy.cost.placement import with_inputs
from neurodeploy.cost.traffic import start_steps
from neurodeploy.errors import FitError, InputError, UnsupportedError, UsageError
from neurodeploy.exporter import Exporter
from neurodeploy.files import write_atomic
from neurodeploy.mapping import stored_placement
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.resources import layers
from neurodeploy.targets.sanafe.architecture import NEURONS, architecture
from neurodeploy.targets.sanafe.snn import network_tree, remarks


def write_sanafe(network: Network, path: Path, stimulus: Stimulus, target: str) -> tuple[Note, ...]:
    """Write `path`/arch.yaml and `path`/net.yaml for one sample on chip `target`: on the cores of the map that the
    network's record holds for it, else as the fit places it.

    Returns what its user has to know. Raises `UnsupportedError` for what SANA-FE's models cannot hold, `FitError`
    for a network that does not fit the chip.
    """
    chip, network_layers = load_chip(target), layers(network.graph)
    placement, where = sanafe_placement(network, chip)
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
    return (Note("network", run), where, *remarks(network))


def sanafe_placement(network: Network, chip: Chip) -> tuple[Placement, Note]:
    """The cores of the stored map, or those of the fit, and behind them cores with the inputs; a note says which.

    Raises `UnsupportedError` for a map of several chips, `FitError` for more cores than the chip has.
    """
    described, mapped = layers(network.graph), stored_placement(network, chip.id)
    if mapped is not None and mapped.chips > 1:
        raise UnsupportedError(
            f"its map is on {mapped.chips} chips of {chip.id}; SANA-FE has no links between chips. Compile it for one "
            "chip, without --board"
        )
    placed = in_order(described, chip) if mapped is None else mapped
    if len(placed.used) > chip.chip.cores.value:
        raise FitError(
            f"needs {len(placed.used)} cores with a core for each part of a layer; {chip.id} has "
            f"{chip.chip.cores.value}. Compile with --map, which lets small layers share a core"
        )
    placement = with_inputs(placed, described, NEURONS)
    how = (
        "as the fit places it (the network holds no map of cores)"
        if mapped is None
        else "as its map of cores says"
    )
    what = (
        f"placed {how}: {len(placed.used)} cores of {chip.id}, and {len(placement.used) - len(placed.used)} "
    )
    return placement, Note("network", f"{what}behind them for the input, which the chip gets from outside")


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
