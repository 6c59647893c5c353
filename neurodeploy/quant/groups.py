"""All groups of synapses of one layer on grids that fit together: scales that differ by powers of two alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor, log2

from neurodeploy.errors import InputError
from neurodeploy.ir import Conv, Dense, IntConv, IntDense, IntSynapses
from neurodeploy.quant.weights import Array, Method, QuantizedWeight, quantize_weight

LARGEST_EXPONENT = 31


@dataclass(frozen=True, slots=True)
class InputRange:
    """Integers that reach a group of synapses, and how many of them make 1.0: spikes are 0..1 and 1 level."""

    low: int
    high: int
    levels: float

    @property
    def largest(self) -> float:
        """Largest real magnitude."""
        return max(-self.low, self.high) / self.levels


@dataclass(frozen=True, slots=True)
class Group:
    """Synapses without bias, and what reaches them: its range, and its second moments where they are known."""

    op: Dense | Conv
    inputs: InputRange
    moments: Array | None = None

    @property
    def channel_groups(self) -> int:
        """In how many parts the channels are split."""
        return self.op.groups if isinstance(self.op, Conv) else 1


@dataclass(frozen=True, slots=True)
class QuantizedGroup:
    """Integer weights whose sums, shifted right by `shift` (left where negative), have the layer's unit."""

    op: Dense | Conv
    weight: QuantizedWeight
    shift: int

    def synapses(self, more: int) -> IntSynapses:
        """The integer synapses with sums shifted right by `more` bits beyond `shift`."""
        exponent = -(self.shift + more)
        if isinstance(self.op, Dense):
            return IntDense(self.weight.weight_q, exponent)
        op = self.op
        return IntConv(self.weight.weight_q, exponent, op.stride, op.padding, op.dilation, op.groups)


@dataclass(frozen=True, slots=True)
class QuantizedGroups:
    """All groups of a layer; one unit of a sum stands for `unit` of the real current, before any further shift."""

    groups: Mapping[str, QuantizedGroup]
    unit: float


def quantize_groups(groups: Mapping[str, Group], methods: Mapping[str, Method]) -> QuantizedGroups:
    """Give one group the scale that suits it best, the others the nearest that differs by a power of two.

        unit = scale_k / levels_k * 2^shift_k        the same for every group k

    A group that is not free uses from half to all of its grid. The free one is that with which the error of the
    current is least, sum over groups of |W - scale W_q|^2 times the square of the largest input. `methods` by group.

    Raises `InputError` when all weights of all groups are zero.
    """
    scales = {name: methods[name].scale(group.op.weight) for name, group in groups.items()}
    free = [name for name, found in scales.items() if found > 0]
    if not free:
        total = sum(group.op.weight.size for group in groups.values())
        raise InputError(f"all {total} weights are zero; the layer passes nothing on")
    tried = [_plain(methods, groups, scales, name) for name in free]
    best = free[min(range(len(free)), key=lambda i: _error(groups, tried[i]))] if len(free) > 1 else free[0]
    return _with_free(groups, scales, best, methods)


def _plain(
    methods: Mapping[str, Method], groups: Mapping[str, Group], scales: Mapping[str, float], free: str
) -> QuantizedGroups:
    """With nearest rounding, which is quick: to find the group that should be free."""
    nearest = {name: replace(method, rounding="nearest") for name, method in methods.items()}
    return _with_free(groups, scales, free, nearest)


def _with_free(
    groups: Mapping[str, Group], scales: Mapping[str, float], free: str, methods: Mapping[str, Method]
) -> QuantizedGroups:
    unit = scales[free] / groups[free].inputs.levels
    made = {name: _group(group, unit, scales[name], methods[name]) for name, group in groups.items()}
    return QuantizedGroups(made, unit)


def _group(group: Group, unit: float, suits: float, method: Method) -> QuantizedGroup:
    """The finest scale of the form unit * levels / 2^shift that is not below the one that suits the weights."""
    coarsest = unit * group.inputs.levels
    ratio = log2(coarsest / suits) if suits else 0.0
    shift = max(-LARGEST_EXPONENT, min(floor(ratio + 1e-9), LARGEST_EXPONENT))
    weight = quantize_weight(
        group.op.weight, method, coarsest * 2.0**-shift, group.moments, group.channel_groups
    )
    return QuantizedGroup(group.op, weight, shift)


def _error(groups: Mapping[str, Group], made: QuantizedGroups) -> float:
    return sum(made.groups[name].weight.error * group.inputs.largest**2 for name, group in groups.items())
