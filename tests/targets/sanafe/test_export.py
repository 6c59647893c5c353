"""Files for SANA-FE; where an environment of its own has it, energy, time and every spike are compared.

The environment is named by NEURODEPLOY_SANAFE, the path of its Python.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.cli.main import main
from neurodeploy.cost import estimate, traffic
from neurodeploy.cost.traffic import start_steps
from neurodeploy.errors import FitError, UnsupportedError, UsageError
from neurodeploy.exporter import export
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.mapping import stored_placement
from neurodeploy.mapping.store import mapped
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import layers
from neurodeploy.targets.sanafe.exporter import sanafe_placement, write_sanafe
from tests.cost.nets import events, mlp, traced

PYTHON = os.environ.get("NEURODEPLOY_SANAFE")
RUN = """
import json, sys, sanafe
folder, steps = sys.argv[1], int(sys.argv[2])
arch = sanafe.load_arch(folder + "/arch.yaml")
chip = sanafe.SpikingChip(arch)
chip.load(sanafe.load_net(folder + "/net.yaml", arch))
found = chip.sim(steps, timing_model="simple", spike_trace=True)
fired = [[str(one) for one in step] for step in found["spike_trace"]]
json.dump({"energy": found["energy"], "seconds": found["sim_time"], "fired": fired}, open(folder + "/out.json", "w"))
"""


def conv() -> Network:
    rng = np.random.default_rng(3)
    ops: dict[str, Op] = {
        "in": IntInput((2, 8, 8), 1.0, 0, 1),
        "c1": IntConv(rng.integers(-50, 90, (8, 2, 3, 3)), 0, (1, 1), (1, 1, 1, 1), (1, 1)),
        "lif1": IntLIF((8, 8, 8), 4096, 300, 0, 64 * 150, "zero"),
        "c2": IntConv(rng.integers(-50, 90, (8, 8, 3, 3)), 1, (2, 2), (1, 1, 1, 1), (1, 1)),
        "lif2": IntLIF((8, 4, 4), 4096, 0, 0, 64 * np.arange(300, 428).reshape(8, 4, 4), "subtract", "gt"),
        "flat": Flatten(),
        "fc": IntDense(rng.integers(-60, 80, (10, 128)), 0),
        "lif3": IntLIF((10,), 4096, 0, 0, 64 * 500, "zero"),
        "out": Output(),
    }
    return Network(Graph(ops, list(pairwise(ops))), 6, "loihi1")


def test_files(tmp_path: Path) -> None:
    notes = export(mlp((6, 4, 2)), "sanafe", tmp_path / "out", stimulus=events(mlp((6, 4, 2)), 1))
    net, arch = ((tmp_path / "out" / name).read_text() for name in ("net.yaml", "arch.yaml"))
    assert "energy_process_spike: 3.55e-11" in arch
    assert "latency_sync: {1: 6e-07, 2: 1e-06, 4: 1.4e-06, 29: 1.8e-06}" in arch
    assert '{lif1.0: [{core: "0.0"}]}' in net
    assert net.count("{spikes:") == 6
    assert str(notes[0]) == "network: one sample: run it for 8 steps, 6 of input and one more for each layer"


def test_writes_the_same_bytes_again(tmp_path: Path) -> None:
    network = mlp((6, 4, 2))
    for name in ("a", "b"):
        write_sanafe(network, tmp_path / name, events(network, 1), "loihi1")
    for file in ("net.yaml", "arch.yaml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_what_is_not_the_same_is_said(tmp_path: Path) -> None:
    network = mlp((6, 4, 2))
    lif = IntLIF((4,), 2048, 100, 64, 6400, "subtract")
    changed = Network(network.graph.replaced({"lif1": lif}), 6, "loihi1")
    said = [str(note) for note in write_sanafe(changed, tmp_path / "o", events(changed, 1), "loihi1")]
    assert [text.split(":")[0] for text in said] == ["network", "network", "lif1", "lif1", "lif1"]
    assert "1/64 less than the threshold" in said[3]


def test_a_stored_map_is_used_and_named(tmp_path: Path) -> None:
    chip, network = load_chip("loihi1"), mlp((40, 600, 10))
    kept = mapped(network, chip)
    stored = stored_placement(kept, "loihi1")
    assert stored is not None
    placement, note = sanafe_placement(kept, chip)
    assert placement.cores[: len(stored.cores)] == stored.cores
    assert "placed as its map of cores says" in note.what
    notes = write_sanafe(kept, tmp_path / "o", events(network, 1), "loihi1")
    assert note in notes
    for core in stored.used:
        (part, *_) = stored.cores[core]
        where = f'{{{part.layer}.{part.box[0][0]}: [{{core: "{core // 4}.{core % 4}"}}]}}'
        assert where in (tmp_path / "o" / "net.yaml").read_text()


def test_a_map_of_another_chip_is_not_used(tmp_path: Path) -> None:
    kept = mapped(mlp((40, 600, 10)), load_chip("loihi1"))
    placement, note = sanafe_placement(kept, load_chip("loihi1-davies2018"))
    assert "as the fit places it (the network holds no map of cores)" in note.what
    assert placement.cores[0] != stored_placement(kept, "loihi1").cores[0]  # type: ignore[union-attr]


def test_a_map_of_several_chips_is_refused() -> None:
    kept = mapped(mlp((40, 600, 10)), load_chip("loihi1"))
    small = {**kept.provenance["mapping"], "rows": 1, "columns": 1, "cores_per_tile": 1}
    spread = replace(kept, provenance={**kept.provenance, "mapping": small})
    chips = len(small["cores"])
    with pytest.raises(
        UnsupportedError, match=f"its map is on {chips} chips of loihi1; SANA-FE has no links"
    ):
        sanafe_placement(spread, load_chip("loihi1"))


def test_more_cores_than_the_chip_has_are_refused(tmp_path: Path) -> None:
    cores = 'cores = { value = 2, unit = "cores", grade = "certain", basis = "spec", source = "us" }'
    (tmp_path / "few.toml").write_text(f'base = "loihi1"\n[chip]\n{cores}\n')
    network = mlp((784, 256, 10), steps=1)
    with pytest.raises(FitError, match="needs 3 cores with a core for each part of a layer; loihi1 has 2"):
        write_sanafe(network, tmp_path / "o", events(network, 1), str(tmp_path / "few.toml"))


def test_the_mesh_grows_where_the_input_has_no_place(tmp_path: Path) -> None:
    chip, network = load_chip("loihi1"), mlp((40, 600, 10))
    kept = mapped(network, chip)
    cores = kept.provenance["mapping"]["cores"]
    last = {**kept.provenance["mapping"], "cores": [*cores[:-1], {**cores[-1], "core": 127}]}
    write_sanafe(
        replace(kept, provenance={**kept.provenance, "mapping": last}),
        tmp_path / "o",
        events(network, 1),
        "loihi1",
    )
    assert "width: 9, height: 4" in (tmp_path / "o" / "arch.yaml").read_text()


def test_needs_a_sample(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give --data DATA"):
        export(mlp((6, 4, 2)), "sanafe", tmp_path / "out")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("refractory", 2, "refractory"),
        ("v_min_q", -64, "v_min"),
        ("initial_q", 64, "an initial potential"),
        ("clear_current", True, "clear_current"),
    ],
)
def test_neurons_that_sanafe_has_not(tmp_path: Path, field: str, value: object, named: str) -> None:
    network = mlp((6, 4, 2))
    lif = IntLIF((4,), 4096, 100, 0, 6400, "zero", **{field: value})  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match=f"layer 'lif1': SANA-FE's neurons have no {named}"):
        write_sanafe(
            Network(network.graph.replaced({"lif1": lif}), 6, "loihi1"),
            tmp_path / "o",
            events(network, 1),
            "loihi1",
        )


def test_graded_input_and_several_samples_are_refused(tmp_path: Path) -> None:
    network = mlp((6, 4, 2))
    with pytest.raises(UnsupportedError, match=r"graded values 0\.\.9"):
        write_sanafe(network, tmp_path / "o", Stimulus(np.array([[0, 9, 0, 0, 0, 0]]), 6, True), "loihi1")
    with pytest.raises(UnsupportedError, match="one sample at a time, not 2"):
        write_sanafe(network, tmp_path / "o", events(network, 2), "loihi1")


def test_branches_that_do_not_line_up_are_refused(tmp_path: Path) -> None:
    ops = {name: mlp((6, 4, 2)).graph.op(name) for name in mlp((6, 4, 2)).graph.names}
    ops |= {"late": Delay((6,), 1, "value")}
    edges = [
        ("in", "late"),
        ("late", "fc1"),
        ("fc1", "lif1"),
        ("lif1", "fc2"),
        ("fc2", "lif2"),
        ("lif2", "out"),
    ]
    network = Network(Graph(ops, edges), 6, "loihi1")
    with pytest.raises(UnsupportedError, match="need 2 steps to line up"):
        write_sanafe(network, tmp_path / "o", events(network, 1), "loihi1")


def test_cores_that_are_too_large_are_refused(tmp_path: Path) -> None:
    network = mlp((6, 1500, 2))
    with pytest.raises(
        FitError, match="a core of loihi2 holds 1500 neurons here; SANA-FE's models hold 1024"
    ):
        write_sanafe(network, tmp_path / "o", events(network, 1), "loihi2")


@pytest.mark.skipif(PYTHON is None, reason="NEURODEPLOY_SANAFE does not name a Python that has sanafe")
@pytest.mark.parametrize(
    "network",
    [
        mlp((100, 200, 80, 10)),
        mlp((100, 150, 10), zeros=0.9, reset="subtract"),
        conv(),
        mapped(conv(), load_chip("loihi1")),
        mapped(mlp((100, 150, 10), zeros=0.9), load_chip("loihi1")),
    ],
    ids=["dense", "sparse", "conv", "mapped", "mapped-sparse"],
)
def test_energy_time_and_spikes_are_those_of_sanafe(tmp_path: Path, network: Network) -> None:
    chip, network_layers = load_chip("loihi1"), layers(network.graph)
    start = start_steps(network_layers)
    steps = network.steps + max(start.values())
    given = events(network, 1, steps)
    write_sanafe(network, tmp_path, events(network, 1), "loihi1")
    subprocess.run([str(PYTHON), "-c", RUN, str(tmp_path), str(steps)], check=True, capture_output=True)
    theirs = json.loads((tmp_path / "out.json").read_text())
    result = traced(network, given)
    placement, _ = sanafe_placement(network, chip)
    ours = estimate(traffic(network, chip, placement, given, result, steps=steps), chip)
    assert ours.dynamic_joules == pytest.approx(theirs["energy"]["total"], rel=1e-9)
    assert ours.seconds == pytest.approx(theirs["seconds"], rel=1e-9)
    expected = [
        f"{name}.{neuron}"
        for step in range(steps)
        for name in network.neurons
        if step >= start[name]
        for neuron in np.flatnonzero(result.traces[name].spikes[step - start[name], 0])
    ]
    fired = [one for step in theirs["fired"] for one in step if not one.startswith("in.")]
    assert sorted(expected) == sorted(fired)
    assert expected


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = mlp((6, 4, 2))
    network.save(tmp_path / "net.onnx")
    x = events(network, 3).x.transpose(1, 0, 2)
    np.savez(tmp_path / "data.npz", x=x, time_axis=1)
    command = ["export", str(tmp_path / "net.onnx"), "--to", "sanafe", "-o", str(tmp_path / "out")]
    assert main([*command, "--data", str(tmp_path / "data.npz"), "--target", "loihi1-davies2018"]) == 0
    assert "run it for 8 steps, 6 of input" in capsys.readouterr().out
    assert "energy_process_spike: 2.36e-11" in (tmp_path / "out" / "arch.yaml").read_text()
    first = ", ".join(str(int(v)) for v in x[0, :, 0])
    assert f"{{0: [{{spikes: [{first}]}}]}}" in (tmp_path / "out" / "net.yaml").read_text()
    assert main(command) == 2
    assert "give --data DATA" in capsys.readouterr().err
