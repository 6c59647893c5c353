from __future__ import annotations

from pathlib import Path

import pytest

from neurodeploy.chip import chip_names, load_chip
from neurodeploy.errors import InputError, UsageError
from neurodeploy.semantics import Register
from tests.nets import chip_file


def test_chips_of_the_package() -> None:
    assert "loihi2" in chip_names()
    for name in chip_names():
        chip = load_chip(name)
        assert chip.id == name
        assert chip.neuron.u_bits.source


def test_registers() -> None:
    assert load_chip("loihi2").registers.u == Register(24, "wrap")
    assert load_chip("loihi2").registers.v == Register(24, "saturate")


def test_unknown_name() -> None:
    with pytest.raises(
        UsageError, match=r"there is no target 'loihi3'; there are: .*loihi2.*or a path to a .toml"
    ):
        load_chip("loihi3")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[core]", "[core]\nfans = 3", "Object contains unknown field `fans` - at `$.core`"),
        (
            "neurons = { value = 8192",
            "neurons = { value = 8.5",
            "Expected `int`, got `float` - at `$.core.neurons",
        ),
        ("neurons = { value = 8192", 'neurons = { value = "many"', "Expected `int`, got `str`"),
        (
            'value = "wrap"',
            'value = "bounce"',
            "Invalid enum value 'bounce' - at `$.neuron.u_overflow.value`",
        ),
        ('grade = "approx"', 'grade = "guess"', "Invalid enum value 'guess' - at `$.chip.cores.grade`"),
        ('vendor = "Intel"', "", "missing required field `vendor`"),
        ('id = "loihi2"', 'id = "loihi2"\nid = "again"', "Cannot overwrite a value"),
        ("[chip]", "[chip", "at line"),
    ],
)
def test_strict(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = chip_file(tmp_path, (old, new))
    with pytest.raises(InputError) as caught:
        load_chip(path)
    assert message in str(caught.value)
    assert path in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cores = { value = 120", "cores = { value = 0"),
        ("neurons = { value = 8192", "neurons = { value = 0"),
        ("synapse_memory = { value = 131072", "synapse_memory = { value = 0"),
        ("weight_bits = { value = 8", "weight_bits = { value = -1"),
        ("u_bits = { value = 24", "u_bits = { value = -3"),
        ("v_bits = { value = 24", "v_bits = { value = 0"),
        ("v_bits = { value = 24", "v_bits = { value = 70"),
        ("threshold_max = { value = 8388607", "threshold_max = { value = -1"),
        ("bias_mantissa_bits = { value = 13", "bias_mantissa_bits = { value = 0"),
        ("bias_exponent_max = { value = 7", "bias_exponent_max = { value = -7"),
        ("graded_bits = { value = 32", "graded_bits = { value = 0"),
        ('"subtract", "zero"', '"subtract", "soft"'),
    ],
)
def test_limits_that_make_no_sense(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(InputError):
        load_chip(chip_file(tmp_path, (old, new)))


@pytest.mark.parametrize("kind", ["missing", "folder", "binary"])
def test_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot read the chip description"):
        load_chip(str(path))
