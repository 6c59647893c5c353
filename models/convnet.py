"""Convolutional networks in the notation of the papers, such as `32C5p2-P2-64C5p2-P2-1024-10`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models import options
from neurodeploy.models.initialization import Draw, Synapses, initialize, uniform_fan_in, uniform_spiking
from neurodeploy.models.network import Layers
from neurodeploy.training.modules import Memory, Recall, Remember
from neurodeploy.training.neurons import LIF

_EXAMPLE = "convnet:32C5-P2-64C5-P2-1024-10,input=1x28x28,padding=2"
_CONV = re.compile(r"(\d{1,7})C(\d{1,7})(?:s(\d{1,7}))?(?:p(\d{1,7})|\(p(\d{1,7})\))?")
_POOL = re.compile(r"(A|M)?P(\d{1,7})")
_DENSE = re.compile(r"\d{1,7}")
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conv:
    """`32C5s1p2`: 32 maps of a 5x5 kernel at stride 1 with 2 zeros on each side, then neurons."""

    maps: int
    kernel: int
    stride: int
    padding: int

    def __str__(self) -> str:
        return f"{self.maps}C{self.kernel}s{self.stride}p{self.padding}"

    def result(self, shape: Shape) -> Shape:
        """Shape after it, `(maps, H', W')`, H' = (H + 2 padding - kernel) // stride + 1."""
        height, width = ((n + 2 * self.padding - self.kernel) // self.stride + 1 for n in shape[1:])
        return self.maps, height, width


@dataclass(frozen=True, slots=True)
class Pool:
    """`P2` or `AP2`: mean over 2x2; `MP2`: their maximum."""

    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind}P{self.size}"

    def result(self, shape: Shape) -> Shape:
        """Shape after it; rows and columns left over are dropped."""
        return shape[0], shape[1] // self.size, shape[2] // self.size


@dataclass(frozen=True, slots=True)
class Dense:
    """`1024`: fully connected synapses, then neurons unless it is the linear readout."""

    size: int

    def __str__(self) -> str:
        return str(self.size)

    def result(self, shape: Shape) -> Shape:
        """Shape after it."""
        return (self.size,)


Part = Conv | Pool | Dense


