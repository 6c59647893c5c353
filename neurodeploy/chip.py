"""Descriptions of chips: TOML files in which every number carries its source."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

import msgspec

from neurodeploy.errors import InputError, UsageError
from neurodeploy.semantics import Register, Registers

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ValueT = TypeVar("ValueT")
Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
RegisterBits = Annotated[int, msgspec.Meta(ge=8, le=32)]
WeightBits = Annotated[int, msgspec.Meta(ge=2, le=8)]
Magnitude = Annotated[int, msgspec.Meta(ge=1, le=(1 << 31) - 1)]
MantissaBits = Annotated[int, msgspec.Meta(ge=2, le=32)]
Exponent = Annotated[int, msgspec.Meta(ge=0, le=24)]
CHIPS_PACKAGE = "neurodeploy.targets.chips"


class Quantity(msgspec.Struct, Generic[ValueT], frozen=True, forbid_unknown_fields=True):
    """A value with where it comes from and how far it can be trusted."""

    value: ValueT
    source: str
    unit: str = ""
    grade: Literal["certain", "approx"] = "certain"
    basis: Literal["spec", "silicon-fit", "simulated", "scaled", "derived"] = "spec"


class ChipLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole chip."""

    cores: Quantity[Count]


class CoreLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One core."""

    neurons: Quantity[Count]
    synapse_memory: Quantity[Count]


class SynapseLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Synaptic weights."""

    weight_bits: Quantity[WeightBits]


class NeuronLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Registers and parameters of a neuron."""

    u_bits: Quantity[RegisterBits]
    u_overflow: Quantity[Literal["wrap", "saturate"]]
    v_bits: Quantity[RegisterBits]
    v_overflow: Quantity[Literal["wrap", "saturate"]]
    threshold_max: Quantity[Magnitude]
    bias_mantissa_bits: Quantity[MantissaBits]
    bias_exponent_max: Quantity[Exponent]


class SpikeLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of a spike."""

    graded_bits: Quantity[MantissaBits]


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One chip. What is not public is listed in `not_public` and not checked."""

    id: str
    vendor: str
    description: str
    resets: tuple[Literal["subtract", "zero", "none"], ...]
    not_public: tuple[str, ...]
    chip: ChipLimits
    core: CoreLimits
    synapse: SynapseLimits
    neuron: NeuronLimits
    spike: SpikeLimits

    @property
    def registers(self) -> Registers:
        """The state registers of its neurons."""
        n = self.neuron
        return Registers(
            Register(n.u_bits.value, n.u_overflow.value), Register(n.v_bits.value, n.v_overflow.value)
        )

    @property
    def bias_mantissa_max(self) -> int:
        """Largest mantissa of a bias."""
        return (1 << (self.neuron.bias_mantissa_bits.value - 1)) - 1

    @property
    def bias_max(self) -> int:
        """Largest bias."""
        return self.bias_mantissa_max << self.neuron.bias_exponent_max.value

    @property
    def threshold_max(self) -> int:
        """Largest threshold that is compared with and that a potential can reach."""
        return min(self.neuron.threshold_max.value, self.registers.v.high)


def chip_names() -> tuple[str, ...]:
    """Names of the chips that come with the package."""
    files = resources.files(CHIPS_PACKAGE).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".toml")))


def load_chip(name: str) -> Chip:
    """The chip called `name`, or the one that a `.toml` path describes.

    Raises `UsageError` for an unknown name, `InputError` for a file that is not a chip description.
    """
    if name.endswith(".toml") and name not in chip_names():
        return _parse(name, _read(Path(name)))
    if name not in chip_names():
        raise UsageError(
            f"there is no target {name!r}; there are: {', '.join(chip_names())}, or a path to a .toml"
        )
    return _parse(name, (resources.files(CHIPS_PACKAGE) / f"{name}.toml").read_text("utf-8"))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the chip description {path}: {error}") from None


def _parse(name: str, text: str) -> Chip:
    try:
        return msgspec.convert(tomllib.loads(text), Chip)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(f"chip description {name}: {error}") from None
