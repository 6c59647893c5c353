"""Synapse memory: lists of synapses packed into words, or weights at their bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import WordBlocks
from neurodeploy.resources.fan import Counts, windows_seen
from neurodeploy.resources.layers import Group
from neurodeploy.resources.parts import Box


def list_words(synapses: npt.ArrayLike, bits: npt.ArrayLike, blocks: WordBlocks) -> Counts:
    """Words of lists of so many synapses of `bits` bits each, weight and index.

    A list is cut into blocks of up to `block_synapses`; each takes `header_bits` more and begins at a new word:
    words = sum over blocks of ceil((n bits + header) / word_bits)
    """
    n, each = np.asarray(synapses, np.int64), np.asarray(bits, np.int64)
    most, header, word = blocks.block_synapses.value, blocks.header_bits.value, blocks.word_bits.value
    full = -(-(most * each + header) // word)
    rest = n % most
    return n // most * full + np.where(rest > 0, -(-(rest * each + header) // word), 0)


def index_bits(targets: npt.ArrayLike, blocks: WordBlocks) -> Counts:
    """Bits of an index into so many target neurons: the smallest of the chip's widths that holds it."""
    widths = np.array(sorted(blocks.index_bits.value))
    chosen = np.searchsorted(1 << widths, np.asarray(targets, np.int64))
    return widths[np.minimum(chosen, len(widths) - 1)]


@dataclass(frozen=True, slots=True)
class DiscreteWords:
    """Words of one list for every source neuron in either form.

    `sparse`: zeros left out, an index with each weight; `dense`: a weight for every neuron from the first to the last,
    zeros too, without an index.
    """

    sparse: int
    dense: int

    @property
    def is_sparse(self) -> bool:
        """Which form is stored: the one with fewer words, dense where both have the same."""
        return self.sparse < self.dense

    @property
    def words(self) -> int:
        """Words that are stored."""
        return min(self.sparse, self.dense)


def discrete_words(group: Group, box: Box, fan: Counts, blocks: WordBlocks) -> DiscreteWords:
    """Words of the synapses of a group into `box`, `fan` of them from each source neuron."""
    neurons = prod(end - begin for begin, end in box)
    sparse = list_words(fan, group.bits + index_bits(neurons, blocks), blocks).sum()
    dense = int(np.count_nonzero(fan)) * int(list_words(neurons, group.bits, blocks))
    return DiscreteWords(int(sparse), dense)


def shared_words(group: Group, box: Box, blocks: WordBlocks) -> int:
    """Words of a convolution whose lists are shared by places: one list for all channels of each distinct window.

    The list holds the weights, zeros too, of every input channel (population spikes say which of them fired) with
    indices relative to the axon's base.
    """
    channels = box[0][1] - box[0][0]
    pairs = channels * group.present.shape[1]
    sizes = [one for one, _ in windows_seen(group, box)]
    bits = group.bits + index_bits(_spans(sizes, box, channels), blocks)
    return int(list_words(pairs * reduce(np.multiply.outer, sizes), bits, blocks).sum())


def _spans(sizes: list[Counts], box: Box, channels: int) -> Counts:
    """Neurons from the first to the last that each window reaches, in the order (row, column, channel)."""
    last = sizes[0] - 1
    for size, (begin, end) in zip(sizes[1:], box[2:], strict=True):
        last = np.add.outer(last * (end - begin), size - 1)
    return last * channels + channels


def packed_bytes(group: Group, box: Box, sharing: bool) -> int:
    """Bytes of the weights alone at their bits, zeros too; a shared kernel once. Headers are not counted."""
    outputs = box[0][1] - box[0][0]
    if group.windows is not None and not sharing:
        outputs = prod(end - begin for begin, end in box)
    return -(-outputs * int(group.present[0].size) * group.bits // 8)
