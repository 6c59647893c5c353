"""Changes of colour and geometry for batches of images, as the Python Imaging Library defines them.

Every operation takes x float `(n, 3, H, W)` in [0, 1] and an amount `(n, 1, 1, 1)`, whose meaning it states, and
returns new images in [0, 1]. Pixels from outside are grey (128 of 255).
"""

from __future__ import annotations

import torch
from torch.nn.functional import affine_grid, conv2d, grid_sample, pad

GREY = 128 / 255
_LUMA = (0.299, 0.587, 0.114)


def shear_x(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """y[r, c] = x[r, c + amount r], from the top left corner."""
    slope = amount * x.shape[-2] / x.shape[-1]
    return _affine(x, 1.0, slope, slope, 0.0, 1.0, 0.0)


def shear_y(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """y[r, c] = x[r + amount c, c], from the top left corner."""
    slope = amount * x.shape[-1] / x.shape[-2]
    return _affine(x, 1.0, 0.0, 0.0, slope, 1.0, slope)


def translate_x(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """y[r, c] = x[r, c + amount W]."""
    return _affine(x, 1.0, 0.0, 2 * amount, 0.0, 1.0, 0.0)


def translate_y(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """y[r, c] = x[r + amount H, c]."""
    return _affine(x, 1.0, 0.0, 0.0, 0.0, 1.0, 2 * amount)


def rotate(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Turned counter-clockwise about the centre by `amount` degrees."""
    angle, shape = torch.deg2rad(amount), x.shape[-2] / x.shape[-1]
    cos, sin = angle.cos(), angle.sin()
    return _affine(x, cos, -sin * shape, 0.0, sin / shape, cos, 0.0)


def invert(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """1 - x, whatever the amount."""
    return 1 - x


def solarize(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """1 - x where x is `amount` (of 255) or more."""
    return torch.where(x * 255 >= amount, 1 - x, x)


def posterize(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """The highest `amount` (rounded) of the 8 bits of each value."""
    step = 2 ** (8 - amount.round())
    return ((x * 255).round() / step).floor() * step / 255


def auto_contrast(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Each channel stretched to 0..1; one of a single value stays as it is."""
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    return torch.where(high > low, (x - low) / (high - low).clamp_min(1e-12), x)


def equalize(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Each channel with as many pixels of each of 256 values as can be.

    step = (pixels - pixels of the highest value there is) // 255;
    value k becomes min((pixels below k + step // 2) // step, 255) / 255; a channel with step 0 stays as it is.
    """
    levels = (x * 255).round().long().flatten(2)
    counts = torch.zeros(*levels.shape[:2], 256, dtype=torch.long, device=x.device)
    counts.scatter_add_(2, levels, torch.ones_like(levels))
    highest = counts.gather(2, levels.amax(2, keepdim=True))
    step = (levels.shape[2] - highest) // 255
    below = counts.cumsum(2) - counts
    table = ((below + step // 2) // step.clamp_min(1)).clamp_max(255)
    return torch.where(step.unsqueeze(-1) > 0, table.gather(2, levels).view_as(x).to(x.dtype) / 255, x)


def brightness(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """(1 + amount) x, cut to [0, 1]."""
    return _blend(torch.zeros_like(x), x, amount)


def color(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """1 + amount times as far from its own grey, .299 R + .587 G + .114 B."""
    return _blend(_grey(x), x, amount)


def contrast(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """1 + amount times as far from the image's mean grey."""
    return _blend(_grey(x).mean((-2, -1), keepdim=True), x, amount)


def sharpness(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """1 + amount times as far from the image smoothed by [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13.

    The outermost pixels stay as they are.
    """
    kernel = x.new_ones(3, 3)
    kernel[1, 1] = 5
    inner = conv2d(x, (kernel / 13).expand(x.shape[1], 1, 3, 3), groups=x.shape[1])
    border = pad(torch.zeros_like(inner, dtype=torch.bool), (1, 1, 1, 1), value=True)
    return _blend(torch.where(border, x, pad(inner, (1, 1, 1, 1))), x, amount)


def _blend(other: torch.Tensor, x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    return (other + (1 + amount) * (x - other)).clamp(0, 1)


def _grey(x: torch.Tensor) -> torch.Tensor:
    return (x * x.new_tensor(_LUMA).view(-1, 1, 1)).sum(1, keepdim=True)


def _affine(x: torch.Tensor, *rows: float | torch.Tensor) -> torch.Tensor:
    """y at (column, row) = x at matrix (column, row, 1), both in -1..1; `rows` are the 2 x 3 numbers."""
    columns = [torch.as_tensor(v, dtype=x.dtype, device=x.device).flatten().expand(len(x)) for v in rows]
    grid = affine_grid(torch.stack(columns, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    return grid_sample(x - GREY, grid, align_corners=False) + GREY
