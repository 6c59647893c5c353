"""The engine against every other way to run the same networks: samples per second, ratios, latency of a step.

    OMP_NUM_THREADS=1 python benchmarks/engine.py [--only NET ...] [--lava] [--torch DEVICE] [--peers PYTHON]
    OMP_NUM_THREADS=1 python benchmarks/engine.py --only --slopes --roofline [--no-plot]

Weights are random int8 and thresholds give realistic firing rates: nothing here is trained. Each line has the
fastest of runs that alternate between the back ends, and the engine's ratio to it by the fastest and by the medians:
on a machine that does other things too the medians tell little. Compiling is done before. `--lava` adds Lava's
processes (slow), `--torch` the engine on torch (`cpu`, `cuda`), `--peers` a Python that has torch with snntorch,
spikingjelly or thrindex, which run the same layers in float32 (`engine_peers.py`). `--slopes` shows how cost grows,
`--roofline` what share of the machine's own rates the layers reach (`engine_roofline.py`); both take processor time,
the least of several runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from engine_roofline import roofline
from onnx import TensorProto
from pictures import Panel, add_options, check, draw

from neurodeploy.artifact.onnx_step import build_step_model, step_states
from neurodeploy.backend import get_backend
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output, TensorType
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.target import Engine
from neurodeploy.targets.onnxruntime.target import ONNXRUNTIME

REPEATS, SECONDS = 7, 5
"""Runs of each back end, fewer where they take longer than this together."""
RATE = 0.15
"""Share of inputs that are 1."""


def chained(shape: tuple[int, ...], layers: list[int | tuple[int, int] | str], steps: int) -> Network:
    """Dense layers by number of neurons, convolutions by (channels, kernel), 'P' for a 2x2 pool that spikes."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {"x": IntInput(shape, 1.0, 0, 1)}
    for i, layer in enumerate(layers):
        made: IntDense | IntConv
        if layer == "P":
            made = IntConv(np.ones((shape[0], 1, 2, 2)), 0, (2, 2), (0,) * 4, (1, 1), shape[0])
        elif isinstance(layer, tuple):
            out, kernel = layer
            weight = np.clip(np.rint(rng.normal(0, 30, (out, shape[0], kernel, kernel))), -127, 127)
            made = IntConv(weight, 0, (1, 1), (kernel // 2,) * 4, (1, 1))
        else:
            if len(shape) > 1:
                ops["flat"], shape = Flatten(), (int(np.prod(shape)),)
            made = IntDense(np.clip(np.rint(rng.normal(0, 30, (layer, *shape))), -127, 127), 0)
        ops[f"syn{i}"], shape = made, made.result((TensorType(shape, "spike"),)).shape
        reach = 1 if layer == "P" else int(1.2 * 30 * np.sqrt(RATE * made.weight_q[0].size))
        ops[f"lif{i}"] = IntLIF(shape, 4096, 4096 if layer == "P" else 2048, 0, 64 * reach, "zero")
    ops["out"] = Output()
    return Network(Graph(ops, pairwise(ops)), steps, "loihi2")


def recurrent(steps: int) -> Network:
    """Current-based neurons, 128 of them, that hear each other a step later."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {
        "x": IntInput((64,), 1.0, 0, 1),
        "fc": IntDense(rng.integers(-60, 70, (128, 64)), 0),
    }
    ops |= {"lif": IntLIF((128,), 1024, 400, 0, 64 * 700, "subtract"), "late": Delay((128,), 1)}
    ops |= {
        "back": IntDense(rng.integers(-30, 30, (128, 128)), 0),
        "fc2": IntDense(rng.integers(-60, 60, (10, 128)), 0),
    }
    ops |= {"sum": IntLIF((10,), 4096, 100, 0, 0, "none"), "out": Output()}
    edges = [*pairwise(("x", "fc", "lif", "fc2", "sum", "out")), *pairwise(("lif", "late", "back", "lif"))]
    return Network(Graph(ops, edges), steps, "loihi2")


VGG: list[Any] = [
    (64, 3),
    (128, 3),
    "P",
    (256, 3),
    (256, 3),
    "P",
    (512, 3),
    (512, 3),
    "P",
    (512, 3),
    (512, 3),
    10,
]
NETS: dict[str, tuple[Callable[[], Network], list[Any]]] = {
    "mlp": (lambda: chained((784,), [512, 10], 16), [512, 10]),
    "conv": (
        lambda: chained((1, 28, 28), [(32, 5), "P", (64, 5), "P", 1024, 10], 5),
        [(32, 5), "P", (64, 5), "P", 1024, 10],
    ),
    "vgg": (lambda: chained((3, 32, 32), VGG, 6), VGG),
    "oxford": (lambda: chained((200,), [256, 200], 2000), [256, 200]),
    "cuba": (lambda: recurrent(256), []),
}
STATIC = ("mlp", "conv", "vgg")
BATCHES = {
    "mlp": (1, 64, 1024),
    "conv": (1, 64, 1024),
    "vgg": (1, 64),
    "oxford": (1, 64),
    "cuba": (1, 64, 1024),
}
LAVA_SAMPLES = {"mlp": 32, "conv": 4, "cuba": 4, "oxford": 1}


def given(name: str, network: Network, samples: int) -> Stimulus:
    """Random input, the same in every step for the networks that see images."""
    lead = (samples,) if name in STATIC else (network.steps, samples)
    x = np.random.default_rng(1).random((*lead, *network.input.shape)) < RATE
    return Stimulus(x.astype(np.int64), network.steps, name in STATIC)


def rates(runs: dict[str, tuple[Any, Stimulus]], network: Network) -> dict[str, tuple[float, float]]:
    """Samples per second of each back end, by the fastest and by the median of alternating runs."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for name, (backend, stimulus) in runs.items():
        if not name.startswith("lava"):
            backend.run(network, stimulus)
    for _ in range(REPEATS):
        for name, (backend, stimulus) in runs.items():
            if sum(seconds[name]) < SECONDS:
                seconds[name].append(backend.run(network, stimulus).seconds)
    samples = {name: stimulus.samples for name, (_, stimulus) in runs.items()}
    return {n: (samples[n] / min(found), samples[n] / median(found)) for n, found in seconds.items()}


def latency(network: Network) -> tuple[float, float]:
    """Microseconds of one step of one sample: the engine's stream, and ONNX Runtime's with state in and out."""
    stream = network.stream()
    x = (np.random.default_rng(2).random((1, *network.input.shape)) < RATE).astype(np.int64)
    ours, theirs = [], []
    session, feed = ONNXRUNTIME.session(build_step_model(network)), {"x_t": x.astype(np.int32)}
    for name, state in step_states(network).items():
        begin = state.start if isinstance(state.start, int) else 0
        feed[name] = np.full(
            (1, *state.shape), begin, np.int32 if state.type == TensorProto.INT32 else np.int64
        )
    names = [output.name for output in session.get_outputs()]
    for i in range(120):
        start = perf_counter()
        stream.step_q(x)
        middle = perf_counter()
        session.run(names, feed)
        if i >= 20:
            theirs.append(perf_counter() - middle)
            ours.append(middle - start)
    return 1e6 * min(ours), 1e6 * min(theirs)


def peers(python: str, name: str, batch: int) -> dict[str, tuple[float, float]]:
    """Samples per second of float inference in the libraries that this Python has."""
    network, layers = NETS[name][0](), NETS[name][1]
    spec = {"shape": network.input.shape, "layers": layers, "steps": network.steps, "batch": batch}
    spec |= {"static": name in STATIC, "rate": RATE, "repeats": REPEATS}
    script = str(Path(__file__).with_name("engine_peers.py"))
    done = subprocess.run([python, script, json.dumps(spec)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: peers not measured: {done.stderr.strip().splitlines()[-1]}")
        return {}
    return {name: (found[0], found[1]) for name, found in json.loads(done.stdout).items()}


def table(name: str, options: argparse.Namespace) -> None:
    """All lines of one network."""
    network = NETS[name][0]()
    engine, plain = Engine(compiled=True), Engine(compiled=False)
    for batch in BATCHES[name]:
        stimulus = given(name, network, batch)
        runs = {"engine": (engine, stimulus)}
        if batch == 64:
            few = stimulus.select(slice(0, 8 if name in ("vgg", "oxford") else 64))
            runs |= {"numpy": (plain, few), "onnxruntime": (get_backend("onnxruntime"), few)}
        if options.torch:
            runs["torch:" + options.torch] = (get_backend("torch:" + options.torch), stimulus)
        if batch == 64 and options.lava and name in LAVA_SAMPLES:
            runs["lava"] = (get_backend("lava"), stimulus.select(slice(0, LAVA_SAMPLES[name])))
            runs["lava-batched"] = (get_backend("lava-batched"), stimulus)
        found = rates(runs, network)
        if batch == 64 and options.peers and NETS[name][1]:
            found |= peers(options.peers, name, batch)
        for backend, rate in found.items():
            ratios = " ".join(
                f"{ours / other:8.1f}x" for ours, other in zip(found["engine"], rate, strict=True)
            )
            print(f"{name:7} {backend:13} batch {batch:5} {rate[0]:11.1f} samples/s {ratios}", flush=True)
    ours, theirs = latency(network)
    print(f"{name:7} a step of one sample: engine {ours:.1f} us, onnxruntime {theirs:.1f} us", flush=True)


def fastest(network: Network, stimulus: Stimulus) -> float:
    """Seconds of processor time."""
    engine, found = Engine(compiled=True), []
    for _ in range(REPEATS):
        start = process_time()
        engine.run(network, stimulus)
        found.append(process_time() - start)
    return min(found)


def slope(line: dict[float, float]) -> float:
    """Of log(seconds) against log(size)."""
    return float(np.polyfit(np.log(list(line)), np.log(list(line.values())), 1)[0])


def slopes(plot: Path | None) -> None:
    """How cost grows with batch, time steps, width and density of a dense network, and memory with the batch."""
    mlp = chained((784,), [512, 10], 16)
    batch = {float(n): fastest(mlp, given("mlp", mlp, n)) for n in (256, 1024, 4096)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Engine(compiled=True).run(mlp, given("mlp", mlp, 16384))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nets = {t: chained((784,), [512, 10], t) for t in (64, 256, 1024)}
    steps = {float(t): fastest(net, given("oxford", net, 64)) for t, net in nets.items()}
    squares = {n: chained((n,), [n, n], 64) for n in (128, 256, 512, 1024)}
    width = {float(n): fastest(net, given("oxford", net, 64)) for n, net in squares.items()}
    density = {}
    for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        x = (np.random.default_rng(0).random((64, 64, 784)) < share).astype(np.int64)
        density[share] = fastest(nets[64], Stimulus(x, 64, False))
    lines = {"batch": batch, "time steps": steps, "width": width, "density": density}
    for name, line in lines.items():
        cells = "  ".join(f"{size:g}: {1000 * seconds:.1f} ms" for size, seconds in line.items())
        print(f"slope over {name}: {slope(line):.3f}   {cells}")
    print(
        f"peak memory {before / 1024:.0f} MiB up to batch 4096, {after / 1024:.0f} at 16384 (input 98, output 20)"
    )
    oxford = NETS["oxford"][0]()
    long = {n: n / fastest(oxford, given("oxford", oxford, n)) for n in (1, 8, 64)}
    rates = ", ".join(f"{rate:.0f} in batches of {n}" for n, rate in long.items())
    print(f"200-256-200, T = 2000, samples per second of processor time: {rates}")
    draw(plot, [Panel(name, name, "seconds", {"engine": line}, True, True) for name, line in lines.items()])


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", choices=NETS, default=list(NETS))
    parser.add_argument("--lava", action="store_true")
    parser.add_argument("--torch", metavar="DEVICE")
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--slopes", action="store_true")
    parser.add_argument("--roofline", action="store_true")
    add_options(parser, "engine")
    options = parser.parse_args()
    check(options.plot if options.slopes else None)
    for name in options.only:
        table(name, options)
    if options.slopes:
        slopes(options.plot)
    if options.roofline:
        roofline(fastest)


if __name__ == "__main__":
    main()
