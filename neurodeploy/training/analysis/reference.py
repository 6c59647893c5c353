"""The BPTT that a rule approximates: the same loss, surrogate and reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.bptt import BPTTOptions
from neurodeploy.training.online import OTTTOptions
from neurodeploy.training.rate_pass import RateOptions, RateSOptions
from neurodeploy.training.rule import OptionValue
from neurodeploy.training.rules import RULES, find_rule


def _of_ottt(options: OTTTOptions) -> BPTTOptions:
    """The loss of every step, and no derivative through the reset."""
    return BPTTOptions(True, options.surrogate, options.alpha, "step", options.eta)


def _of_rate(options: RateOptions) -> BPTTOptions:
    """The loss of the mean output."""
    return BPTTOptions(options.detach_reset, options.surrogate, options.alpha, "mean", options.eta)


def _of_bptt(options: BPTTOptions) -> BPTTOptions:
    return options


_REFERENCES: dict[type[Any], Callable[[Any], BPTTOptions]] = {
    OTTTOptions: _of_ottt,
    RateOptions: _of_rate,
    RateSOptions: _of_rate,
    BPTTOptions: _of_bptt,
}
"""By the class of a rule's options. A missing entry is a rule that approximates no BPTT of ours."""


def check_reference(rule: str) -> None:
    """Raise `UnsupportedError` where there is no BPTT to compare a rule's gradients with."""
    find_rule(rule)
    known = [
        name for name, one in RULES.items() if _REFERENCES.keys() >= set(map(type, one.presets.values()))
    ]
    if rule not in known:
        raise UnsupportedError(
            f"the gradients of rule {rule!r} cannot be compared with BPTT: its neurons are no LIF, and it "
            f"differentiates spike times. Rules that can: {', '.join(known)}"
        )


def reference_options(rule: str, preset: str, given: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """The options of 'bptt' that belong to a rule's options; see `check_reference`."""
    check_reference(rule)
    chosen = find_rule(rule).choose(preset, given)
    return asdict(_REFERENCES[type(chosen)](chosen))
