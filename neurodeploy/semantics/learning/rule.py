"""The numbers of the three-factor rule, all integers; the equations are in `neurodeploy.semantics.learning`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from neurodeploy.errors import UsageError
from neurodeploy.semantics.fixed_point import Register

Update = Literal["step", "sample"]
Feedback = Literal["symmetric", "sign", "random"]
Kind = Literal["ottt", "rate"]


@dataclass(frozen=True, slots=True)
class SynapseRule:
    """One group of learning synapses and the trace of what arrives at it.

    `trace_decay` in 1/4096 per step; `impulse_exponent`: what arrives enters the trace times 2^this, floor for a
    negative one; the learning rate is 2^-`rate_shift` weight units per unit of accumulator, halved at times until
    2^-`rate_shift_end`; weights stay within +-`weight_max`.
    """

    trace_decay: int
    impulse_exponent: int
    rate_shift: int
    rate_shift_end: int
    weight_max: int = 127

    def __post_init__(self) -> None:
        _within("trace_decay", self.trace_decay, 0, 4096)
        _within("impulse_exponent", self.impulse_exponent, -32, 24)
        _within("rate_shift", self.rate_shift, 0, 40)
        _within("rate_shift_end", self.rate_shift_end, self.rate_shift, 40)
        _within("weight_max", self.weight_max, 1, 127)


@dataclass(frozen=True, slots=True)
class NeuronRule:
    """One layer of neurons that errors reach.

    `edges` (ascending, in units of the membrane potential) and `levels` are the table of the post factor, one entry
    for a rectangular window; both empty for a readout without spikes, whose factor is 1. `error_exponent` scales the
    error (of a spiking output with `rate` alone), `eligibility_exponent` the eligibility of `rate`; both floor.
    """

    edges: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()
    error_exponent: int = 0
    eligibility_exponent: int = 0

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.levels):
            raise UsageError(
                f"learning rule: there are {len(self.edges)} edges and {len(self.levels)} levels; must be as many"
            )
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise UsageError(f"learning rule: edges must rise, not {list(self.edges)}")
        for name in ("edges", "levels"):
            for value in getattr(self, name):
                _within(name, value, 0, 1 << 31)
        _within("error_exponent", self.error_exponent, -60, 24)
        _within("eligibility_exponent", self.eligibility_exponent, -32, 0)


@dataclass(frozen=True, slots=True)
class Homeostasis:
    """A rate to keep: spikes of a neuron above `target` a sample add 2^`exponent` each to its error's sum."""

    target: int
    exponent: int

    def __post_init__(self) -> None:
        _within("homeostasis target", self.target, 0, 1 << 20)
        _within("homeostasis exponent", self.exponent, 0, 24)


@dataclass(frozen=True, slots=True)
class ThreeFactorRule:
    """The whole rule of a network.

    `synapses` by name of each learning group, `neurons` by name of each layer that errors reach. `update` says when
    weights change ('sample' with `rate`), `error_delay` how many steps an error takes; `margin` (a readout's, in
    units of the membrane potential); rates are halved every `halve_every` updates; `weight_decay` k takes 2^-k of
    every weight at each update, None for none; the four widths are explained in `neurodeploy.semantics.learning`.
    """

    synapses: Mapping[str, SynapseRule]
    neurons: Mapping[str, NeuronRule]
    rule: Kind = "ottt"
    update: Update = "sample"
    feedback: Feedback = "symmetric"
    error_delay: int = 0
    margin: int = 0
    halve_every: int = 1 << 40
    weight_decay: int | None = None
    homeostasis: Homeostasis | None = None
    trace_bits: int = 7
    post_bits: int = 7
    error_bits: int = 8
    accumulator_bits: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("error_delay", 0, 1 << 20),
            ("margin", 0, 1 << 24),
            ("halve_every", 1, 1 << 40),
            ("trace_bits", 1, 31),
            ("post_bits", 1, 15),
            ("error_bits", 2, 32),
            ("accumulator_bits", 8, 32),
            ("seed", 0, (1 << 63) - 1),
        ):
            _within(name, getattr(self, name), low, high)
        _one_of("rule", self.rule, ("ottt", "rate"))
        _one_of("update", self.update, ("step", "sample"))
        _one_of("feedback", self.feedback, ("symmetric", "sign", "random"))
        if self.weight_decay is not None:
            _within("weight_decay", self.weight_decay, 1, 40)
        if not self.synapses:
            raise UsageError("learning rule: no synapses learn; name at least one group")
        if self.rule == "rate" and (self.update, self.error_delay) != ("sample", 0):
            raise UsageError(
                "learning rule: rate learns once a sample from its means; give update 'sample' and error_delay 0, "
                f"not {self.update!r} and {self.error_delay}"
            )
        for one in self.neurons.values():
            for level in one.levels:
                _within("levels", level, 0, (1 << self.post_bits) - 1)

    @property
    def trace(self) -> Register:
        """What a trace is held in."""
        return Register(self.trace_bits + 1, "saturate")

    @property
    def error(self) -> Register:
        """What an error is held in."""
        return Register(self.error_bits, "saturate")

    @property
    def accumulator(self) -> Register:
        """What accumulators and eligibilities are held in."""
        return Register(self.accumulator_bits, "saturate")

    def require_steps(self, steps: int) -> None:
        """Raise `UsageError` where no error arrives before the end of a sample of `steps` time steps."""
        if self.error_delay >= steps:
            raise UsageError(
                f"error_delay {self.error_delay} with {steps} time steps: no error arrives in time. It must be at most "
                f"{steps - 1}"
            )

    def require_neurons(self, names: Iterable[str]) -> None:
        """Raise `UsageError` where the rule has no numbers for a layer of neurons that errors reach."""
        for name in names:
            if name not in self.neurons:
                raise UsageError(
                    f"learning rule: errors reach the neurons '{name}', for which it has no numbers; it has some for "
                    f"{', '.join(self.neurons) or 'none'}. Make it with default_rule for this network"
                )

    def shift_of(self, synapses: str, count: int) -> int:
        """n_k of a group at update number k = `count`."""
        one = self.synapses[synapses]
        return min(one.rate_shift + count // self.halve_every, one.rate_shift_end)

    def has_error_at(self, t: int, steps: int) -> bool:
        """True where step `t` of a sample of `steps` has an error: every one, the last with `rate`."""
        return self.rule != "rate" or t == steps - 1

    def updates_at(self, t: int, steps: int) -> bool:
        """True where weights change after step `t` of a sample of `steps`."""
        return t >= self.error_delay if self.update == "step" else t == steps - 1

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain values."""
        plain = asdict(self)
        for one in plain["neurons"].values():
            one |= {"edges": list(one["edges"]), "levels": list(one["levels"])}
        return plain

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> ThreeFactorRule:
        """The rule that `to_dict` wrote."""
        given = dict(values)
        given["synapses"] = {name: SynapseRule(**one) for name, one in given["synapses"].items()}
        given["neurons"] = {
            name: NeuronRule(**{**one, "edges": tuple(one["edges"]), "levels": tuple(one["levels"])})
            for name, one in given["neurons"].items()
        }
        if given["homeostasis"] is not None:
            given["homeostasis"] = Homeostasis(**given["homeostasis"])
        return ThreeFactorRule(**given)


def _within(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(f"learning rule: {name} must be in {low}..{high}, not {value}")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"learning rule: {name} must be one of {', '.join(choices)}, not {value!r}")
