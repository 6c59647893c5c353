"""What can be set when an ANN becomes spiking: `--set ann.KEY=VALUE`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Percentile = Annotated[float, msgspec.Meta(gt=0, le=100)]
Rounds = Annotated[int, msgspec.Meta(ge=0, le=16)]


class AnnConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the conversion; None is the default.

    - `percentile`: the activation that a spike in every step stands for, as a percentile of the calibration data, or
      "max"; None: the one whose rates of T steps are nearest to the activations;
    - `per`: one such scale a "layer" (None) or a "channel";
    - `correct`: rounds of bias correction (None: 1; 0: none), see `neurodeploy.frontends.onnx_ann.correct`;
    - `max_pool`: "spikes" takes the maximum over the spikes of each step, which is not exact; None refuses it.
    """

    percentile: Percentile | Literal["max"] | None = None
    per: Literal["layer", "channel"] | None = None
    correct: Rounds | None = None
    max_pool: Literal["spikes"] | None = None

    @property
    def rounds(self) -> int:
        """Rounds of bias correction."""
        return 1 if self.correct is None else self.correct
