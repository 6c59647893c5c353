from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from neurodeploy.chip import chip_names

Call = Callable[..., tuple[int, str, str]]


def test_list(call: Call) -> None:
    code, out, err = call("targets")
    assert code == 0
    assert all(f"\n  {name} " in out for name in chip_names())
    assert all(f"\n  {name}" in out for name in ("engine", "lava", "onnxruntime", "float"))
    assert err == "next: neurodeploy targets loihi1\n"


def test_chip_shows_the_source_of_each_number(call: Call) -> None:
    code, out, _ = call("targets", "loihi2")
    assert code == 0
    assert "core.neurons = 8192 neurons  [certain, spec] Intel, " in out
    assert "not public, not checked: core.in_axons" in out
    assert "costs.energy.synapse_dense = 3.55e-11 J  [approx, scaled] inherited from loihi1" in out


@pytest.mark.parametrize(("name", "learns"), [("engine", True), ("onnxruntime", False)])
def test_back_end(call: Call, name: str, learns: bool) -> None:
    found = json.loads(call("targets", name, "--json")[1])
    assert (found["backend"], found["learns"], found["missing"]) == (name, learns, None)
    assert f"learns: {'yes' if learns else 'no'}\nready\n" in call("targets", name)[1]


def test_device_of_a_back_end(call: Call) -> None:
    code, out, _ = call("targets", "torch:cpu")
    assert code == 0
    assert out.startswith("torch:cpu: ") and out.endswith("ready\n")


def test_float_is_no_back_end(call: Call) -> None:
    code, out, err = call("targets", "float")
    assert (code, out) == (2, "")
    assert "float is the model before quantization, in `run --backend float`" in err


@pytest.mark.parametrize(("name", "code"), [("loihi9", 2), ("gone.toml", 3)])
def test_refuses(call: Call, name: str, code: int) -> None:
    found, out, err = call("targets", name)
    assert (found, out) == (code, "")
    assert name in err
