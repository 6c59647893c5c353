"""Small networks for tests: drawn by hypothesis, made by hand, compiled; and what the reference says they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from neurodeploy.backend import LayerTrace, Result
from neurodeploy.compiler import compile_graph
from neurodeploy.ir import LIF, Dense, Flatten, Graph, Input, IntDense, IntInput, IntLIF, Op, Output, Readout
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from neurodeploy.semantics.reference import run_sample

DECAYS = st.sampled_from([0, 1, 2048, 4095, 4096]) | st.integers(0, 4096)
REGISTERS = st.builds(
    Registers,
    *[st.builds(Register, st.sampled_from([8, 16, 24, 32]), st.sampled_from(["saturate", "wrap"]))] * 2,
)


def rngs() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def int_neurons(draw: Callable[..., Any], size: int, readout: bool = False, span: int = 1 << 15) -> IntLIF:
    """Any neurons of `size`, with thresholds and biases up to `span`."""
    return IntLIF(
        (size,),
        draw(DECAYS),
        draw(DECAYS),
        draw(rngs()).integers(-span, span + 1, size),
        0 if readout else draw(st.integers(1, span)),
        "none" if readout else draw(st.sampled_from(["subtract", "zero"])),
        draw(st.sampled_from(["ge", "gt"])),
        draw(st.booleans()),
    )


@st.composite
def networks(draw: Callable[..., Any], *, groups: int = 2, wide: bool = True) -> Network:
    """One to three layers; up to `groups` groups of synapses into each, also from the input past a layer."""
    rng = draw(rngs())
    ranges = [(0, 1), (0, 255), (-128, 127), (-3, 5)] + ([(0, 1 << 20), (-(1 << 26), 9)] if wide else [])
    low, high = draw(st.sampled_from(ranges))
    flat = draw(st.booleans())
    ops: dict[str, Op] = {"in": IntInput((4,) if flat else (2, 2), 1.0, low, high)}
    edges = []
    if not flat:
        ops["flat"] = Flatten()
        edges.append(("in", "flat"))
    first = "in" if flat else "flat"
    widths = {first: 4}
    source = first
    depth = draw(st.integers(1, 3))
    for i in range(depth):
        size = draw(st.integers(1, 5))
        for k in range(draw(st.integers(1, groups))):
            before = source if k == 0 else first
            exponent = draw(st.sampled_from([-9, -4, -1, 0, 0, 0, 3]))
            ops[f"fc{i}.{k}"] = IntDense(rng.integers(-128, 128, (size, widths[before])), exponent)
            edges += [(before, f"fc{i}.{k}"), (f"fc{i}.{k}", f"lif{i}")]
        readout = i == depth - 1 and draw(st.booleans())
        ops[f"lif{i}"] = draw(int_neurons(size, readout))
        source = f"lif{i}"
        widths[source] = size
    ops["out"] = Output()
    registers = draw(REGISTERS)
    return Network(Graph(ops, [*edges, (source, "out")]), draw(st.sampled_from([1, 2, 5])), "any", registers)


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
    """Every layer's trace `(T, N, n)` in plain Python integers."""
    samples = [
        run_sample(
            network.graph, network.registers, [given.frame(t)[n].ravel().tolist() for t in range(given.steps)]
        )
        for n in range(given.samples)
    ]
    return {
        name: LayerTrace(
            _stack([s.spikes[name] for s in samples]), _stack([s.membrane[name] for s in samples])
        )
        for name in network.neurons
    }


def _stack(per_sample: list[list[list[int]]]) -> npt.NDArray[np.int64]:
    return np.stack([np.array(rows, np.int64) for rows in per_sample], axis=1)


def assert_equal(result: Result, network: Network, expected: dict[str, LayerTrace]) -> None:
    """Every spike and potential of every layer, and the outputs, are the expected ones."""
    assert set(result.traces) == set(expected)
    for name, trace in expected.items():
        np.testing.assert_array_equal(result.traces[name].spikes, trace.spikes, f"spikes of {name}")
        np.testing.assert_array_equal(result.traces[name].membrane, trace.membrane, f"membrane of {name}")
    output = expected[network.graph.output]
    np.testing.assert_array_equal(result.spikes, output.spikes)
    assert (result.membrane is not None) == network.is_readout
    if result.membrane is not None:
        np.testing.assert_array_equal(result.membrane, output.membrane)


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
