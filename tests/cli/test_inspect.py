from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neurodeploy.artifact import load
from neurodeploy.ir import to_text
from tests.cli.conftest import MODULES, Files
from tests.nets import chip_file, pixels

Call = Callable[..., tuple[int, str, str]]


def test_tables(call: Call, files: Files) -> None:
    code, out, _ = call("inspect", files.net)
    assert code == 0
    assert out.startswith("4 time steps, compiled for loihi2\n")
    assert "at least 2 of 120 cores of loihi2\n" in out
    assert out.count("not public, not checked: ") == 1
    assert ", fan-in per neuron, " in out
    assert all(str(note) in out for note in load(files.net).notes)


def test_graph(call: Call, files: Files) -> None:
    assert call("inspect", files.net, "--ir")[1] == to_text(load(files.net).graph)
    code, out, _ = call("inspect", f"{MODULES}:digits", "--ir", "--data", files.data, "--steps", 3)
    assert code == 0
    assert (
        "lif1    = lif(fc1, shape=[12], decay=0.5, threshold=0.5, reset=subtract, compare=ge) : spike[12]"
        in out
    )


def test_json(call: Call, files: Files) -> None:
    found = json.loads(call("inspect", files.net, "--json")[1])
    assert [layer["layer"] for layer in found["fit"]["layers"]] == ["lif1", "readout"]
    assert all(entry["proven"] for entry in found["ranges"])
    assert found["fit"]["fits"] is True


def test_model(call: Call, files: Files) -> None:
    code, out, _ = call("inspect", f"{MODULES}:digits", "--data", files.data, "--steps", 3)
    assert code == 0
    assert out.startswith("3 time steps, compiled for loihi2")


def test_does_not_fit_another_chip(call: Call, files: Files) -> None:
    chip = chip_file(
        files.more, ("cores = { value = 120", "cores = { value = 1"), ("value = 8192", "value = 12")
    )
    code, out, err = call("inspect", files.net, "--target", chip)
    assert code == 4
    assert "does not fit: at least 2 of 1 cores" in out
    assert "needs 2 cores; loihi2 has 1 (1 over)" in err
    assert "1 over" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--target", "loihi9"], 2, "there is no target 'loihi9'"),
        (["--steps", 3], 2, "--steps, --from and --set are for a MODEL"),
        (["--data", "x.npz"], 3, "x.npz"),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    found, out, err = call("inspect", files.net, *arguments)
    assert (found, out) == (code, "")
    assert message in err


def test_model_with_data_over_time(call: Call, files: Files) -> None:
    data = files.save("t", x=pixels((5, 4, 8, 8)), time_axis=1)
    code, out, _ = call("inspect", f"{MODULES}:digits", "--data", data, "--steps", 4)
    assert code == 0
    assert "input: 16 levels per unit" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["784-256-10", "--target", "loihi1"], 0, "at least 3 of 128 cores of loihi1"),
        (
            ["mlp:784-256-10", "--target", "loihi1"],
            0,
            "synapse memory 112896/131072 (86 %), neurons 256/1024 (25 %)",
        ),
        (["784-256-10"], 0, "not public, not checked: core.in_axons, "),
        (
            ["5000-10", "--target", "loihi1"],
            4,
            "one neuron alone needs 5000 in axons; a core of loihi1 has 4096 (904",
        ),
        (["784-256-10", "--target", "xylo-a2"], 4, "needs 784 inputs; xylo-a2 has 16 (768 over)"),
        (["64-20-10", "--target", "speck2f"], 0, "kernel words 2048/16384"),
        (["16-40-8", "--target", "xylo-a2"], 0, "inputs 16/16 (100 %)"),
    ],
)
def test_before_training(call: Call, arguments: list[object], code: int, said: str) -> None:
    found, out, err = call("inspect", *arguments, "--steps", 4)
    assert found == code
    assert said in (err if code else out)
    assert "untrained: random weights" in out
    assert ("next: neurodeploy train" in err) == (code == 0)


