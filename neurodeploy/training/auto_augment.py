"""AutoAugment with the policy found for CIFAR-10.

Source: Cubuk, Zoph, Mane, Vasudevan, Le: AutoAugment, CVPR 2019; the policy is table 7 of arXiv 1805.09501, the ranges
those of its appendix in ten levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import image_operations as ops

_LEVELS = 9
"""The highest level of an operation; the lowest is 0."""


@dataclass(frozen=True, slots=True)
class Range:
    """An operation and its amounts from level 0 to level 9; `signed` amounts are as often negative."""

    apply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    low: float = 0.0
    high: float = 0.0
    signed: bool = False

    def amount(self, level: int) -> float:
        """The amount of a level: low + (high - low) level / 9."""
        return self.low + (self.high - self.low) * level / _LEVELS


OPERATIONS = {
    "shear-x": Range(ops.shear_x, 0.0, 0.3, signed=True),
    "shear-y": Range(ops.shear_y, 0.0, 0.3, signed=True),
    "translate-x": Range(ops.translate_x, 0.0, 150 / 331, signed=True),
    "translate-y": Range(ops.translate_y, 0.0, 150 / 331, signed=True),
    "rotate": Range(ops.rotate, 0.0, 30.0, signed=True),
    "color": Range(ops.color, 0.0, 0.9, signed=True),
    "contrast": Range(ops.contrast, 0.0, 0.9, signed=True),
    "brightness": Range(ops.brightness, 0.0, 0.9, signed=True),
    "sharpness": Range(ops.sharpness, 0.0, 0.9, signed=True),
    "posterize": Range(ops.posterize, 8.0, 4.0),
    "solarize": Range(ops.solarize, 256.0, 0.0),
    "auto-contrast": Range(ops.auto_contrast),
    "equalize": Range(ops.equalize),
    "invert": Range(ops.invert),
}

Step = tuple[str, float, int]
"""(operation, probability, level)"""

POLICY: tuple[tuple[Step, Step], ...] = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate-x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear-y", 0.5, 8), ("translate-y", 0.7, 9)),
    (("auto-contrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear-y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate-x", 0.5, 8)),
    (("equalize", 0.3, 7), ("auto-contrast", 0.4, 8)),
    (("translate-y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("auto-contrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("auto-contrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("auto-contrast", 0.9, 3)),
    (("translate-y", 0.9, 9), ("translate-y", 0.7, 9)),
    (("auto-contrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate-y", 0.7, 9), ("auto-contrast", 0.9, 1)),
)
"""25 pairs of steps; an image goes through one pair."""


class AutoAugment(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="auto-augment"
):
    """One of the 25 pairs of steps for each image, each step taken with its probability.

    For colour images `(N, 3, H, W)` in [0, 1]. Drawn in this order: the pairs, then for the first and for the
    second step whether it is taken and its sign.
    """

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Changed images."""
        if x.ndim != 4 or x.shape[1] != 3:
            raise UsageError(f"auto-augment takes colour images (N, 3, H, W), not {tuple(x.shape)}")
        result = x.clone()
        pair = torch.randint(len(POLICY), (len(x),), generator=draw)
        for which in (0, 1):
            chance = torch.rand(len(x), generator=draw)
            sign = 1.0 - 2.0 * torch.randint(2, (len(x),), generator=draw)
            for i in range(len(POLICY)):
                _step(result, POLICY[i][which], pair == i, chance, sign)
        return result


def _step(
    x: torch.Tensor, step: Step, chosen: torch.Tensor, chance: torch.Tensor, sign: torch.Tensor
) -> None:
    """Change the `chosen` images of x in place, those whose `chance` is below the step's probability."""
    name, probability, level = step
    taken = (chosen & (chance < probability)).nonzero().flatten()
    if len(taken):
        operation = OPERATIONS[name]
        amount = operation.amount(level) * (sign[taken] if operation.signed else torch.ones(len(taken)))
        taken = taken.to(x.device)
        x[taken] = operation.apply(x[taken], amount.to(x).view(-1, 1, 1, 1))
