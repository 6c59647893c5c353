from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from neurodeploy.data import first_and_rest, load
from neurodeploy.errors import InputError, UsageError
from neurodeploy.learning.scenarios import ottt, run, table, write
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.deployed import accuracies, deploy
from neurodeploy.learning.scenarios.offline import retrained
from neurodeploy.learning.scenarios.ottt import float_accuracies, online_ottt
from neurodeploy.learning.scenarios.result import METHODS
from neurodeploy.learning.scenarios.ridge import STRENGTHS, _fit, _left_out_error, ridge
from neurodeploy.learning.scenarios.run import ScenarioOutcome
from neurodeploy.learning.scenarios.setting import SETTINGS

SMALL = replace(
    SETTINGS["digits"],
    model="mlp:64-32-10,threshold=0.3",
    epochs=4,
    stream=200,
    base=200,
    held_out=100,
    steps=4,
)


@pytest.fixture(autouse=True, scope="module")
def short_search() -> Iterator[None]:
    """The baseline compares its learning rates on few samples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ottt, "SEARCH", 40)
        yield


@pytest.fixture(scope="module")
def outcome() -> ScenarioOutcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETTINGS, "digits", SMALL)
        return run("new-class", seeds=2)


@pytest.fixture(scope="module")
def scratch() -> Course:
    train, rest = first_and_rest(load("digits@train"), 250, seed=0)
    return Course("scratch", None, None, (Lesson("all", train, rest.limit(300)),))


def test_record_is_complete(outcome: ScenarioOutcome) -> None:
    record = json.loads(json.dumps(outcome.record, allow_nan=False))
    assert (record["schema"], record["scenario"], record["data"]) == (
        "neurodeploy.scenario/1",
        "new-class",
        "digits",
    )
    assert (record["seeds"], record["layers"], record["setting"]["model"]) == (
        2,
        "last",
        "mlp:64-32-10,threshold=0.3",
    )
    assert record["updates_per_second"] > 0
    assert [(r["course"], r["seed"]) for r in record["results"]] == [("new class", 0), ("new class", 1)]
    for result in record["results"]:
        assert result["judged_on"] == ["old", f"class {result['seed']}"]
        assert set(result["after"]) == set(METHODS)
        shares = [*result["before"], *(share for row in result["after"].values() for share in row)]
        assert all(0 <= share <= 1 for share in shares)
        chip = result["chip"]
        assert (chip["samples"], chip["updates"], chip["synapses"]) == (chip["samples"], chip["samples"], 320)
        assert chip["curve"][0] == {"samples": 0, "accuracy": result["before"][1]}
        assert chip["curve"][-1] == {"samples": chip["samples"], "accuracy": result["after"]["chip"][1]}
        assert list(chip["moved"]) == ["fc2"]
        assert sum(count for _, count in chip["moved"]["fc2"]) == 320
        assert 0 < sum(count for distance, count in chip["moved"]["fc2"] if distance) <= chip["changed"]
        assert chip["rule"]["synapses"]["fc2"]["rate_shift"] > 0
        assert result["by_lesson"][-1] == result["after"]["chip"]


def test_the_new_class_is_unknown_before(outcome: ScenarioOutcome) -> None:
    for result in outcome.results:
        assert result.before[1] == 0.0
        assert result.before[0] > 0.3


def test_same_seed_same_record(outcome: ScenarioOutcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "digits", SMALL)
    again = run("new-class", seeds=1)
    assert again.results == outcome.results[:1]
    assert outcome.results[0].chip["moved"] != outcome.results[1].chip["moved"]


def test_folder(outcome: ScenarioOutcome, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert write(outcome, tmp_path / "a" / "b") == ["scenario.json", "scenario.md", "scenario.png"]
    folder = tmp_path / "a" / "b"
    assert json.loads((folder / "scenario.json").read_bytes())["scenario"] == "new-class"
    assert (folder / "scenario.md").read_text("utf-8") == table(outcome.record)
    assert (folder / "scenario.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot make the folder"):
        write(outcome, folder / "scenario.md" / "c")


def test_table(outcome: ScenarioOutcome) -> None:
    lines = table(outcome.record).splitlines()
    head = next(line for line in lines if line.startswith("| course"))
    rows = [line for line in lines if line.startswith("| new class")]
    assert [cell.strip() for cell in head.split("|")[2:4]] == ["before, old", "no adaptation"]
    assert len(rows) == 1
    assert "| 0.0 ± 0.0 |" in rows[0]
    assert any("updates of 320 weights each" in line for line in lines)
    said = list(dict.fromkeys(text for result in outcome.results for text in result.chip["advice"]))
    assert lines[-len(said) :] == [f"- {text}" for text in said]


def test_float_ottt_learns(scratch: Course, tmp_path: Path) -> None:
    module = deploy(scratch, SMALL, 0, tmp_path / "run").module
    before, untouched = float_accuracies(module, scratch, SMALL.steps), copy.deepcopy(module.state_dict())
    last, every = (online_ottt(module, scratch, SMALL.steps, layers) for layers in ("last", "all"))
    assert before[0] < 0.25
    assert last.rows[0][0] > before[0] + 0.2
    assert every.rows[0][0] > before[0] + 0.2
    assert last.rows != every.rows
    assert all(np.array_equal(untouched[name], value) for name, value in module.state_dict().items())


def test_retraining_offline_learns(scratch: Course, tmp_path: Path) -> None:
    deployed = deploy(scratch, SMALL, 0, tmp_path / "run")
    (before,) = float_accuracies(deployed.module, scratch, SMALL.steps)
    (after,) = retrained(deployed, scratch, SMALL, 0)
    assert after > before + 0.2


def test_ridge_is_the_best_linear_readout(scratch: Course, tmp_path: Path) -> None:
    network = deploy(scratch, SMALL, 0, tmp_path / "run").network
    found = ridge(network, scratch, 10)
    assert found.strength in STRENGTHS
    assert found.row[0] > accuracies(network, scratch)[0] + 0.4


def test_left_out_error_is_that_of_fits_without_the_sample() -> None:
    random = np.random.default_rng(0)
    h, y = random.normal(size=(12, 4)), random.normal(size=(12, 2))
    rest = [np.delete(np.arange(12), i) for i in range(12)]
    apart = sum(float(((y[i] - h[i] @ _fit(h[r], y[r], 0.3)) ** 2).sum()) for i, r in enumerate(rest))
    assert _left_out_error(h, y, 0.3) == pytest.approx(apart)


def test_unknown_scenario_and_number_of_seeds() -> None:
    with pytest.raises(
        UsageError, match=r"no scenario 'flood'\. There are drift, new-session, new-user, new-class"
    ):
        run("flood")
    with pytest.raises(UsageError, match=r"takes 1\.\.31 seeds, not 0"):
        run("drift", seeds=0)
