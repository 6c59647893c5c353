"""The sections of a chip's description that say what fits and what its integers are."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from neurodeploy.chip.quantity import Limit, Property, Quantity

Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
RegisterBits = Annotated[int, msgspec.Meta(ge=8, le=32)]
WeightBits = Annotated[int, msgspec.Meta(ge=2, le=8)]
Magnitude = Annotated[int, msgspec.Meta(ge=1, le=(1 << 31) - 1)]
Bits = Annotated[int, msgspec.Meta(ge=1, le=32)]
MantissaBits = Annotated[int, msgspec.Meta(ge=2, le=32)]
Exponent = Annotated[int, msgspec.Meta(ge=0, le=24)]
FieldBits = Annotated[int, msgspec.Meta(ge=0, le=64)]
Steps = Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]
Packing = Literal["word-blocks", "bit-packed", "one-layer-a-core", "one-core"]
Reset = Literal["subtract", "zero", "none"]


class ChipLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole chip; `mesh` are the rows and columns of tiles, `cores_per_tile` those behind one router."""

    cores: Quantity[Count]
    mesh: Limit[tuple[Count, Count]]
    cores_per_tile: Limit[Count]


class CoreLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One core.

    `neurons` are compartments where a neuron may take several. `synapse_memory` in bytes. `in_axons` and `out_axons`
    are entries of the routing tables. `neuron_settings` and `threshold_settings` are how many different ones the
    neurons of a core can have.
    """

    neurons: Quantity[Count]
    synapse_memory: Limit[Count]
    in_axons: Limit[Count]
    out_axons: Limit[Count]
    neuron_settings: Limit[Count]
    threshold_settings: Limit[Count]


class CoreLists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Memories of cores that differ, one number a core, in words (one weight, one neuron)."""

    kernel_words: Quantity[tuple[Count, ...]]
    neuron_words: Quantity[tuple[Count, ...]]
    bias_words: Quantity[Count]


class NetworkLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chip that takes whole networks: neurons of each role, and targets of one neuron."""

    inputs: Quantity[Count]
    hidden: Quantity[Count]
    outputs: Quantity[Count]
    fan_out: Quantity[Count]
    driven_by_input: Quantity[Count]
    driving_output: Quantity[Count]


class LayerLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Extents of one layer: places a side of its input, places a side of its output, layers that it may drive."""

    input_side: Quantity[Count]
    output_side: Quantity[Count]
    destinations: Quantity[Count]


class WordBlocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How lists of synapses are packed into words, see `neurodeploy.resources.words`.

    `population_out_slots`: entries of the table of output axons that one axon for the population of a place takes.
    """

    word_bits: Quantity[Count]
    block_synapses: Quantity[Count]
    header_bits: Quantity[FieldBits]
    index_bits: Quantity[tuple[FieldBits, ...]]
    population_out_slots: Quantity[Count]


class SynapseLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Synaptic weights and delays; `packing` is the rule that counts their memory (`neurodeploy.resources`).

    `sharing`: a convolution's kernel is stored once for all places.
    """

    weight_bits: Quantity[WeightBits]
    delay_max: Quantity[Steps]
    packing: Property[Packing]
    sharing: Property[bool]
    blocks: WordBlocks | None = None


class NeuronLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Registers and parameters of a neuron, in the units of `IntLIF` (64 to a unit of weight).

    A threshold is a multiple of `threshold_step`, a bias mantissa * 2^e with e in `bias_exponent_min..max`.
    `decays`: 'any' of the 12 bits, 'shift' (keeps 1 - 2^-k), 'none' (integrates without leak). `compartments` is how
    many a neuron takes that resets by subtraction.
    """

    u_bits: Quantity[RegisterBits]
    u_overflow: Property[Literal["wrap", "saturate"]]
    v_bits: Quantity[RegisterBits]
    v_overflow: Property[Literal["wrap", "saturate"]]
    threshold_max: Quantity[Magnitude]
    threshold_step: Quantity[Magnitude]
    bias_mantissa_bits: Quantity[MantissaBits]
    bias_exponent_min: Quantity[Exponent]
    bias_exponent_max: Quantity[Exponent]
    decay_bits: Quantity[Bits]
    decays: Property[Literal["any", "shift", "none"]]
    currents: Property[Literal["any", "shift", "none"]]
    compares: Property[tuple[Literal["ge", "gt"], ...]]
    resets: Property[tuple[Reset, ...]]
    refractory_max: Quantity[Steps]
    subtract_compartments: Quantity[Count]


class SpikeLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a spike carries: `graded_bits` of a signed payload (1: none), and how many a neuron sends in a step."""

    graded_bits: Quantity[Bits]
    per_step: Quantity[Count]


class LearningLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Learning on the chip; `product_terms`: factors and terms that a rule may have."""

    pre_traces: Limit[Count]
    post_traces: Limit[Count]
    trace_bits: Limit[Bits]
    accumulator_bits: Limit[Bits]
    epoch_max: Limit[Count]
    product_terms: Limit[Count]
