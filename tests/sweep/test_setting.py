from __future__ import annotations

from neurodeploy.sweep import Setting

WEIGHTS = {"a": 100, "b": 10, "c": 1}


def test_uniform() -> None:
    setting = Setting.uniform(list(WEIGHTS), 4)
    assert setting.weight_bits(WEIGHTS) == 444
    assert str(setting) == "4 bits"


def test_with_layer() -> None:
    setting = Setting.uniform(list(WEIGHTS), 4).with_layer("b", 8)
    assert (setting.of("a"), setting.of("b")) == (4, 8)
    assert setting.weight_bits(WEIGHTS) == 400 + 80 + 4
    assert str(setting) == "4 bits, b 8"


def test_equal_by_value() -> None:
    low, high = Setting.uniform(["a", "b"], 2), Setting.uniform(["a", "b"], 8)
    assert low.with_layer("a", 8) == high.with_layer("b", 2)
    assert len({low.with_layer("a", 8), high.with_layer("b", 2)}) == 1
