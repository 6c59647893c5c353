from __future__ import annotations

from pathlib import Path

import pytest

from neurodeploy.chip import Entry, Property, chip_names, load_chip, number
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
        (
            "[core]",
            "[core]\nfans = 3",
            "unknown field `fans` - at `$.core`. There are neurons, synapse_memory, in_axons, out_axons, ",
        ),
        ('id = "loihi2"', 'id = "loihi2"\nmaker = "x"', "unknown field `maker`. There are id, vendor, "),
        (
            "[boards]\n",
            "[boards]\nown = { number = 4 }\n",
            "unknown field `number` - at `$.boards[...]`. There are value, unit, grade, basis, source",
        ),
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


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            'value = 8192, unit = "neurons", ',
            "value = 8192, ",
            "missing required field `unit` - at `$.core.neurons`",
        ),
        ('value = 8192, unit = "neurons"', 'value = 8192, unit = ""', "at `$.core.neurons.unit`"),
        ('value = 8192, unit = "neurons"', 'value = -8192, unit = "neurons"', "at `$.core.neurons.value`"),
        (
            'value = 8192, unit = "neurons"',
            'unit = "neurons"',
            "missing required field `value` - at `$.core.neurons`",
        ),
        ("value = 5.12e-11", "value = -5.12e-11", "at `$.costs.energy.neuron_access.value`"),
        (
            "value = 5.12e-11, ",
            "",
            "must have a value, one of grade 'unknown' none - at `$.costs.energy.neuron_access`",
        ),
        ("in_axons = { unit", "in_axons = { value = 4096, unit", "none - at `$.core.in_axons`"),
        ('"bit-packed"', '"word-blocks"', "packing 'word-blocks' needs the section `synapse.blocks`"),
        ('"bit-packed"', '"one-layer-a-core"', "needs the sections `cores` and `layer`"),
        ('"bit-packed"', '"one-core"', "packing 'one-core' needs the section `network`"),
    ],
)
def test_a_number_that_is_wrong_is_named_by_its_path(tmp_path: Path, old: str, new: str, path: str) -> None:
    with pytest.raises(InputError) as caught:
        load_chip(chip_file(tmp_path, (old, new)))
    assert path in str(caught.value)


def test_every_number_has_unit_and_source() -> None:
    for name in chip_names():
        for path, entry in load_chip(name).entries():
            assert entry.source, path
            if not isinstance(entry, Property):
                assert entry.unit, path


def test_unknown_limits_are_listed() -> None:
    assert "core.in_axons" in load_chip("loihi2").not_checked
    assert "fan-in per neuron" in load_chip("loihi2").not_checked
    assert load_chip("loihi1").core.in_axons.value == 4096


def test_base(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    cores = '{ value = 7, unit = "cores", grade = "certain", basis = "spec", source = "here" }'
    path.write_text(f'base = "loihi1"\nid = "small"\n[chip]\ncores = {cores}\n')
    chip, base = load_chip(str(path)), load_chip("loihi1")
    assert (chip.id, chip.chip.cores.value, chip.chip.cores.source) == ("small", 7, "here")
    assert (chip.core, chip.neuron, chip.costs) == (base.core, base.neuron, base.costs)


def test_base_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text('base = "loihi9"\nid = "small"\n')
    with pytest.raises(InputError, match=r"base must be one of loihi1, .*, not 'loihi9'"):
        load_chip(str(path))


def test_davies_differs_in_costs_alone() -> None:
    fitted, published = load_chip("loihi1"), load_chip("loihi1-davies2018")
    assert (fitted.core, fitted.neuron, fitted.synapse) == (
        published.core,
        published.neuron,
        published.synapse,
    )
    assert published.costs.energy.synapse_dense.value == 23.6e-12
    assert not published.costs.model.calibrated


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (load_chip("loihi2").core.neurons, "8192 neurons"),
        (load_chip("loihi2").core.in_axons, "unknown"),
        (load_chip("loihi2").synapse.sharing, "yes"),
        (load_chip("loihi2").neuron.compares, "ge, gt"),
        (
            load_chip("loihi1").costs.latency.barrier,
            "(1, 6e-07), (2, 1e-06), (4, 1.4e-06), (29, 1.8e-06) tiles, s",
        ),
    ],
)
def test_number_as_text(entry: Entry, text: str) -> None:
    assert number(entry) == text
