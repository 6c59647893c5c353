"""Float graphs that NIR can express, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurodeploy.ir import (
    LIF,
    Add,
    AveragePool,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    Op,
    Output,
    Readout,
    Scale,
    SumPool,
    verify,
)
from neurodeploy.ir.types import Shape


class Net:
    """Grows a graph layer by layer; `end` is the last one."""

    def __init__(self, shape: Shape, rng: np.random.Generator) -> None:
        self.ops: dict[str, Op] = {"x": Input(shape)}
        self.edges: list[tuple[str, str]] = []
        self.end, self.rng = "x", rng

    def add(self, name: str, op: Op, *sources: str) -> str:
        self.ops[name] = op
        self.edges += [(source, name) for source in sources or (self.end,)]
        self.end = name
        return name

    @property
    def shape(self) -> Shape:
        return Graph(self.ops, self.edges).types[self.end].shape

    def normal(self, *shape: int, scale: float = 1.0) -> Any:
        return (self.rng.normal(size=shape) * scale).astype(np.float32)

    def done(self) -> Graph:
        self.add("y", Output())
        return verify(Graph(self.ops, self.edges))


def parameter(draw: st.DrawFn, net: Net, low: float, high: float) -> Any:
    """One number, or one for each neuron, exact in float32."""
    shape = net.shape if draw(st.booleans()) else ()
    return net.rng.uniform(low, high, shape).astype(np.float32)


def neurons(draw: st.DrawFn, net: Net, name: str, resets: Any) -> None:
    decay = 1.0 if draw(st.integers(0, 3)) == 0 else parameter(draw, net, 0.0, 0.97)
    plain = isinstance(decay, float) or draw(st.booleans())
    current_decay = 0.0 if plain else parameter(draw, net, 0.1, 0.9)
    threshold, compare = parameter(draw, net, 0.3, 2.0), draw(st.sampled_from(["ge", "gt"]))
    op = LIF(net.shape, decay, threshold, draw(resets), compare, current_decay=current_decay)
    net.add(name, op)


@st.composite
def graphs(draw: st.DrawFn, resets: Any) -> Graph:
    """Convolutional or dense layers, sums, pools, delays and recurrence, with neurons or a readout at the end."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    spatial = draw(st.booleans())
    net = Net((2, 6, 5) if spatial else (6,), rng)
    if spatial:
        kernel, padding = draw(
            st.sampled_from([((3, 3), (1, 1, 1, 1)), ((1, 3), (0, 1, 0, 1)), ((2, 2), (0, 0, 1, 1))])
        )
        windows = {"stride": (1, 1), "padding": padding, "dilation": (1, 1)}
        net.add("conv", Conv(net.normal(4, 1, *kernel), net.normal(4, scale=0.3), **windows, groups=2))
        neurons(draw, net, "a", resets)
        if draw(st.booleans()):
            pool = draw(st.sampled_from([SumPool, AveragePool]))
            net.add("pool", pool((2, 2), (2, 2), (0, 0, 0, 0)))
        net.add("flat", Flatten())
    elif draw(st.booleans()):
        net.add("scale", Scale(rng.uniform(0.5, 2.0, 6)))
    width = net.shape[0]
    source = net.end
    net.add("fc", Dense(net.normal(5, width, scale=2 / width**0.5), net.normal(5, scale=0.3)))
    if draw(st.booleans()):
        late = net.add("late", Delay((width,), draw(st.integers(1, 3)), _signal(net, source)), source)
        net.add("skip", Dense(net.normal(5, width, scale=0.5), net.normal(5, scale=0.1)), late)
        net.add("sum", Add(), "fc", "skip")
    recurrent = draw(st.sampled_from(["no", "spikes", "currents", "later"]))
    neurons(draw, net, "b", resets)
    if recurrent != "no":
        _recurrence(draw, net, recurrent)
    if draw(st.booleans()):
        net.add("last", Dense(net.normal(3, 5), net.normal(3, scale=0.3)))
        neurons(draw, net, "c", resets) if draw(st.booleans()) else net.add("v", _readout(draw, net))
    return net.done()


def _recurrence(draw: st.DrawFn, net: Net, kind: str) -> None:
    """Synapses from `b` to itself, delayed before or behind them."""
    bias = net.normal(5, scale=0.3) if draw(st.booleans()) else np.zeros(5, np.float32)
    synapses = Dense(net.normal(5, 5, scale=0.5), bias)
    if kind == "currents":
        net.add("rec", synapses, "b")
        net.add("back", Delay((5,), 1, "current"), "rec")
    else:
        net.add("back", Delay((5,), 1 if kind == "spikes" else 2), "b")
        net.add("rec", synapses, "back")
    net.edges.append((net.end, "b"))
    net.end = "b"


def _readout(draw: st.DrawFn, net: Net) -> Readout:
    decay = draw(st.sampled_from([0.0, 0.5, 1.0]))
    return Readout(net.shape, decay, 0.25 if 0.0 < decay < 1.0 and draw(st.booleans()) else 0.0)


def _signal(net: Net, name: str) -> Any:
    return Graph(net.ops, net.edges).types[name].signal
