"""Integer networks in the form of `.net` files: as the front end would read them, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from neurodeploy.ir import (
    Delay,
    Flatten,
    Graph,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    IntSynapses,
    Op,
    Output,
    Shape,
    verify,
)
from neurodeploy.network import Network
from tests.nets import DECAYS, rngs

Make = Callable[[npt.NDArray[np.int64]], IntSynapses]


class Builder:
    """A graph with the names and the order that the front end gives."""

    def __init__(self, shape: Shape, low: int, high: int) -> None:
        self.ops: dict[str, Op] = {"input": IntInput(shape, 1.0, low, high)}
        self.edges: list[tuple[str, str]] = []
        self.end, self.shape, self.index = "input", shape, 1

    def flatten(self) -> None:
        name = f"flatten{self.index}"
        self.add(name, Flatten(), self.end)
        self.end, self.shape, self.index = name, (prod(self.shape),), self.index + 1

    def layer(
        self, kind: str, groups: dict[int, IntSynapses], neurons: IntLIF, back: IntDense | None = None
    ) -> None:
        """Neurons with synapses by delay, and recurrent ones."""
        target = f"{'readout' if neurons.reset == 'none' else 'lif'}{self.index}"
        names = []
        for steps, op in groups.items():
            name = f"{kind}{self.index}" + f".{steps}" * (set(groups) != {0})
            source = self.end
            if steps:
                source = f"delay.{kind}{self.index}.{steps}"
                signal = "spike" if any(isinstance(op, IntLIF) for op in self.ops.values()) else "value"
                self.add(source, Delay(self.shape, steps, signal), self.end)  # type: ignore[arg-type]
            self.add(name, op, source)
            names.append(name)
        if back is not None:
            self.add(f"feedback{self.index}", Delay(neurons.shape, 1), target)
            self.add(f"recurrent{self.index}", back, f"feedback{self.index}")
            names.append(f"recurrent{self.index}")
        self.add(target, neurons, *names)
        self.end, self.shape, self.index = target, neurons.shape, self.index + 1

    def add(self, name: str, op: Op, *sources: str) -> None:
        self.ops[name] = op
        self.edges += [(source, name) for source in sources]

    def network(self, steps: int = 5) -> Network:
        self.add("output", Output(), self.end)
        return Network(verify(Graph(self.ops, self.edges)), steps, "loihi2")


def weights(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.int64]:
    """Any int8 weights, odd ones among them, of both signs where there are several."""
    w = rng.integers(-128, 128, shape)
    w.flat[0], w.flat[-1] = 5, -3 if w.size > 1 else 5
    return w


@st.composite
def neurons(draw: Callable[..., Any], shape: Shape, readout: bool = False) -> IntLIF:
    """Neurons that a `.net` file holds, with numbers for all or for each channel."""
    rng = draw(rngs())
    column = (shape[0], *(1,) * (len(shape) - 1))
    decays = [draw(st.one_of(DECAYS, st.just(rng.integers(0, 4097, column)))) for _ in range(2)]
    bias = draw(st.sampled_from([0, 64, 64 * rng.integers(-4095, 4096, column)]))
    threshold = 0 if readout else 64 * draw(st.integers(1, 131070))
    return IntLIF(shape, *decays, bias, threshold, "none" if readout else "zero", "gt")


@st.composite
def netx_networks(draw: Callable[..., Any]) -> Network:
    """One to three layers: convolutions, then dense ones with delays or recurrence, and perhaps a readout."""
    rng = draw(rngs())
    low, high = draw(st.sampled_from([(0, 1), (0, 255), (-7, 3)]))
    shape = draw(st.sampled_from([(4,), (2, 5, 4)]))
    build = Builder(shape, low, high)
    if len(shape) == 3:
        for _ in range(draw(st.integers(0, 2))):
            _convolution(draw, rng, build)
        if build.end == "input" or draw(st.booleans()):
            build.flatten()
    if len(build.shape) == 1:
        depth = draw(st.integers(1, 3))
        for i in range(depth):
            _dense(draw, rng, build, i == depth - 1 and draw(st.booleans()))
    return build.network(draw(st.integers(1, 50)))


def _convolution(draw: Callable[..., Any], rng: np.random.Generator, build: Builder) -> None:
    channels, height, width = build.shape
    groups = draw(st.sampled_from([1, 2]))
    kernel = (draw(st.integers(1, min(2, height))), draw(st.integers(1, min(2, width))))
    padding = draw(st.sampled_from([(0, 0), (1, 0), (0, 1)]))
    stride, exponent = draw(st.sampled_from([(1, 1), (2, 1)])), draw(st.integers(0, 1))
    w = weights(rng, 4, channels // groups, *kernel)
    op = IntConv(w, exponent, stride, (*padding, *padding), (1, 1), groups)
    places = op.windows.places((height, width))
    build.layer("conv", {0: op}, draw(neurons((4, *places))))


def _dense(draw: Callable[..., Any], rng: np.random.Generator, build: Builder, readout: bool) -> None:
    size, exponent = draw(st.integers(1, 4)), draw(st.integers(0, 1))
    w = weights(rng, size, build.shape[0])
    kind = "plain" if readout else draw(st.sampled_from(["plain", "delays", "recurrent"]))
    groups, back = {0: IntDense(w, exponent)}, None
    if kind == "delays":
        delays = np.where((w != 0).any(axis=1), rng.integers(0, 63, size), 0)
        used = np.unique(delays[(w != 0).any(axis=1)]).tolist()
        groups = {d: IntDense(np.where((delays == d)[:, np.newaxis], w, 0), exponent) for d in used}
    if kind == "recurrent":
        back = IntDense(weights(rng, size, size), exponent)
    build.layer("dense", groups, draw(neurons((size,), readout)), back)
