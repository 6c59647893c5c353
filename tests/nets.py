"""Small networks for tests: drawn by hypothesis, made by hand, compiled; and what the reference says they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from neurodeploy.backend import LayerTrace, Result
from neurodeploy.compiler import compile_graph
from neurodeploy.ir import (
    LIF,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    Op,
    Output,
    Readout,
    Shape,
    TensorType,
    verify,
)
from neurodeploy.ir.convolution import convolve
from neurodeploy.ir.types import Signal
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers, State, Step, shift, step
from neurodeploy.semantics.reference import run_sample

SOAK = settings(
    max_examples=1_000_000,
    derandomize=False,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Draw for as long as a soak wants, and shrink nothing."""
DECAYS = st.sampled_from([0, 1, 2048, 4095, 4096]) | st.integers(0, 4096)
REGISTERS = st.builds(
    Registers,
    *[st.builds(Register, st.sampled_from([8, 16, 24, 32]), st.sampled_from(["saturate", "wrap"]))] * 2,
)


def rngs() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def parameter(draw: Callable[..., Any], shape: Shape, low: int, high: int) -> Any:
    """One number, or one for each neuron or channel."""
    kinds = ["one", "channels", "neurons"]
    kind = draw(st.sampled_from(kinds))
    if kind == "one":
        return draw(st.integers(low, high))
    extents = shape if kind == "neurons" else (shape[0], *(1,) * (len(shape) - 1))
    return draw(rngs()).integers(low, high + 1, extents)


