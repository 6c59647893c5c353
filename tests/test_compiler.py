from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.compiler import CompileConfig, InputConfig, QuantConfig, parse_settings
from neurodeploy.errors import InputError, NeurodeployError, UsageError
from tests.frontends.modules import small
from tests.nets import pixels


def test_record() -> None:
    network = nd.compile(small(inputs=8), pixels((20, 8)), steps=3, bits=5, calibration={"data": "drawn"})
    assert (network.steps, network.target, network.is_readout) == (3, "loihi2", True)
    assert network.provenance["model"] == "Sequential"
    assert network.provenance["calibration"] == {"samples": 20, "data": "drawn"}
    assert network.provenance["config"]["quant"]["bits"] == 5
    assert network.provenance["config"]["input"] == {"levels": None}
    assert repr(network).startswith("Network for loihi2, 3 steps:\ninput ")


def test_save_and_load(tmp_path: Any) -> None:
    network = nd.compile(small(inputs=8), pixels((20, 8)), steps=3)
    network.save(tmp_path / "n.onnx")
    assert nd.load(tmp_path / "n.onnx") == network
    assert nd.load(str(tmp_path / "n.onnx")) == network


@pytest.mark.parametrize(
    ("settings", "config"),
    [
        ({}, CompileConfig()),
        ({"quant.bits": "6"}, CompileConfig(QuantConfig(6))),
        ({"input.levels": "16"}, CompileConfig(input=InputConfig(16.0))),
        ({"input.levels": "null", "quant.bits": "3"}, CompileConfig(QuantConfig(3))),
    ],
)
def test_settings(settings: dict[str, str], config: CompileConfig) -> None:
    assert parse_settings(settings) == (config, {})


def test_settings_for_a_front_end() -> None:
    config, sections = parse_settings({"nir.dt": "1e-4", "quant.bits": "5", "nir.reset": "zero"})
    assert (config, sections) == (CompileConfig(QuantConfig(5)), {"nir": {"dt": 1e-4, "reset": "zero"}})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quant.bits": "six"}, "Expected `int`, got `str` - at `$.quant.bits`"),
        ({"quant.bits": "6.5"}, "Expected `int`, got `float`"),
        ({"quant.bits": ""}, "Expected `int`, got `str`"),
        ({"quant.bit": "6"}, "Object contains unknown field `bit` - at `$.quant`"),
        ({"place.fc1": "2"}, "Object contains unknown field `place`"),
        ({"bits": "2"}, "unknown field `bits`"),
        ({"input.levels": "NaN"}, "at `$.input.levels`"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(settings)
    assert message in str(caught.value)
    assert str(caught.value).startswith("--set: ")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, UsageError, "the number of time steps must be in 1.."),
        ({"steps": -1}, UsageError, "not -1"),
        (
            {"steps": None},
            UsageError,
            "Sequential does not say how many time steps a sample runs; give --steps T",
        ),
        ({"bits": 1}, UsageError, "bits"),
        ({"config": CompileConfig(QuantConfig(0))}, UsageError, "bits"),
        ({"target": "loihi9"}, UsageError, "there is no target 'loihi9'"),
        ({"sample": np.zeros((20, 8))}, InputError, "all 160 values are 0"),
        ({"sample": np.full((20, 8), np.nan)}, InputError, "NaN"),
        ({"sample": np.zeros((0, 8))}, InputError, "of 0 values|0 samples"),
        ({"sample": np.zeros(8)}, InputError, "shape"),
        ({"sample": np.float32(1)}, InputError, "shape"),
        ({"sample": pixels((20, 7))}, InputError, "takes 8 inputs, but gets shape"),
        ({"sample": [["a"] * 8]}, InputError, "numbers|float"),
    ],
)
def test_refuses(options: dict[str, Any], error: type[NeurodeployError], message: str) -> None:
    given = {"sample": pixels((20, 8)), "steps": 3, **options}
    with pytest.raises(error, match=message):
        nd.compile(small(inputs=8), **given)


def test_run_and_diff_are_public() -> None:
    module, x = small(inputs=8), pixels((20, 8))
    network = nd.compile(module, x, steps=3)
    assert network.run(x).prediction.shape == (20,)
    assert nd.diff(module, network, x).worst is not None
