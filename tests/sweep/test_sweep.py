from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.compiler import CompileConfig, QuantConfig, compile_graph
from neurodeploy.errors import FitError, InputError, UnsupportedError, UsageError
from neurodeploy.ir.interpreter import interpret
from neurodeploy.sweep import Setting, Sweep, sweep
from neurodeploy.sweep.result import drop
from tests.nets import chip_file
from tests.sweep.conftest import Digits
from tests.sweep.nets import Made, data, network


def swept(**options: object) -> Sweep:
    return sweep(Made(network()), data(), data(20), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(digits: Digits) -> Sweep:
    return sweep(digits.model, digits.test, digits.train, bits=(2, 8, 4), max_drop=0.02)


def test_points_are_what_the_compiler_and_the_engine_give() -> None:
    found = swept(bits=[8, 3])
    x, labels = data().x, data().labels()
    real = interpret(network(), x, 3)
    assert found.floats.prediction == real.prediction.tolist()
    for entry in found.entries:
        config = CompileConfig(quant=QuantConfig(layers=dict(entry.setting.bits)))
        result = compile_graph(network(), data(20).x, steps=3, config=config).run(x)
        assert entry.point.prediction == result.prediction.tolist()
        assert entry.point.correct == (result.prediction == labels).sum()


def test_kinds(found: Sweep) -> None:
    assert [str(e.setting) for e in found.kind("uniform")] == ["8 bits", "4 bits", "2 bits"]
    assert [(e.layer, e.point.bits) for e in found.kind("narrow")] == [
        ("fc1", {"fc1": 2, "fc2": 8}),
        ("fc2", {"fc1": 8, "fc2": 2}),
    ]
    assert [(e.layer, e.point.bits) for e in found.kind("wide")] == [
        ("fc1", {"fc1": 8, "fc2": 2}),
        ("fc2", {"fc1": 2, "fc2": 8}),
    ]


def test_eight_bits_keep_the_accuracy_and_two_do_not(found: Sweep) -> None:
    assert found.floats.correct / found.samples > 0.7
    assert abs(found.drop(found.kind("uniform")[0].point)) <= 0.02
    assert found.drop(found.kind("uniform")[-1].point) > 0.02


def test_smallest_keeps_the_gate(found: Sweep) -> None:
    assert found.smallest is not None
    assert found.drop(found.smallest.point) <= 0.02
    assert found.row(found.smallest)["within"]
    kept = [entry for entry in found.entries if found.drop(entry.point) <= 0.02]
    assert found.bytes(found.smallest.setting) == min(found.bytes(entry.setting) for entry in kept)
    assert found.bytes(found.smallest.setting) < found.bytes(found.entries[0].setting)


def test_search_goes_down_step_by_step(found: Sweep) -> None:
    path = [found.entries[0], *found.kind("mixed")]
    assert len(path) > 1
    for before, after in pairwise(path):
        changed = [name for name in found.weights if before.setting.of(name) != after.setting.of(name)]
        assert len(changed) == 1
        assert after.setting.of(changed[0]) < before.setting.of(changed[0])
        assert found.drop(after.point) <= found.max_drop


def test_rows(found: Sweep) -> None:
    row = found.row(found.entries[0])
    assert row["bytes"] == 64 * 32 + 32 * 10
    assert len(row["accuracy"]["by_steps"]) == 4
    assert row["accuracy"]["by_steps"][-1] == row["accuracy"]["accuracy"]
    assert row["accuracy"]["low"] < row["accuracy"]["accuracy"] < row["accuracy"]["high"]
    assert row["change"]["points"] == pytest.approx(-100 * found.drop(found.entries[0].point))
    assert row["change"]["low"] <= row["change"]["points"] <= row["change"]["high"]
    assert any(note.startswith("fc1: weights at ") for note in row["notes"])


def test_sensitivity(found: Sweep) -> None:
    first, _ = found.sensitivity()
    eight, two = (found.kind("uniform")[i].point.correct for i in (0, -1))
    narrow, wide = (found.kind(kind)[0].point.correct for kind in ("narrow", "wide"))  # type: ignore[arg-type]
    assert first["layer"] == "fc1"
    assert first["lost_narrow"] == pytest.approx((eight - narrow) / found.samples)
    assert first["regained_wide"] == pytest.approx((wide - two) / found.samples)
    assert first["lost_per_byte"] == pytest.approx(first["lost_narrow"] / (64 * 32 * 6 // 8))


def test_gptq_and_mse_lose_less_at_two_bits(digits: Digits, found: Sweep) -> None:
    config = CompileConfig(quant=QuantConfig(clip="mse", rounding="gptq"))
    better = sweep(digits.model, digits.test, digits.train, bits=(2,), config=config)
    assert better.entries[0].point.correct > found.kind("uniform")[-1].point.correct
    assert [entry.kind for entry in better.entries] == ["uniform"]


def test_none_keeps_an_impossible_gate(digits: Digits) -> None:
    found = sweep(digits.model, digits.test, digits.train, bits=(2,), max_drop=0.0)
    assert found.smallest is None
    assert found.to_dict()["smallest"] is None


def test_second_run_measures_nothing(tmp_path: Path) -> None:
    first, second = swept(folder=tmp_path), swept(folder=tmp_path)
    assert (first.computed > 0, second.computed) == (True, 0)
    assert first.to_dict() | {"computed": 0} == second.to_dict()


def test_interrupted_run_goes_on(tmp_path: Path) -> None:
    swept(folder=tmp_path)
    next((tmp_path / "points").iterdir()).unlink()
    assert swept(folder=tmp_path).computed == 1


@pytest.mark.parametrize("options", [{"steps": 4}, {"config": CompileConfig(quant=QuantConfig(clip="mse"))}])
def test_other_settings_measure_again(tmp_path: Path, options: dict[str, object]) -> None:
    first = swept(folder=tmp_path, bits=[8])
    assert swept(folder=tmp_path, bits=[8], **options).computed == first.computed == 2


def test_another_chip_measures_again(tmp_path: Path) -> None:
    chip = chip_file(tmp_path, ("cores = { value = 120", "cores = { value = 119"))
    swept(folder=tmp_path, bits=[8])
    assert swept(folder=tmp_path, bits=[8], target=str(chip)).computed == 2


def test_other_data_measure_again(tmp_path: Path) -> None:
    swept(folder=tmp_path, bits=[8])
    assert sweep(Made(network()), data(39), data(20), bits=[8], folder=tmp_path).computed == 2
    assert sweep(Made(network()), data(), data(19), bits=[8], folder=tmp_path).computed == 2
    assert sweep(Made(network(threshold=0.6)), data(), data(20), bits=[8], folder=tmp_path).computed == 2


def test_setting_that_does_not_fit_is_a_row() -> None:
    graph = network()
    tiny = replace(graph.op("lif1"), threshold=np.array(1e-8))  # type: ignore[type-var]
    found = sweep(Made(graph.replaced({"lif1": tiny})), data(), data(20), bits=[8, 2])
    rows = [found.row(entry) for entry in found.entries]
    assert all("threshold 1e-08 is less than half" in row["unfit"] for row in rows)
    assert all(row["accuracy"] is None and not row["within"] for row in rows)
    assert drop(found.floats, found.entries[0].point) == 1.0
    assert found.smallest is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bits": []}, UsageError, "one or more numbers from 2 up, not none"),
        ({"bits": [8, 1]}, UsageError, "not 8,1"),
        ({"bits": [9, 4]}, FitError, "weights of 9 bits do not fit: loihi2 has 8 bits a weight"),
        ({"max_drop": 1.0}, UsageError, "from 0 to below 1"),
        ({"max_drop": -0.1}, UsageError, "not -0.1"),
        ({"max_drop": float("nan")}, UsageError, "not nan"),
        ({"jobs": 0}, UsageError, "jobs must be 1 or more, not 0"),
        (
            {"config": CompileConfig(quant=QuantConfig(layers={"fc1": 4}))},
            UsageError,
            "leave out --set quant.layers",
        ),
        ({"target": "loihi9"}, UsageError, "there is no target 'loihi9'"),
    ],
)
def test_refuses(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        swept(**options)


def test_needs_labels() -> None:
    with pytest.raises(InputError, match="no labels"):
        sweep(Made(network()), data(labelled=False), data(20))


def test_needs_a_float_network() -> None:
    integers = compile_graph(network(), data(20).x, steps=3).graph
    with pytest.raises(UnsupportedError, match="holds integers only"):
        sweep(Made(integers), data(), data(20))


def test_setting_label_is_unique(found: Sweep) -> None:
    settings: set[Setting] = {entry.setting for entry in found.entries}
    assert len({str(setting) for setting in settings}) == len(settings)