@dataclass(frozen=True, slots=True)
class ConvSpec:
    """What `convnet:PARTS,input=CxHxW[,OPTION=VALUE...]` says; `str()` writes it with all options.

    Parts are joined by '-': `32C5` is a convolution of 32 maps and 5x5 kernels, with `s2` for stride 2 and `p2`
    or `(p2)` for padding 2 behind it; `P2` average pooling, `MP2` maximum pooling, a number a fully connected
    layer; the last part is the readout. `padding=N` holds for every convolution that says nothing, 0 if not
    given. `input=HxW` is for images without a channel axis. `bias=no` leaves out all biases. `feedback=yes`: spikes
    of the last convolution's neurons come back to those of the first one step later, through a 3x3 convolution of
    the repeated map, as in the VGG-F of Xiao et al., NeurIPS 2022 (OTTT).
    """

    parts: tuple[Part, ...]
    input_shape: Shape
    readout: str = "linear"
    bias: str = "yes"
    feedback: str = "no"
    decay: float = 0.5
    threshold: float = 1.0

    @staticmethod
    def parse(arguments: str) -> ConvSpec:
        """Parse what is behind `convnet:`; `UsageError` saying what is wrong."""
        text, *given = arguments.split(",")
        chosen = options.parse_options(f"convnet:{text}", given, _READERS)
        padding = chosen.pop("padding", 0)
        if "input" not in chosen:
            raise UsageError(f"model convnet:{text}: the shape of its input is missing. Example: {_EXAMPLE}")
        parts = tuple(_parse_part(part, padding) for part in text.split("-"))
        return ConvSpec(parts, chosen.pop("input"), **chosen)

    def __post_init__(self) -> None:
        if not isinstance(self.parts[-1], Dense):
            raise UsageError(
                f"model {self}: the last part must be a number, the classes, not {self.parts[-1]}"
            )
        self._check_shapes()
        if self.feedback == "yes":
            self._check_feedback()

    def _check_shapes(self) -> None:
        for part, shape in self._walk():
            if isinstance(part, Dense) or len(shape) == 3:
                after = part.result(shape)
            else:
                raise UsageError(f"model {self}: {part} needs an image; it must stand before {shape[0]}")
            if not 0 < min(after) <= max(after) <= options.MAX_SIZE:
                raise UsageError(
                    f"model {self}: {part} makes {after} of {shape}; extents must be 1..{options.MAX_SIZE}"
                )

    def _check_feedback(self) -> None:
        maps = self._maps()
        if not maps:
            raise UsageError(f"model {self}: feedback=yes needs a convolution, whose spikes are fed back")
        (_, *first), (_, *last) = maps[0], maps[-1]
        if first != [first[0] // last[0] * n for n in last]:
            raise UsageError(
                f"model {self}: feedback=yes needs a last image {last[0]}x{last[1]} that fits the first, "
                f"{first[0]}x{first[1]}, a whole number of times; set the padding"
            )

    def _maps(self) -> list[Shape]:
        """Shapes of the neurons of all convolutions."""
        return [part.result(shape) for part, shape in self._walk() if isinstance(part, Conv)]

    def __str__(self) -> str:
        parts, shape = "-".join(map(str, self.parts)), "x".join(map(str, self.input_shape))
        neurons = f"decay={self.decay!r},threshold={self.threshold!r}"
        feedback = ",feedback=yes" if self.feedback == "yes" else ""
        return f"convnet:{parts},input={shape},readout={self.readout},bias={self.bias},{neurons}{feedback}"

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.parts[-1].result(())[0]

    def _walk(self) -> Iterator[tuple[Part, Shape]]:
        """Every part with the shape before it."""
        shape = self.input_shape if len(self.input_shape) == 3 else (1, *self.input_shape)
        for part in self.parts:
            yield part, shape
            shape = part.result(shape)

    def layers(self) -> Layers:
        """[image,] conv1, lif1, pool1, conv2 ... flatten, fc3, lif3, fc4: synapses are numbered through."""
        layers: dict[str, torch.nn.Module] = {}
        if len(self.input_shape) == 2:
            layers["image"] = torch.nn.Unflatten(1, (1, self.input_shape[0]))
        synapses = pools = 0
        for i, (part, shape) in enumerate(self._walk()):
            if isinstance(part, Pool):
                pools += 1
                layers[f"pool{pools}"] = _POOLS[part.kind](part.size)
                continue
            synapses += 1
            layers |= self._synapses(part, shape, synapses)
            if i + 1 < len(self.parts) or self.readout == "spiking":
                layers[f"lif{synapses}"] = LIF(self.decay, self.threshold)
        return self._with_feedback(layers) if self.feedback == "yes" else layers

    def _with_feedback(self, layers: Layers) -> Layers:
        """`feedback` between conv1 and lif1, `remember` behind the neurons of the last convolution."""
        maps, memory = self._maps(), Memory()
        first, last = maps[0], maps[-1]
        conv = torch.nn.Conv2d(last[0], first[0], 3, padding=1, bias=self.bias == "yes")
        fed: dict[str, torch.nn.Module] = {}
        for name, layer in layers.items():
            fed[name] = layer
            if name == "conv1":
                fed["feedback"] = Recall(memory, conv, first[1] // last[1])
            if name == f"lif{len(maps)}":
                fed["remember"] = Remember(memory)
        return fed

    def _synapses(self, part: Conv | Dense, shape: Shape, number: int) -> dict[str, torch.nn.Module]:
        bias = self.bias == "yes"
        if isinstance(part, Conv):
            conv = torch.nn.Conv2d(shape[0], part.maps, part.kernel, part.stride, part.padding, bias=bias)
            return {f"conv{number}": conv}
        if len(shape) == 1:
            return {f"fc{number}": torch.nn.Linear(shape[0], part.size, bias)}
        inputs = shape[0] * shape[1] * shape[2]
        return {"flatten": torch.nn.Flatten(), f"fc{number}": torch.nn.Linear(inputs, part.size, bias)}

    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """Layers of neurons by `uniform_spiking`, a linear readout from U(-k, k), k = 1 / sqrt(its inputs).

        Feedback is 0, as that of VGG-F; what it could be draws nothing, so all else is as without it.
        """
        fed_back = [layer.conv for layer in network.modules() if isinstance(layer, Recall)]

        def rule(layer: Synapses, draw: Draw) -> None:
            if layer in fed_back:
                for parameter in layer.parameters():
                    torch.nn.init.zeros_(parameter)
            elif layer is readout:
                uniform_fan_in(layer, draw)
            else:
                uniform_spiking(layer, draw, self.threshold)

        last = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
        readout = last if self.readout == "linear" else None
        initialize(network, rule, draw)

    def check_input(self, shape: Shape) -> None:
        """Raise `UsageError` unless `shape` is `input_shape`."""
        if shape != self.input_shape:
            advice = f"Try input={'x'.join(map(str, shape))}" if len(shape) in (2, 3) else "Use images"
            raise UsageError(
                f"model {self} takes images {self.input_shape}, but a time step of the data has shape {shape}. "
                f"{advice}"
            )


_POOLS: dict[str, type[torch.nn.AvgPool2d] | type[torch.nn.MaxPool2d]] = {
    "A": torch.nn.AvgPool2d,
    "M": torch.nn.MaxPool2d,
}
_READERS = {
    "input": options.shape,
    "padding": options.padding,
    "readout": options.choice("linear", "spiking"),
    "bias": options.choice("yes", "no"),
    "feedback": options.choice("yes", "no"),
    "decay": options.decay,
    "threshold": options.threshold,
}


def _parse_part(text: str, padding: int) -> Part:
    sizes: tuple[int, ...]
    if conv := _CONV.fullmatch(text):
        sizes = (int(conv[1]), int(conv[2]), int(conv[3] or 1))
        made: Part = Conv(*sizes, int(conv[4] or conv[5] or padding))
    elif pool := _POOL.fullmatch(text):
        sizes = (int(pool[2]),)
        made = Pool(pool[1] or "A", *sizes)
    elif _DENSE.fullmatch(text):
        sizes = (int(text),)
        made = Dense(*sizes)
    else:
        known = "32C5, 32C5s2p1, P2, MP2 and 1024"
        raise UsageError(f"model part {text!r}: there are {known}. Example: {_EXAMPLE}")
    if not 0 < min(sizes) <= max(sizes) <= options.MAX_SIZE:
        raise UsageError(f"model part {text!r}: its numbers must be 1..{options.MAX_SIZE}")
    return made
