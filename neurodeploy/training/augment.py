"""Random changes to training images, the same for every frame of a sample.

Every change takes x float32 `(N, [T,] C, H, W)`, AutoAugment only `(N, 3, H, W)`, and a CPU generator, and
returns a new tensor of the same shape; x itself stays as it is. Numbers are drawn in the order documented, so
a seed gives the same images on every device. Pixels are in [0, 1]; normalizing them is the network's first layer
(the model's option `normalize=`), because a deployed network has to do it too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Protocol

import msgspec
import torch
from torch.nn.functional import pad

from neurodeploy.errors import UsageError
from neurodeploy.training.auto_augment import AutoAugment

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Change(Protocol):
    """One random change, for training data only."""

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Changed images."""


class Crop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="crop"):
    """Shift by up to `padding` pixels, zeros from outside: pad all sides, then cut out the size of the image.

    y[r, c] = x[r + dr, c + dc];   dr, dc uniform in -padding..padding, all dr drawn first.
    """

    padding: Pixels = 4

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Shifted images."""
        padded = pad(x, (self.padding,) * 4)
        rows, columns = (_integers(2 * self.padding + 1, x, draw) for _ in range(2))
        rows = rows + torch.arange(x.shape[-2], device=x.device).view(-1, 1)
        columns = columns + torch.arange(x.shape[-1], device=x.device)
        tall = padded.gather(-2, rows.expand(*x.shape[:-1], padded.shape[-1]))
        return tall.gather(-1, columns.expand(x.shape))


class Flip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="flip"):
    """Left and right change places, with `probability`."""

    probability: Probability = 0.5

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Mirrored images."""
        return torch.where(_uniform(x, draw) < self.probability, x.flip(-1), x)


class Roll(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="roll"):
    """Cyclic shift: y[r, c] = x[(r - dr) mod H, (c - dc) mod W], dr, dc uniform in -limit..limit, dr first."""

    limit: Pixels = 5

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Rolled images."""
        height, width = x.shape[-2:]
        down, right = (_integers(2 * self.limit + 1, x, draw) - self.limit for _ in range(2))
        rows = (torch.arange(height, device=x.device).view(-1, 1) - down) % height
        columns = (torch.arange(width, device=x.device) - right) % width
        return x.gather(-2, rows.expand(x.shape)).gather(-1, columns.expand(x.shape))


class Cutout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="cutout"):
    """One square of `size` pixels set to 0; its centre is uniform over the image, so it may be cut at the border.

    y[r, c] = 0 where r0 <= r < r0 + size and c0 <= c < c0 + size;   r0 = centre - size // 2, rows drawn first.
    Source: DeVries, Taylor, arXiv 1708.04552.
    """

    size: Pixels = 16

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Images with a hole."""
        top = _integers(x.shape[-2], x, draw) - self.size // 2
        left = _integers(x.shape[-1], x, draw) - self.size // 2
        return x.masked_fill(_box(x, top, left, top + self.size, left + self.size), 0.0)


class Erase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="erase"):
    """With `probability`, one rectangle inside of the image set to one grey of 256, the same in all channels.

        height = min(round(sqrt(area * aspect * H * W)), H)     area, aspect uniform in their ranges
        width  = min(round(sqrt(area / aspect * H * W)), W)     position uniform among those inside

    Drawn in this order: whether, area, aspect, row, column, grey. Source: Zhong et al., AAAI 2020; the
    default ranges are those of the CIFAR training of Xiao et al., NeurIPS 2022 (OTTT), who call it cutout.
    """

    probability: Probability = 0.5
    area: tuple[Positive, Positive] = (0.02, 0.4)
    aspect: tuple[Positive, Positive] = (0.4, 2.5)

    def __call__(self, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Images with a grey rectangle."""
        height, width = x.shape[-2:]
        chosen = _uniform(x, draw) < self.probability
        pixels = _between(self.area, x, draw) * height * width
        aspect = _between(self.aspect, x, draw)
        tall = (pixels * aspect).sqrt().round().clamp(max=height)
        wide = (pixels / aspect).sqrt().round().clamp(max=width)
        top = (_uniform(x, draw) * (height - tall + 1)).floor()
        left = (_uniform(x, draw) * (width - wide + 1)).floor()
        grey = _integers(256, x, draw).to(x.dtype) / 255
        return torch.where(chosen & _box(x, top, left, top + tall, left + wide), grey, x)


Augmentation = Crop | Flip | Roll | Cutout | Erase | AutoAugment
"""Every change; in TOML, `kind` names it and the other keys are its fields."""


def augment(x: torch.Tensor, changes: Iterable[Change], draw: torch.Generator) -> torch.Tensor:
    """Training images: all changes, one after the other."""
    for change in changes:
        x = change(x, draw)
    return x


def check(changes: Iterable[Change], shape: tuple[int, ...]) -> None:
    """Raise `UsageError` where the changes do not suit samples of one time step's `shape`."""
    for change in changes:
        kind = type(change).__name__.lower()
        if len(shape) not in (2, 3) or (isinstance(change, AutoAugment) and shape[:-2] != (3,)):
            wanted = "(3, H, W)" if isinstance(change, AutoAugment) else "(H, W) or (C, H, W)"
            raise UsageError(
                f"augment: {kind} takes images {wanted}, but a time step of the data has shape {shape}"
            )


def changed(
    x: torch.Tensor, changes: Iterable[Change], shape: tuple[int, ...], draw: torch.Generator
) -> torch.Tensor:
    """Training samples `(N, [T,] *shape)` with all changes, where `shape` is (H, W) or (C, H, W)."""
    images = x.unsqueeze(-3) if len(shape) == 2 else x
    return augment(images, changes, draw).reshape(x.shape)


def _shape(x: torch.Tensor) -> tuple[int, ...]:
    """One number a sample, for all its axes."""
    return (x.shape[0], *(1,) * (x.ndim - 1))


def _uniform(x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    return torch.rand(_shape(x), generator=draw).to(x.device)


def _between(limits: tuple[float, float], x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    return limits[0] + (limits[1] - limits[0]) * _uniform(x, draw)


def _integers(count: int, x: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """One of 0..count-1 a sample."""
    return torch.randint(count, _shape(x), generator=draw).to(x.device)


def _box(
    x: torch.Tensor, top: torch.Tensor, left: torch.Tensor, bottom: torch.Tensor, right: torch.Tensor
) -> torch.Tensor:
    """Where a pixel lies inside of the sample's box; bottom and right are outside."""
    row = torch.arange(x.shape[-2], device=x.device).view(-1, 1)
    column = torch.arange(x.shape[-1], device=x.device)
    return (row >= top) & (row < bottom) & (column >= left) & (column < right)
