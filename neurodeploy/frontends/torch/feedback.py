r"""Feedback over one time step, y[t] = I[t] + conv(up(f[t-1])), in operations of the graph.

`up` repeats every value `factor` times on both axes, for which the graph has no operation. The convolution of a
repeated image is a sum over its taps of W[tap] f, mixed between channels, then repeated and moved. So:

1. `taps`: a 1x1 convolution with the weights of all taps, f `(C, h, w)` -> `(C' * taps, h, w)`;
2. for rows, then columns, `pick`: a depthwise convolution over the whole axis makes each position a channel;
3. `place`: a convolution over the one position left, padded so far that each place of the result sees it with a
   weight of its own, adds up the taps where they belong.

Weights of 2 and 3 are 0 and 1, those of 1 are the convolution's: nothing is rounded. An axis of one position needs no
`pick`. A 3x3 kernel has 9 C' C weights in 1, as before, and 9 C' h (h + H) + 3 C' w (w + W) in 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.site import Site
from neurodeploy.frontends.torch.torch_nn import bias_of, weights
from neurodeploy.ir import Add, Conv, Delay
from neurodeploy.training import modules


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of the convolution: `taps` of its kernel, `small` positions of f, `large` of the result."""

    name: str
    number: int
    taps: int
    small: int
    large: int
    factor: int
    padding: int
    dilation: int

    def sees(self) -> npt.NDArray[np.float32]:
        """`(taps, small, large)`: 1 where the place of the result sees the position of f through the tap."""
        table = np.zeros((self.taps, self.small, self.large), np.float32)
        for tap in range(self.taps):
            repeated = np.arange(self.large) + tap * self.dilation - self.padding
            inside = (repeated >= 0) & (repeated < self.small * self.factor)
            table[tap, repeated[inside] // self.factor, np.flatnonzero(inside)] = 1.0
        return table

    def kernel(self, extent: int) -> tuple[int, int]:
        """Extents of a kernel along this axis."""
        return (extent, 1) if self.number == 0 else (1, extent)


def remember(module: modules.Remember, site: Site) -> str:
    """f[t] goes to the `Recall` of the same memory, which stands before it in the step."""
    connect = site.builder.memories.pop(id(module.memory), None)
    if connect is None:
        raise UnsupportedError("its memory is not recalled by a layer before it")
    connect(site.source)
    return site.source


def recall(module: modules.Recall, site: Site) -> str:
    """y[t] = I[t] + conv(up(f[t-1])), y[0] = I[0]."""
    rows, columns = (_axis(module, site, number) for number in (0, 1))
    shape = (module.conv.in_channels, rows.small, columns.small)
    delay = site.builder.add(site.part("delay"), Delay(shape, 1, "value"))
    site.builder.memories[id(module.memory)] = partial(_connect, site, delay)
    mixed = site.add(_taps(module.conv), delay, part="taps")
    outputs = module.conv.out_channels
    tall = _stretched(site, mixed, rows, outputs * columns.taps, np.zeros(outputs * columns.taps, np.float32))
    bias = bias_of(module.conv, outputs)
    result = site.add(Add(), site.source, _stretched(site, tall, columns, outputs, bias))
    site.builder.starts_without(result, bias.reshape(-1, 1, 1))
    site.note(
        f"the convolution of an image repeated {rows.factor} times is written as convolutions that the graph has"
    )
    return result


def _connect(site: Site, delay: str, source: str) -> None:
    """Close the loop, now that the type of f is known."""
    given, waiting = site.builder.types[source], site.builder.types[delay]
    if given.shape != waiting.shape or given.signal not in ("spike", "value"):
        raise UnsupportedError(f"layer '{site.name}' takes back {waiting}, but gets {given} of '{source}'")
    site.builder.replace(delay, Delay(given.shape, 1, given.signal))
    site.builder.connect(source, delay)


def _axis(module: modules.Recall, site: Site, number: int) -> _Axis:
    conv, factor = module.conv, int(module.up.scale_factor)  # type: ignore[arg-type]
    padding = conv.padding
    if (set(conv.stride), conv.groups, conv.padding_mode) != ({1}, 1, "zeros") or isinstance(padding, str):
        raise UnsupportedError(
            "its convolution must have stride 1, one group and a number of zeros as padding"
        )
    taps, dilation, large = conv.kernel_size[number], conv.dilation[number], site.shape[1 + number]
    repeated = large + dilation * (taps - 1) - 2 * int(padding[number])
    if repeated < factor or repeated % factor:
        raise UnsupportedError(f"{large} places along an axis are not made of values repeated {factor} times")
    small = repeated // factor
    return _Axis(
        ("rows", "columns")[number], number, taps, small, large, factor, int(padding[number]), dilation
    )


def _taps(conv: torch.nn.Conv2d) -> Conv:
    """1x1 synapses with the weights of all taps; channels in the order (output, column of the tap, row of the tap)."""
    weight = weights(conv.weight).transpose(0, 3, 2, 1).reshape(-1, conv.in_channels, 1, 1)
    return Conv(weight, np.zeros(len(weight), np.float32), (1, 1), (0,) * 4, (1, 1))


def _stretched(site: Site, source: str, axis: _Axis, groups: int, bias: npt.NDArray[np.float32]) -> str:
    """Sum of an axis' taps in the large image: `(groups * taps, small)` -> `(groups, large)` along the axis."""
    if axis.small > 1:
        source = site.add(_pick(axis, groups * axis.taps), source, part=f"{axis.name}.pick")
    seen = axis.sees().reshape(1, -1, axis.large)[:, :, ::-1]
    kernel = np.tile(seen, (groups, 1, 1)).reshape(groups, -1, *axis.kernel(axis.large))
    around = (axis.large - 1, 0) if axis.number == 0 else (0, axis.large - 1)
    place = Conv(kernel, bias, (1, 1), around * 2, (1, 1), groups)
    return site.add(place, source, part=f"{axis.name}.place")


def _pick(axis: _Axis, channels: int) -> Conv:
    """Every position of the axis as a channel: `(channels, small)` -> `(channels * small, 1)`."""
    kernel = np.tile(np.eye(axis.small, dtype=np.float32), (channels, 1)).reshape(
        -1, 1, *axis.kernel(axis.small)
    )
    return Conv(kernel, np.zeros(channels * axis.small, np.float32), (1, 1), (0,) * 4, (1, 1), channels)
