"""Float graphs for the passes before quantization, drawn by hypothesis; what they must be afterwards.

All numbers are small multiples of powers of two, so that every sum is exact and results can be compared bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurodeploy.ir import (
    LIF,
    Add,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    MaxPool,
    Op,
    Output,
    Readout,
    Scale,
    Shape,
    SumPool,
    TensorType,
    verify,
)
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes import Notes
from neurodeploy.passes.lower import lower
from tests.nets import rngs

STEPS = 4


def dyadic(rng: np.random.Generator, shape: tuple[int, ...], span: int = 3, grid: int = 4) -> np.ndarray:
    """Random multiples of 1 / grid up to span / grid."""
    return rng.integers(-span, span + 1, shape) / grid


def dense(rng: np.random.Generator, out: int, inputs: int, *, bias: bool = True) -> Dense:
    return Dense(dyadic(rng, (out, inputs)), dyadic(rng, (out,)) * bias)


def conv(
    rng: np.random.Generator,
    out: int,
    inputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
    axes: int = 2,
) -> Conv:
    weight = dyadic(rng, (out, inputs // groups, *(kernel,) * axes))
    ones = (1,) * axes
    return Conv(
        weight,
        dyadic(rng, (out,)) * bias,
        tuple(stride * n for n in ones),
        (padding,) * 2 * axes,
        tuple(dilation * n for n in ones),
        groups,
    )


def lif(shape: Shape, **settings: Any) -> LIF:
    """Neurons that forget half of their potential in a step."""
    return LIF(
        **{"shape": shape, "decay": 0.5, "threshold": 1.0, "reset": "subtract", "compare": "ge", **settings}
    )


def norm(rng: np.random.Generator, channels: int, axes: int = 2) -> Scale:
    """A scale and a shift for each channel, as of batch norm."""
    shape = (channels, *(1,) * axes)
    return Scale(rng.choice([0.5, 1.0, -1.0, 2.0], shape), dyadic(rng, shape))


class Builder:
    """A graph that grows: each method adds a layer and returns its name."""

    def __init__(self, given: Input) -> None:
        self.ops: dict[str, Op] = {"in": given}
        self.edges: list[tuple[str, str]] = []

    def add(self, name: str, op: Op, *sources: str) -> str:
        self.ops[name] = op
        self.edges += [(source, name) for source in sources]
        return name

    def chain(self, source: str, **ops: Op) -> str:
        for name, op in ops.items():
            source = self.add(name, op, source)
        return source

    def graph(self, last: str) -> Graph:
        return verify(Graph({**self.ops, "out": Output()}, [*self.edges, (last, "out")]))


class _Drawn(Builder):
    """Random layers; `types` are those of all results."""

    def __init__(self, draw: Callable[..., Any], rng: np.random.Generator, given: Input) -> None:
        super().__init__(given)
        self._draw, self.rng = draw, rng
        self.types = {"in": TensorType(given.shape, "value")}

    def pick(self, *options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def grow(self, kind: str, op: Op, *sources: str) -> str:
        result = op.result(tuple(self.types[s] for s in sources))
        name = self.add(self._name(kind), op, *sources)
        self.types[name] = result
        return name

    def _name(self, kind: str) -> str:
        return f"{kind}{sum(name.startswith(kind) for name in self.ops) + 1}"

    def any_of(self, *signals: str) -> str:
        names = [name for name, given in self.types.items() if given.signal in signals]
        return str(self.pick(*names[::-1][:4]))

    def step(self) -> None:
        kinds = [
            "conv",
            "conv",
            "pool",
            "scale",
            "add",
            "concat",
            "delay",
            "neurons",
            "neurons",
            "flatten",
            "maximum",
        ]
        getattr(self, f"_{self.pick(*kinds)}")()

    def _conv(self) -> None:
        source = self.any_of("value", "spike", "current")
        shape = self.types[source].shape
        if len(shape) == 1:
            self.grow("fc", dense(self.rng, self.pick(2, 3), shape[0]), source)
            return
        kernel = self.pick(1, 2, 3, 3)
        settings = {
            "stride": self.pick(1, 1, 2),
            "padding": self.pick(0, kernel // 2, 1),
            "dilation": self.pick(1, 1, 2),
        }
        if self._fits(shape, (kernel - 1) * settings["dilation"] + 1, settings["padding"]):
            groups = self.pick(1, shape[0])
            out = groups * self.pick(1, 2) if groups > 1 else self.pick(2, 3)
            op = conv(self.rng, out, shape[0], kernel, **settings, groups=groups, axes=len(shape) - 1)
            self.grow("conv", op, source)

    @staticmethod
    def _fits(shape: Shape, span: int, padding: int) -> bool:
        return min(shape[1:]) + 2 * padding >= span

    def _pool(self) -> None:
        source = self.any_of("value", "spike", "current")
        shape = self.types[source].shape
        kernel, padding = self.pick((2, 0), (2, 0), (2, 1), (3, 1), (3, 0))
        if len(shape) == 1 or not self._fits(shape, kernel, padding):
            return
        axes = len(shape) - 1
        windows = ((kernel,) * axes, (self.pick(1, 2),) * axes, (padding,) * 2 * axes)
        if kernel == 2 and self.pick(True, False):
            self.grow("pool", AveragePool(*windows, count_padding=self.pick(True, False)), source)
        else:
            self.grow("pool", SumPool(*windows), source)

    def _maximum(self) -> None:
        binary = [name for name in self.types if self._is_binary(self.ops[name])]
        kernel, padding = self.pick((2, 0), (2, 1), (3, 1))
        if not binary:
            return
        source = self.pick(*binary[::-1][:4])
        shape = self.types[source].shape
        if len(shape) > 1 and self._fits(shape, kernel, padding):
            axes = len(shape) - 1
            stride = (self.pick(1, 2),) * axes
            self.grow("max", MaxPool((kernel,) * axes, stride, (padding,) * 2 * axes), source)

    @staticmethod
    def _is_binary(op: Op) -> bool:
        is_input = isinstance(op, Input) and op.encoding == "binary"
        return is_input or isinstance(op, MaxPool) or (isinstance(op, LIF) and op.max_spikes == 1)

    def _scale(self) -> None:
        source = self.any_of("value", "spike", "current")
        shape = self.types[source].shape
        each = self.pick((), (shape[0], *(1,) * (len(shape) - 1)), shape)
        factor = self.rng.choice([0.5, 1.0, -1.0, 2.0], each)
        self.grow("scale", Scale(factor, dyadic(self.rng, each) * self.pick(0, 1)), source)

    def _partners(self, source: str, signals: tuple[str, ...], skip: int) -> list[str]:
        given = self.types[source]
        return [
            name
            for name, other in self.types.items()
            if other.shape[skip:] == given.shape[skip:]
            and other.signal in signals
            and name != source
            and len(other.shape) == len(given.shape)
        ]

    def _add(self) -> None:
        source = self.any_of("value", "spike", "current")
        others = self._partners(source, ("value", "spike", "current"), 0)
        if others:
            self.grow("add", Add(), source, self.pick(*others))

    def _concat(self) -> None:
        source = self.any_of("value", "spike", "current")
        others = self._partners(source, (self.types[source].signal,), 1)
        if others:
            self.grow("concat", Concat(), source, self.pick(*others))

    def _delay(self) -> None:
        source = self.any_of("value", "spike", "current")
        given = self.types[source]
        self.grow("delay", Delay(given.shape, self.pick(1, 2), given.signal), source)

    def _flatten(self) -> None:
        self.grow("flat", Flatten(), self.any_of("value", "spike", "current"))

    def _neurons(self) -> None:
        if any(given.signal == "current" for given in self.types.values()):
            self.neurons(self.any_of("current"))

    def neurons(self, source: str) -> str:
        """Neurons behind a current, some of them with feedback whose delay is before or behind the weights."""
        shape, name = self.types[source].shape, self._name("lif")
        back = self.pick(None, None, "spike", "current")
        if back is not None:
            self.ops[f"{name}.later"] = Delay(shape, self.pick(1, 2), back)
        self.types[self.add(name, self._lif(shape), source)] = TensorType(shape, "spike")
        if back is not None:
            self._feed_back(name, shape, back == "spike")
        return name

    def _feed_back(self, name: str, shape: Shape, delayed_first: bool) -> None:
        later, maps = f"{name}.later", {f"{name}.back": self._same(shape), f"{name}.gain": Scale(0.5, 0.25)}
        if delayed_first:
            self.edges += [(name, later), (self.chain(later, **maps), name)]
        else:
            self.edges += [(self.chain(name, **maps), later), (later, name)]

    def _same(self, shape: Shape) -> Dense | Conv:
        if len(shape) == 1:
            return dense(self.rng, shape[0], shape[0])
        return conv(self.rng, shape[0], shape[0], 3, padding=1, axes=len(shape) - 1)

    def _lif(self, shape: Shape) -> LIF:
        each = self.pick((), (shape[0], *(1,) * (len(shape) - 1)), shape)
        more: dict[str, Any] = self.pick(
            {},
            {"max_spikes": 3},
            {"refractory": 1},
            {"v_min": -0.5},
            {"clear_current": True},
            {"reset": "zero"},
        )
        return lif(
            shape,
            decay=self.rng.choice([0.0, 0.5, 1.0], each),
            threshold=self.pick(0.5, 1.0),
            compare=self.pick("ge", "gt"),
            current_decay=self.rng.choice([0.0, 0.5], self.pick((), each)) if self.pick(True, False) else 0.0,
            bias=dyadic(self.rng, each),
            **more,
        )

    def end(self) -> Graph:
        """The latest current into a readout or neurons, and those out; unused layers are left out."""
        currents = [name for name, given in self.types.items() if given.signal == "current"]
        source = currents[-1] if currents else self.grow("conv", self._last(), [*self.types][-1])
        shape = self.types[source].shape
        if self.pick(True, False):
            last = self.add(
                "readout", Readout(shape, 0.5, self.pick(0.0, 0.5), dyadic(self.rng, shape)), source
            )
        else:
            last = self.neurons(source)
            if len(shape) > 1 and self.pick(True, False):
                last = self.add("end", Flatten(), last)
        return used(Graph({**self.ops, "out": Output()}, [*self.edges, (last, "out")]))

    def _last(self) -> Op:
        return self._same(self.types[[*self.types][-1]].shape)


def used(graph: Graph) -> Graph:
    """Without the layers on which the output does not depend."""
    names = [name for name in graph.names if name == "in" or graph.reaches(name, "out")]
    edges = [(a, b) for a, b in graph.edges if a in names and b in names]
    return verify(Graph({name: graph.op(name) for name in names}, edges))


INPUT_SHAPES = st.sampled_from([(2, 5, 5), (2, 4, 4), (1, 6, 5), (2, 7), (3, 6), (4,)])


@st.composite
def float_graphs(draw: Callable[..., Any], layers: int = 8) -> Graph:
    """Graphs of up to `layers` random layers whose output depends on the input."""
    rng = draw(rngs())
    drawn = _Drawn(draw, rng, Input(draw(INPUT_SHAPES), draw(st.sampled_from(["graded", "binary"]))))
    for _ in range(draw(st.integers(layers // 2, layers))):
        drawn.step()
    return drawn.end()


def frames(graph: Graph, rng: np.random.Generator, samples: int = 3) -> np.ndarray:
    """Random input of `STEPS` steps, `(T, N, *shape)`."""
    op = next(iter(graph.of(Input).values()))
    shape = (STEPS, samples, *op.shape)
    return rng.integers(0, 2, shape) if op.encoding == "binary" else dyadic(rng, shape, 4)


def assert_lowered(graph: Graph) -> None:
    """The form that quantization takes."""
    for name in graph.names:
        op, sources = graph.op(name), [graph.op(source) for source in graph.sources(name)]
        assert isinstance(op, (Input, Dense, Conv, LIF, Readout, Flatten, Delay, Output)), name
        if isinstance(op, (Dense, Conv)):
            assert not op.bias.any(), name
            assert isinstance(sources[0], (Input, LIF, Delay, Flatten)), name
            assert all(isinstance(graph.op(user), (LIF, Readout)) for user in graph.users(name)), name
        if isinstance(op, (LIF, Readout)):
            assert all(isinstance(source, (Dense, Conv)) for source in sources), name
        if isinstance(op, Delay):
            assert op.signal in ("spike", "value"), name
            assert isinstance(sources[0], (Input, LIF)), name


def assert_same(graph: Graph, x: np.ndarray, notes: Notes | None = None) -> Graph:
    """Lower `graph`; spikes and potentials of all its neurons are bit for bit the same. Returns the lowered graph."""
    lowered = lower(graph, [] if notes is None else notes)
    assert_lowered(lowered)
    before, after = (interpret(g, x, STEPS, time_axis=True, dtype=np.float64) for g in (graph, lowered))
    for name, potential in before.membrane.items():
        np.testing.assert_array_equal(after.membrane[name], potential, f"potential of {name}")
    for name, spikes in before.spikes.items():
        np.testing.assert_array_equal(after.spikes[name], spikes, f"spikes of {name}")
    assert lowered.types["out"] == graph.types["out"]
    return lowered
