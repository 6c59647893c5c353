"""What a `.net` file leaves open: `--set netx.KEY=VALUE` says it, or `--from lava-dl` for lava-dl's defaults."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import msgspec

from neurodeploy.errors import UnsupportedError, UsageError


class NetxConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the front end; None: not said.

    - `input`: "binary" for spikes, "graded:LOW..HIGH" for numbers in that range (before the file's input weight);
    - `shape`: shape of the input `[channels, height, width]`, for a file without input layer;
    - `output`: of a last layer whose threshold is the largest possible: its "spikes" or its "potential";
    - `readout`: a last layer without neurons is read out as its "sum" over time or as what comes in a "step";
    - `ref_delay`: neurons with refDelay above 1 "hold" their potential that long, or "ignore" it as netx does;
    - `weight_exp`: "apply" the exponents wgtExp and weight_exp as in training, or "ignore" them as netx does;
    - `delay`: where a layer has both delays and biases, delay its "input" as netx does, or its "output" as in training.
    """

    input: str | None = None
    shape: tuple[int, ...] | None = None
    output: Literal["spikes", "potential"] | None = None
    readout: Literal["sum", "step"] | None = None
    ref_delay: Literal["hold", "ignore"] | None = None
    weight_exp: Literal["apply", "ignore"] | None = None
    delay: Literal["input", "output"] | None = None


PRESETS = {
    "lava-dl": NetxConfig(
        input="binary", readout="sum", ref_delay="ignore", weight_exp="ignore", delay="input"
    )
}
"""What `lava.lib.dl.netx.hdf5.Network(path)` does, by the name that `--from` takes."""


@dataclass(frozen=True, slots=True)
class InputRange:
    """Smallest and largest number that the data hold, 0 among them."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


BINARY = InputRange(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Answers:
    """The user's settings before those of a preset."""

    given: NetxConfig
    preset: NetxConfig

    def find(self, key: str) -> Any:
        """What was said about `key`, or None."""
        said = getattr(self.given, key)
        return getattr(self.preset, key) if said is None else said

    def ask(self, key: str, problem: str, choices: str) -> Any:
        """What was said about `key`; raises `UnsupportedError` with the options to choose from where nothing was."""
        said = self.find(key)
        if said is None:
            also = " or --from lava-dl" if getattr(PRESETS["lava-dl"], key) is not None else ""
            raise UnsupportedError(f"{problem}. Say it: {choices}{also}")
        return said


def answers(preset: str | None, config: NetxConfig) -> Answers:
    """Settings and preset together; raises `UsageError` for a preset or a value that does not exist."""
    if preset is not None and preset not in PRESETS:
        raise UsageError(
            f"--from {preset}: a .net file is read with --from {' or '.join(PRESETS)}, or --set netx.*"
        )
    if config.input is not None:
        parse_range(config.input)
    if config.shape is not None and (not config.shape or min(config.shape) < 1 or len(config.shape) > 3):
        raise UsageError(
            f"netx.shape must be 1 to 3 positive extents such as [3,16,16], not {list(config.shape)}"
        )
    return Answers(config, PRESETS.get(preset or "", NetxConfig()))


def parse_range(text: str) -> InputRange:
    """`binary` or `graded:LOW..HIGH`; raises `UsageError` for anything else."""
    if text == "binary":
        return BINARY
    kind, _, ends = text.partition(":")
    low, dots, high = ends.partition("..")
    try:
        found = InputRange(float(low), float(high))
    except ValueError:
        found = InputRange(0.0, 0.0)
    good = kind == "graded" and bool(dots) and isfinite(found.low) and isfinite(found.high)
    if not good or not found.low <= 0.0 <= found.high or found.low == found.high:
        raise UsageError(
            f"netx.input must be binary or graded:LOW..HIGH with LOW <= 0 <= HIGH, such as graded:0..255, not {text!r}"
        )
    return found