def test_before_training_as_json_and_graph(call: Call) -> None:
    found = json.loads(call("inspect", "64-300-10", "--target", "loihi1", "--steps", 2, "--json")[1])
    assert found["model"] == "mlp:64-300-10"
    cores = found["fit"]["core_uses"]
    assert [core["parts"][0]["layer"] for core in cores] == ["lif1", "readout"]
    assert {use["resource"]: use["limit"] for use in cores[0]["uses"]}["in_axons"] == 4096
    assert "lif1    = lif(" in call("inspect", "64-300-10", "--steps", 2, "--ir")[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("784-256-10", "give --steps T"),
        ("0-4", "must be two or more positive sizes"),
        ("32C5-10", "there is no model"),
    ],
)
def test_before_training_refuses(call: Call, name: str, message: str) -> None:
    steps = [] if "steps" in message else ["--steps", 3]
    code, out, err = call("inspect", name, *steps)
    assert (code, out) == (3 if "no model" in message else 2, "")
    assert message in err


def test_work_and_energy(call: Call, files: Files) -> None:
    code, out, _ = call("inspect", files.net, "--data", files.data, "--limit", 3)
    assert code == 0
    assert "one sample on loihi2, mean of 3: 2 cores on 1 tile, 6 steps of the chip" in out
    assert ", uncalibrated (" in out
    assert "inherited from loihi1" in out
    found = json.loads(call("inspect", files.net, "--data", files.data, "--limit", 3, "--json")[1])["cost"]
    assert found["counts"]["accesses"] == 6 * (12 + 10)
    assert sum(cost["joules"] for cost in found["costs"]) == found["dynamic_joules"]
    assert found["energy_error"] is None


def test_costs_that_nobody_publishes(call: Call, files: Files) -> None:
    out = call("inspect", files.net, "--data", files.data, "--target", "speck2f")[1]
    assert "energy and time on speck2f: unknown, no cost of an operation is public" in out


def test_map_of_cores(call: Call, files: Files) -> None:
    drawn = Path(files.net).parent / "map.svg"
    arguments = ("inspect", files.net, "--data", files.data, "--limit", 3, "--map", "--svg", drawn)
    code, out, _ = call(*arguments)
    assert code == 0
    assert "% of the fullest resource in the mean" in out
    assert "activity measured: 3 samples" in out
    assert drawn.read_text().startswith("<svg")
    found = json.loads(call(*arguments, "--json")[1])
    assert found["mapping"]["cores"][0]["parts"]
    assert found["cost"]["cores"] == len(found["mapping"]["cores"])


def test_map_before_training_on_several_chips(call: Call) -> None:
    arguments = ("inspect", "784-3000-3000-10", "--target", "loihi1", "--steps", 4, "--map")
    code, out, _ = call(*arguments, "--board", "kapoho-bay")
    assert code == 0
    assert "activity assumed: 0.1 spikes a neuron and step" in out
    code, _, err = call(*arguments, "--board", "hala-point")
    assert (code, "loihi1 has no board 'hala-point'; there is kapoho-bay (2 chips)" in err) == (2, True)


def test_a_picture_needs_a_map(call: Call, files: Files) -> None:
    code, _, err = call("inspect", files.net, "--svg", "map.svg")
    assert (code, "--svg draws the map: give --map, too" in err) == (2, True)


@pytest.mark.parametrize("given", [["--data", "gone.npz"], ["--from", "norse"], ["--set", "quant.bits=4"]])
def test_a_notation_takes_no_data(call: Call, given: list[str]) -> None:
    code, out, err = call("inspect", "64-12-10", "--steps", 4, *given)
    assert (code, out) == (2, "")
    assert "--data, --from and --set are for a trained network; mlp:64-12-10 is only a notation" in err


def test_a_drawing_is_a_file(call: Call, files: Files) -> None:
    code, out, err = call("inspect", files.net, "--map", "--svg", "-")
    assert (code, out) == (2, "")
    assert "--svg writes a file, not stdout: name one" in err


@pytest.mark.parametrize("given", [["--map"], ["--target", "loihi1"], ["--board", "kapoho-point"]])
def test_the_graph_of_a_model_knows_no_chip(call: Call, files: Files, given: list[str]) -> None:
    words = ("inspect", f"{MODULES}:digits", "--ir", "--data", files.data, "--steps", 3)
    code, out, err = call(*words, *given)
    assert (code, out) == (2, "")
    assert "--ir prints a MODEL as it was read, before any chip" in err


def test_the_graph_of_an_artefact_takes_no_data(call: Call, files: Files) -> None:
    code, out, err = call("inspect", files.net, "--ir", "--data", files.data)
    assert (code, out) == (2, "")
    assert "--ir prints the graph of the artefact, which --data do not change" in err
