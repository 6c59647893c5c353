"""Files that frameworks wrote: the graph gives the spikes that the frameworks gave, every one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.ir.interpreter import interpret
from tests.data.shared import shared

PORTABLE = {"dt": 1e-4}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "norsehead_mlp_lifbox": ("norse", {}),
    "portable_cnn": ("norse", PORTABLE),
    "portable_mlp": ("norse", PORTABLE),
    "portable_rec": ("norse", PORTABLE),
    "sinabs_mlp_lif_norm": ("sinabs", {}),
    "snntorch_cnn_zero_delay": ("snntorch", {"reset": "zero"}),
    "snntorch_mlp_sub_delay": ("snntorch", {}),
    "snntorch_mlpsyn_sub_delay": ("snntorch", {}),
    "spikingjelly_cnn_lif_decay": ("spikingjelly", {}),
    "spikingjelly_mlp_if": ("spikingjelly", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_of_the_framework(name: str) -> None:
    preset, said = CASES[name]
    folder = shared("nir") / name
    stored = np.load(folder / "io.npz")
    graph = open_nir(folder / "graph.nir", preset, NirConfig(**said)).imported.graph
    x = stored["input"][:, np.newaxis]
    run = interpret(graph, x, len(x), time_axis=True)
    layers = {key: key[4:] for key in stored if key.startswith("spk_")}
    compared = {"out": run.output, **{k: n if n in run.spikes else f"_{n}" for k, n in layers.items()}}
    for key, layer in compared.items():
        assert stored[key].any()
        assert np.count_nonzero(run.spikes[layer][:, 0] != stored[key]) == 0, (key, layer)


def test_every_case_is_tested() -> None:
    assert sorted(CASES) == sorted(folder.name for folder in shared("nir").iterdir() if folder.is_dir())


def test_a_wrong_setting_shows() -> None:
    folder = shared("nir") / "snntorch_mlp_sub_delay"
    stored = np.load(folder / "io.npz")
    graph = open_nir(folder / "graph.nir", "snntorch", NirConfig(reset_timing="same")).imported.graph
    x = stored["input"][:, np.newaxis]
    run = interpret(graph, x, len(x), time_axis=True)
    assert (run.spikes[run.output][:, 0] != stored["out"]).sum() > 10
