"""Layers without parameters or memory: applied to spikes forward, transposed to gradients backward.

All but the maximum are affine in each sample, so they hold for mean rates as for spikes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


class Map(Protocol):
    """y = M h."""

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient, in the shape of h; only the maximum looks at the numbers in h."""


@dataclass(frozen=True, slots=True)
class Flattened:
    """`(N, ...)` -> `(N, features)`."""

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""
        return h.flatten(1)

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient."""
        return gradient.reshape(h.shape)


@dataclass(frozen=True, slots=True)
class Unflattened:
    """One axis, not the first, made several of this size."""

    axis: int
    size: tuple[int, ...]

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""
        return torch.unflatten(h, self.axis, self.size)

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient."""
        return gradient.reshape(h.shape)


@dataclass(frozen=True, slots=True)
class Scaled:
    """y = factor * h."""

    factor: float

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""
        return h * self.factor

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient."""
        return gradient * self.factor


@dataclass(frozen=True, slots=True, eq=False)
class Standardized:
    """y = (h - mean) / std, of each channel; mean and std `(C, 1, 1)` are a module's own."""

    mean: torch.Tensor
    std: torch.Tensor

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """(h - mean) / std."""
        return (h - self.mean) / self.std

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """gradient / std."""
        return gradient / self.std


@dataclass(frozen=True, slots=True)
class AveragePool:
    """Mean over windows: `(N, C, H, W)` -> `(N, C, H', W')`; settings as those of `torch.nn.AvgPool2d`."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    ceil_mode: bool
    count_include_pad: bool

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""
        if self._tiles(h.shape) and not h.requires_grad:
            rows, columns = self.kernel
            tall = _sum([h[:, :, i::rows] for i in range(rows)])
            return _sum([tall[..., i::columns] for i in range(columns)]).div_(rows * columns)
        return torch.nn.functional.avg_pool2d(
            h, self.kernel, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def _tiles(self, shape: torch.Size) -> bool:
        """Whether the windows tile the image; then slices are several times faster than torch's pooling."""
        (rows, columns), (height, width) = self.kernel, shape[2:]
        whole = height % rows == width % columns == 0 and rows * columns > 1
        return whole and self.stride == self.kernel and self.padding == (0, 0)

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient."""
        if self._tiles(h.shape):
            rows, columns = self.kernel
            share = gradient / (rows * columns)
            wide, back = share.new_empty(*share.shape[:3], h.shape[3]), share.new_empty(h.shape)
            for i in range(columns):
                wide[..., i::columns] = share
            for i in range(rows):
                back[:, :, i::rows] = wide
            return back
        return self._general_back(gradient, h.shape)

    def _general_back(self, gradient: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        like = gradient.new_empty(()).expand(shape)
        back: torch.Tensor = torch.ops.aten.avg_pool2d_backward(
            gradient.contiguous(),
            like,
            self.kernel,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            None,
        )
        return back


def _sum(parts: list[torch.Tensor]) -> torch.Tensor:
    """The sum; a new tensor."""
    if len(parts) == 1:
        return parts[0].clone()
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total


@dataclass(frozen=True, slots=True)
class GlobalAverage:
    """Mean over all places: `(N, C, H, W)` -> `(N, C, 1, 1)`."""

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """M h."""
        return h.mean((2, 3), keepdim=True)

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """M^T gradient."""
        return (gradient / (h.shape[2] * h.shape[3])).expand(h.shape)


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Maximum over windows; settings as those of `torch.nn.MaxPool2d`. The gradient goes to the first maximum.

    On rates it is not the mean of the maxima of spikes; the rate rules take it so, as their authors do.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    ceil_mode: bool

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """The maxima."""
        return torch.nn.functional.max_pool2d(
            h, self.kernel, self.stride, self.padding, ceil_mode=self.ceil_mode
        )

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The gradient where the maxima of h were."""
        settings = (self.kernel, self.stride, self.padding, (1, 1), self.ceil_mode)
        _, places = torch.ops.aten.max_pool2d_with_indices(h, *settings)
        back: torch.Tensor = torch.ops.aten.max_pool2d_with_indices_backward(gradient, h, *settings, places)
        return back


@dataclass(frozen=True, slots=True)
class Sum:
    """Two branches added; the gradient goes to both."""