@st.composite
def int_neurons(
    draw: Callable[..., Any], shape: int | Shape, readout: bool = False, span: int = 1 << 15
) -> IntLIF:
    """Any neurons of `shape`, with thresholds, biases and initial potentials up to `span`."""
    shape = (shape,) if isinstance(shape, int) else shape
    fields: dict[str, Any] = {
        "du": draw(DECAYS | parameter(shape, 0, 4096)),
        "dv": draw(DECAYS | parameter(shape, 0, 4096)),
        "bias_q": draw(parameter(shape, -span, span)),
        "compare": draw(st.sampled_from(["ge", "gt"])),
        "clear_current": draw(st.booleans()),
        "initial_q": draw(st.just(0) | parameter(shape, -span, span)),
        "v_min_q": draw(st.none() | parameter(shape, -span, span // 2)),
    }
    if readout:
        return IntLIF(shape, **fields, threshold_q=0, reset="none")
    fields["reset"] = draw(st.sampled_from(["subtract", "zero"]))
    fields["threshold_q"] = draw(st.integers(1, span) | parameter(shape, 1, span))
    fields["reset_by_q"] = draw(st.none() | parameter(shape, 1, span))
    fields["refractory"] = draw(st.sampled_from([0, 0, 0, 1, 3]))
    if fields["reset"] == "subtract":
        fields["max_spikes"] = draw(st.sampled_from([1, 1, 1, 2, 5, 300]))
    return IntLIF(shape, **fields)


class _Builder:
    """Draws a network layer by layer; `spiking` are the layers that synapses can come from."""

    def __init__(self, draw: Callable[..., Any], groups: int, wide: bool) -> None:
        self._draw, self._groups = draw, groups
        self.rng = draw(rngs())
        ranges = [(0, 1), (0, 255), (-128, 127), (-3, 5)] + ([(0, 1 << 20), (-(1 << 26), 9)] if wide else [])
        low, high = draw(st.sampled_from(ranges))
        shape = draw(st.sampled_from([(4,), (2, 2), (2, 5), (2, 4, 3), (1, 5, 4)]))
        self.ops: dict[str, Op] = {"in": IntInput(shape, 1.0, low, high)}
        self.edges: list[tuple[str, str]] = []
        self.shapes: dict[str, Shape] = {"in": shape}
        self.spiking: list[str] = []

    def layer(self, i: int, source: str, readout: bool) -> str:
        """Neurons driven by `source` and maybe by others; returns their name."""
        name, shape = f"lif{i}", self._synapses(f"syn{i}.0", source, f"lif{i}", None)
        others = self._connectable(shape)
        for k in range(1, self._draw(st.integers(1, self._groups)) if others else 0):
            self._synapses(f"syn{i}.{k}", self._draw(st.sampled_from(others)), name, shape)
        if self._draw(st.sampled_from([False, False, False, True])):
            self._synapses(f"pace{i}.syn", self._pacemaker(f"pace{i}", len(shape)), name, shape)
        self._neurons(name, shape, readout)
        return name

    def feedback(self, i: int) -> None:
        """Synapses from one layer of neurons to itself or to another, earlier or later, through a delay."""
        target = self._draw(st.sampled_from(self.spiking))
        source = self._draw(st.sampled_from([n for n in self._connectable(self.shapes[target]) if n != "in"]))
        steps = self._draw(st.sampled_from([1, 1, 2, 3]))
        self._add(f"back{i}", Delay(self.shapes[source], steps), self.shapes[source], source)
        self._synapses(f"back{i}.syn", f"back{i}", target, self.shapes[target])

    def output(self, source: str) -> None:
        """The output, of which spikes are sometimes flattened or late."""
        spikes = source in self.spiking
        if spikes and self._draw(st.booleans()):
            source = self._add("flat", Flatten(), (int(np.prod(self.shapes[source])),), source)
        if spikes and self._draw(st.sampled_from([False, False, True])):
            source = self._add("late", Delay(self.shapes[source], 2), self.shapes[source], source)
        self._add("out", Output(), self.shapes[source], source)

    def _connectable(self, shape: Shape) -> list[str]:
        """Layers from which synapses can lead to neurons of `shape`: a convolution keeps the number of axes."""
        return [n for n in ("in", *self.spiking) if len(shape) in (1, len(self.shapes[n]))]

    def _add(self, name: str, op: Op, shape: Shape, *sources: str) -> str:
        self.ops[name], self.shapes[name] = op, shape
        self.edges += [(source, name) for source in sources]
        return name

    def _neurons(self, name: str, shape: Shape, readout: bool) -> None:
        self.ops[name], self.shapes[name] = self._draw(int_neurons(shape, readout)), shape
        if not readout:
            self.spiking.append(name)

    def _pacemaker(self, name: str, axes: int) -> str:
        """Neurons without synapses, which their bias drives."""
        shape = (2, 3, 2)[:axes]
        op = self._draw(int_neurons(shape))
        self._add(name, op if op.bias_q.any() else replace(op, bias_q=77), shape)
        self.spiking.append(name)
        return name

    def _delayed(self, name: str, source: str, signal: Signal) -> str:
        if not self._draw(st.sampled_from([False, False, False, True])):
            return source
        shape, steps = self.shapes[source], self._draw(st.integers(1, 4))
        return self._add(f"{name}.{signal}", Delay(shape, steps, signal), shape, source)

    def _synapses(self, name: str, source: str, target: str, shape: Shape | None) -> Shape:
        """One group of synapses into `target`, which has neurons of `shape`, or of any; returns their shape."""
        carries: Signal = "value" if source == "in" else "spike"
        if carries == "value" or source in self.spiking:
            source = self._delayed(name, source, carries)
        given = self.shapes[source]
        spatial = len(given) > 1 and (
            len(shape) == len(given) if shape else self._draw(st.sampled_from([True, True, False]))
        )
        if spatial:
            made = self._convolution(name, source, shape)
        else:
            if len(given) > 1:
                source = self._add(f"{name}.flat", Flatten(), (int(np.prod(given)),), source)
            made = (int(np.prod(shape)),) if shape else (self._draw(st.integers(1, 5)),)
            weight = self.rng.integers(-128, 128, (made[0], self.shapes[source][0]))
            self._add(name, IntDense(weight, self._exponent()), made, source)
        name = self._delayed(name, name, "current")
        if shape is None and len(made) > 1 and self._draw(st.sampled_from([False, False, True])):
            made = (int(np.prod(made)),)
            name = self._add(f"{name}.flat", Flatten(), made, name)
        self.edges.append((name, target))
        return made

    def _exponent(self) -> int:
        return int(self._draw(st.sampled_from([-9, -4, -1, 0, 0, 0, 3])))

    def _convolution(self, name: str, source: str, shape: Shape | None) -> Shape:
        """Any geometry, or one that gives `shape`."""
        channels, *extents = self.shapes[source]

        def some(low: int, high: int) -> list[int]:
            drawn: list[int] = self.rng.integers(low, high + 1, len(extents)).tolist()
            return drawn

        if shape is None:
            kernel, stride, dilation = some(1, 3), some(1, 2), some(1, 2)
            spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
            before = some(0, 2)
            after = [
                max(0, span - n - b, int(self.rng.integers(0, 2)))
                for span, n, b in zip(spans, extents, before, strict=True)
            ]
            out = int(self.rng.integers(1, 3)) * 2
        else:
            out, stride, dilation = shape[0], some(1, 1), some(1, 1)
            kernel = [max(n - p + 1, 1) for n, p in zip(extents, shape[1:], strict=True)]
            missing = [max(p - n, 0) for n, p in zip(extents, shape[1:], strict=True)]
            before = [int(self.rng.integers(0, m + 1)) for m in missing]
            after = [m - b for m, b in zip(missing, before, strict=True)]
        groups = [g for g in (1, 2, 4) if channels % g == 0 and out % g == 0]
        shared = self._draw(st.sampled_from(groups))
        weight = self.rng.integers(-128, 128, (out, channels // shared, *kernel))
        op = IntConv(weight, self._exponent(), tuple(stride), (*before, *after), tuple(dilation), shared)
        return self._place(name, op, source)

    def _place(self, name: str, op: IntConv, source: str) -> Shape:
        shape = op.result((TensorType(self.shapes[source], "spike"),)).shape
        self._add(name, op, shape, source)
        return shape


@st.composite
def networks(draw: Callable[..., Any], *, groups: int = 2, wide: bool = True) -> Network:
    """One to three layers of any neurons, fully connected and convolutional, with all that a graph may hold.

    Up to `groups` groups of synapses into each layer, from the layer before and from any earlier one, delayed or
    not; pacemakers, which have no synapses; feedback from a layer to itself or to an earlier one.
    """
    builder = _Builder(draw, groups, wide)
    source = "in"
    depth = draw(st.integers(1, 3))
    for i in range(depth):
        readout = i == depth - 1 and draw(st.booleans())
        source = builder.layer(i, source, readout)
    for i in range(draw(st.sampled_from([0, 0, 1, 2])) if builder.spiking else 0):
        builder.feedback(i)
    builder.output(source)
    graph = verify(Graph(builder.ops, builder.edges))
    return Network(graph, draw(st.sampled_from([1, 2, 5])), "any", draw(REGISTERS))


@st.composite
def runs(draw: Callable[..., Any], *, groups: int = 2, wide: bool = True) -> tuple[Network, Stimulus]:
    """A network and random input within its range, the same in every step or not."""
    network = draw(networks(groups=groups, wide=wide))
    static = draw(st.booleans())
    return network, stimulus(network, draw(rngs()), draw(st.integers(1, 4)), static)


def stimulus(network: Network, rng: np.random.Generator, samples: int = 3, static: bool = True) -> Stimulus:
    """Random integers within the input's range."""
    op = network.input
    lead = (samples,) if static else (network.steps, samples)
    return Stimulus(rng.integers(op.low, op.high + 1, (*lead, *op.shape)), network.steps, static)


def reference(network: Network, given: Stimulus) -> dict[str, LayerTrace]:
    """Every layer's trace `(T, N, *shape)` in plain Python integers."""
    samples = [
        run_sample(
            network.graph, network.registers, [given.frame(t)[n].ravel().tolist() for t in range(given.steps)]
        )
        for n in range(given.samples)
    ]
    return {
        name: LayerTrace(
            _stack([s.spikes[name] for s in samples], op.shape),
            _stack([s.membrane[name] for s in samples], op.shape),
        )
        for name, op in network.neurons.items()
    }


def _stack(per_sample: list[list[list[int]]], shape: Shape) -> npt.NDArray[np.int64]:
    return np.stack([np.array(rows, np.int64).reshape(-1, *shape) for rows in per_sample], axis=1)


def reference_output(network: Network, traces: Mapping[str, LayerTrace]) -> npt.NDArray[np.int64]:
    """What the output shows, from the traces of the neurons: spikes, or the potentials of a readout."""
    return _shown(network, network.graph.output, traces)


def _shown(network: Network, name: str, traces: Mapping[str, LayerTrace]) -> npt.NDArray[np.int64]:
    op = network.graph.op(name)
    if isinstance(op, IntLIF):
        return traces[name].membrane if op.reset == "none" else traces[name].spikes
    before = _shown(network, network.graph.sources(name)[0], traces)
    if isinstance(op, Delay):
        return np.concatenate([np.zeros_like(before[:1])] * op.steps + [before])[: len(before)]
    return before.reshape(*before.shape[:2], -1)


@dataclass(frozen=True)
class Stepped:
    """One step of one layer: a[t] `(N, *shape)`, and what `neurons.step` makes of it."""

    current: npt.NDArray[np.int64]
    done: Step


def stepped(network: Network, given: Stimulus, traces: Mapping[str, LayerTrace]) -> dict[str, list[Stepped]]:
    """Every layer of neurons through `neurons.step`, driven by the spikes of `traces`."""
    found: dict[str, list[Stepped]] = {}
    for name, op in network.neurons.items():
        state, found[name] = State.start(op, (given.samples,)), []
        for t in range(given.steps):
            current = np.zeros((given.samples, *op.shape), np.int64)
            for source in network.graph.sources(name):
                current += _value(network.graph, source, t, given, traces)
            done = step(op, network.registers, state, current)
            state = done.state
            found[name].append(Stepped(current, done))
    return found


def _value(
    graph: Graph, name: str, t: int, given: Stimulus, traces: Mapping[str, LayerTrace]
) -> npt.NDArray[np.int64]:
    """What layer `name` sends in step t, `(N, *shape)`, on int64."""
    op = graph.op(name)
    if isinstance(op, Delay) and t < op.steps:
        return np.zeros((given.samples, *op.shape), np.int64)
    if isinstance(op, IntInput):
        return given.frame(t)
    if isinstance(op, IntLIF):
        return traces[name].spikes[t]
    x = _value(graph, graph.sources(name)[0], t - op.steps if isinstance(op, Delay) else t, given, traces)
    if isinstance(op, IntDense):
        return shift(x @ op.weight_q.T.astype(np.int64), op.exponent)
    if isinstance(op, IntConv):
        return shift(convolve(x, op.weight_q.astype(np.int64), op.windows, op.groups), op.exponent)
    return x.reshape(len(x), -1) if isinstance(op, Flatten) else x


def assert_equal(result: Result, network: Network, expected: Mapping[str, LayerTrace]) -> None:
    """Every spike and potential of every layer, and the outputs, are the expected ones."""
    assert set(result.traces) == set(expected)
    for name, trace in expected.items():
        np.testing.assert_array_equal(result.traces[name].spikes, trace.spikes, f"spikes of {name}")
        np.testing.assert_array_equal(result.traces[name].membrane, trace.membrane, f"membrane of {name}")
    shown = reference_output(network, expected)
    assert (result.membrane is not None) == network.is_readout
    if result.membrane is not None:
        np.testing.assert_array_equal(result.membrane, shown)
        assert result.spikes.shape == shown.shape and not result.spikes.any()
    else:
        np.testing.assert_array_equal(result.spikes, shown)


def chain(
    sizes: tuple[int, ...] = (6, 5, 4), *, readout: bool = True, seed: int = 0, steps: int = 4, high: int = 16
) -> Network:
    """A chain of layers with random integers, whose neurons fire now and then."""
    rng = np.random.default_rng(seed)
    ops: dict[str, Op] = {"in": IntInput((sizes[0],), float(high), 0, high)}
    names = ["in"]
    for i in range(1, len(sizes)):
        ops[f"fc{i}"] = IntDense(rng.integers(-100, 128, (sizes[i], sizes[i - 1])), 0)
        last = i == len(sizes) - 1 and readout
        bias = rng.integers(-200, 900, sizes[i])
        reach = 64 * 100 * (high if i == 1 else 1)
        ops[f"lif{i}"] = IntLIF(
            (sizes[i],), 4096, 2048, bias, 0 if last else reach, "none" if last else "subtract"
        )
        names += [f"fc{i}", f"lif{i}"]
    names.append("out")
    return Network(Graph({**ops, "out": Output()}, list(pairwise(names))), steps, "loihi2")


def float_graph(
    sizes: tuple[int, ...] = (6, 5, 4),
    *,
    readout: bool = True,
    seed: int = 0,
    shape: tuple[int, ...] | None = None,
    scale: float = 1.0,
    reset: str = "subtract",
    compare: str = "ge",
) -> Graph:
    """A chain of float layers with random numbers, flattened first where `shape` is given."""
    rng = np.random.default_rng(seed)
    ops: dict[str, Op] = {"in": Input(shape or (sizes[0],))}
    if shape is not None:
        ops["flat"] = Flatten()
    for i in range(1, len(sizes)):
        weight = scale * rng.integers(-1000, 1500, (sizes[i], sizes[i - 1])) / 1024
        ops[f"fc{i}"] = Dense(weight, scale * rng.integers(-200, 300, sizes[i]) / 1024)
        last = i == len(sizes) - 1 and readout
        neurons = Readout((sizes[i],), 1.0) if last else LIF((sizes[i],), 0.5, scale * 1.0, reset, compare)  # type: ignore[arg-type]
        ops[f"lif{i}"] = neurons
    names = [*ops, "out"]
    return Graph({**ops, "out": Output()}, list(pairwise(names)))


def pixels(shape: tuple[int, ...] = (20, 6), seed: int = 1) -> npt.NDArray[np.float64]:
    """Real input on the grid of sixteenths, with both ends."""
    x = np.random.default_rng(seed).integers(0, 17, shape) / 16
    x.flat[0], x.flat[1] = 0.0, 1.0
    return x


def compiled(graph: Graph | None = None, *, steps: int = 4, target: str = "loihi2") -> Network:
    """`float_graph()` or another, compiled."""
    graph = graph or float_graph()
    shape = next(iter(graph.of(Input).values())).shape
    return compile_graph(graph, pixels((20, *shape)), target, steps=steps)


def chip_file(folder: Path, *changes: tuple[str, str]) -> str:
    """A copy of loihi2.toml in which texts are replaced; its path."""
    text = (resources.files("neurodeploy.targets.chips") / "loihi2.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "chip.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def renamed(network: Network, old: str, new: str) -> Network:
    """The same network in which one layer has another name."""
    graph = network.graph
    ops = {new if name == old else name: graph.op(name) for name in graph.names}
    edges = [(new if a == old else a, new if b == old else b) for a, b in graph.edges]
    return replace(network, graph=Graph(ops, edges))
