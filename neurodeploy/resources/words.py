"""Synapse memory: lists of synapses packed into words, or weights at their bits."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import WordBlocks
from neurodeploy.resources.fan import Counts, fan_out, windows_seen
from neurodeploy.resources.layers import Group
from neurodeploy.resources.parts import Box


def list_words(synapses: npt.ArrayLike, bits: int, blocks: WordBlocks) -> Counts:
    """Words of lists of so many synapses of `bits` bits each, weight and index.

    A list is cut into blocks of up to `block_synapses`; each takes `header_bits` more and begins at a new word:
    words = sum over blocks of ceil((n bits + header) / word_bits)
    """
    n = np.asarray(synapses, np.int64)
    most, header, word = blocks.block_synapses.value, blocks.header_bits.value, blocks.word_bits.value
    full = -(-(most * bits + header) // word)
    rest = n % most
    return n // most * full + np.where(rest > 0, -(-(rest * bits + header) // word), 0)


def index_bits(targets: int, blocks: WordBlocks) -> int:
    """Bits of an index into `targets` neurons: the smallest of the chip's widths that holds it."""
    needed = max(targets - 1, 0).bit_length()
    return next((b for b in blocks.index_bits.value if b >= needed), blocks.index_bits.value[-1])


def discrete_words(group: Group, box: Box, fan: Counts, blocks: WordBlocks) -> int:
    """Words of one list for every source neuron: sparse (an index each, zeros left out) or dense, what is less.

    Dense stores a weight for every neuron from the first to the last of `box`, zeros too, without an index.
    """
    neurons = prod(end - begin for begin, end in box)
    sparse = list_words(fan, group.bits + index_bits(neurons, blocks), blocks).sum()
    dense = int(np.count_nonzero(fan)) * int(list_words(neurons, group.bits, blocks))
    return min(int(sparse), dense)


def is_sparse(group: Group, box: Box, blocks: WordBlocks) -> bool:
    """True where a discrete group takes fewer words with an index a synapse than without."""
    neurons = prod(end - begin for begin, end in box)
    fan = fan_out(group, box)
    sparse = list_words(fan, group.bits + index_bits(neurons, blocks), blocks).sum()
    return bool(sparse < int(np.count_nonzero(fan)) * int(list_words(neurons, group.bits, blocks)))


def shared_words(group: Group, box: Box, blocks: WordBlocks) -> int:
    """Words of a convolution whose lists are shared by places: one list for all channels of each distinct window.

    The list holds the weights, zeros too, of every input channel (population spikes say which of them fired) with
    indices relative to the axon's base.
    """
    channels = box[0][1] - box[0][0]
    pairs = channels * group.present.shape[1]
    wide = [end - begin for begin, end in box[2:]]
    words = 0
    for sizes, _ in windows_seen(group, box):
        bits = group.bits + index_bits(_span(sizes, wide, channels), blocks)
        words += int(list_words(pairs * prod(sizes), bits, blocks))
    return words


def _span(sizes: tuple[int, ...], wide: list[int], channels: int) -> int:
    """Neurons from the first to the last that a window reaches, in the order (row, column, channel)."""
    last = sizes[0] - 1
    for size, width in zip(sizes[1:], wide, strict=True):
        last = last * width + size - 1
    return last * channels + channels


def packed_bytes(group: Group, box: Box, sharing: bool) -> int:
    """Bytes of the weights alone at their bits, zeros too; a shared kernel once. Headers are not counted."""
    outputs = box[0][1] - box[0][0]
    if group.windows is not None and not sharing:
        outputs = prod(end - begin for begin, end in box)
    return -(-outputs * int(group.present[0].size) * group.bits // 8)
