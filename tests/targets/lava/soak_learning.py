"""Learning on Lava against the engine: weights after every sample, and traces at the end, for as long as one likes.

    python -m tests.targets.lava.soak_learning [--seconds 60] [--seed 0]

First networks of fixed form on handwritten digits, with the default rules: one line each. Then random networks with
random rules for so many seconds, as in `tests.targets.lava.soak`. Ends with status 1 at the first difference.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn
from unittest import mock

import numpy as np
from hypothesis import assume, given, seed
from hypothesis import strategies as st

from neurodeploy.backend import IntArray, Learned, Progress
from neurodeploy.errors import FitError
from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output, TensorType
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule, learning
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava import compat, target
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.emit import emit
from neurodeploy.targets.lava.guard import bind_children
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.launch import Finished
from neurodeploy.targets.lava.session import Session
from neurodeploy.targets.lava.target import LAVA
from tests.learning_rules import learnable, rules
from tests.nets import SOAK, networks, rngs, stimulus

STEPS = 8
Traces = dict[str, Any]
"""By learning group, `(in,)`."""


@dataclass
class Forked:
    """In place of `neurodeploy.targets.lava.launch.finished`; keeps the traces that the latest run ended with."""

    traces: Traces = field(default_factory=dict)

    @contextmanager
    def finished(
        self, job: Job, given_: Stimulus, labels: IntArray | None, progress: Progress, patience: float
    ) -> Iterator[Finished]:
        with tempfile.TemporaryDirectory(prefix="neurodeploy-lava-soak-") as name:
            folder = Path(name)
            jobs.write(folder, job, given_, labels)
            if (pid := os.fork()) == 0:
                _work(folder, job)
            assert os.waitpid(pid, 0)[1] == 0, "the Lava run failed"
            with np.load(folder / "traces.npz") as traces:
                self.traces = {name: traces[name].ravel() for name in traces.files}
            yield Finished(folder, job, 0.0)


def _work(folder: Path, job: Job) -> NoReturn:
    status = 1
    try:
        bind_children()
        with Session(lambda: emit(folder, job), lambda: None) as session:
            session.run()
            np.savez(folder / "traces.npz", **_traces(session))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _traces(session: Session) -> Traces:
    """What the learning synapses hold, read as Lava's variables."""
    runtime = session._root.runtime
    runtime._is_running = False
    processes = list(runtime._executable.proc_builders)
    return {p.name: p.trace.get() for p in processes if hasattr(p, "trace")}


@contextmanager
def engines_traces() -> Iterator[Traces]:
    """The traces that the engine computed last, while it learns within."""
    found: Traces = {}

    def traced(rule: ThreeFactorRule, synapses: str, *rest: Any) -> Any:
        trace, clipped = pre_trace(rule, synapses, *rest)
        found[synapses] = trace.ravel()
        return trace, clipped

    pre_trace = learning.pre_trace
    with mock.patch.object(learning, "pre_trace", traced):
        yield found


def compare(
    forked: Forked, network: Network, rule: ThreeFactorRule, given_: Stimulus, labels: IntArray
) -> Learned:
    """Require the engine's numbers of Lava; what was learned."""
    seen: list[dict[int, Learned]] = [{}, {}]
    points = tuple(range(1, given_.samples + 1))
    with engines_traces() as expected:
        ENGINE.learn(network, rule, given_, labels, snapshot_at=points, on_snapshot=seen[0].__setitem__)
    done = LAVA.learn(network, rule, given_, labels, snapshot_at=points, on_snapshot=seen[1].__setitem__)
    for n in points:
        engine, lava = seen[0][n], seen[1][n]
        for name in rule.synapses:
            np.testing.assert_array_equal(
                lava.state.weights[name], engine.state.weights[name], f"{n}: {name}"
            )
        assert lava.state.spikes.keys() == engine.state.spikes.keys()
        for name, spikes in engine.state.spikes.items():
            np.testing.assert_array_equal(lava.state.spikes[name], spikes, f"{n}: {name}")
        assert (lava.state.updates, lava.changed) == (engine.state.updates, engine.changed), n
        assert lava.prediction.tolist() == engine.prediction.tolist(), n
    assert forked.traces.keys() == expected.keys()
    for name, trace in expected.items():
        np.testing.assert_array_equal(forked.traces[name], trace, f"trace of {name}")
    return done


def digits_network(kind: str, number: int) -> Network:
    """Random weights: 'dense' 64-48-32-10, 'conv' 8x8 through two convolutions to 10; the last a readout or spiking."""
    rng = np.random.default_rng(number)
    shape: tuple[int, ...] = (1, 8, 8)
    layers: list[Any] = [48, 32, 10]
    if kind == "conv":
        layers = [_conv(rng, 6, 1, 1), _conv(rng, 8, 6, 2), 10]
    ops: dict[str, Op] = {"x": IntInput(shape, 16.0, 0, 16)}
    for i, layer in enumerate(layers):
        if isinstance(layer, int):
            if len(shape) > 1:
                ops["flat"], shape = Flatten(), (int(np.prod(shape)),)
            weights = np.clip(np.rint(rng.normal(3, 30, (layer, *shape))), -127, 127)
            ops[f"fc{i}"], shape = IntDense(weights, -4 if i == 0 else 0), (layer,)
        else:
            ops[f"conv{i}"], shape = layer, layer.result((TensorType(shape, "spike"),)).shape
        readout = i == len(layers) - 1 and number % 2 == 0
        ops[f"lif{i}"] = IntLIF(
            shape, 4096, 2048, 0, 0 if readout else 120 * 64, "none" if readout else "subtract"
        )
    ops["out"] = Output()
    return Network(Graph(ops, pairwise(ops)), STEPS, "loihi2")


def _conv(rng: np.random.Generator, out: int, inputs: int, stride: int) -> IntConv:
    weights = rng.integers(-40, 60, (out, inputs, 3, 3))
    return IntConv(weights, -4 if inputs == 1 else 0, (stride, stride), (1, 1, 1, 1), (1, 1))


def fixed_cases() -> Iterator[tuple[str, Network, ThreeFactorRule, int]]:
    """Dense and convolutional, the last layer and all, every update and feedback; with a number of samples."""
    for number in range(3):
        for kind in ("dense", "conv"):
            network = digits_network(kind, number)
            for layers, update, samples, options in (
                ("last", "step", 80, {}),
                ("last", "sample", 510, {}),
                ("all", "step", 40, {"feedback": "symmetric"}),
                ("all", "step", 40, {"feedback": "random", "error_delay": 2}),
                ("all", "sample", 210, {"feedback": "sign"}),
                ("all", "sample", 210, {"rule": "rate", "feedback": "symmetric"}),
            ):
                rule = default_rule(network, update, number, layers=layers, **options)  # type: ignore[arg-type]
                said = ", ".join(
                    [kind, layers, update, *(str(v) for v in options.values()), f"seed {number}"]
                )
                yield said, network, rule, samples


def fixed(forked: Forked) -> None:
    """One line for each of the fixed cases."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x, y = data.images[:, np.newaxis].astype(np.int64), data.target.astype(np.int64)
    for said, network, rule, samples in fixed_cases():
        begin = monotonic()
        learned = compare(forked, network, rule, Stimulus(x[:samples], STEPS, True), y[:samples])
        weights = sum(w.size for w in learned.state.weights.values())
        sys.stdout.write(
            f"{said}: {learned.state.updates} updates of {weights} weights, {learned.changed} changes, "
            f"0 differences ({monotonic() - begin:.0f} s)\n"
        )
        sys.stdout.flush()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, ThreeFactorRule, Stimulus, IntArray]:
    """A network, a rule for some of its layers, 1 to 6 samples of 1 to 6 steps, and their labels."""
    network = replace(draw(networks(groups=3, wide=False)), steps=draw(st.integers(1, 6)))
    assume(learnable(network))
    given_ = stimulus(network, draw(rngs()), draw(st.integers(1, 6)), draw(st.booleans()))
    classes = network.graph.types[network.graph.output].size
    return network, draw(rules(network)), given_, draw(rngs()).integers(0, classes, given_.samples)


def soak(forked: Forked, seconds: float, number: int) -> Counter[str]:
    """Draw and compare networks for so long; counts of what they had."""
    counts: Counter[str] = Counter()
    end = monotonic() + seconds

    @seed(number)
    @SOAK
    @given(cases())
    def run(case: tuple[Network, ThreeFactorRule, Stimulus, IntArray]) -> None:
        if monotonic() > end:
            raise KeyboardInterrupt
        network, rule, given_, labels = case
        try:
            learned = compare(forked, network, rule, given_, labels)
        except FitError:
            counts["refused: beyond exact integers"] += 1
            return
        except BaseException:
            sys.stderr.write(f"{network!r}\n{rule!r}\n{given_!r}\n")
            raise
        counts["weight changes"] += learned.changed
        counts["updates"] += learned.state.updates
        counts.update(["networks", *seen(network, rule)])

    with suppress(KeyboardInterrupt):  # the one way out of a search
        run()
    return counts


def seen(network: Network, rule: ThreeFactorRule) -> list[str]:
    """What a case has of what is hard to schedule."""
    ops = [network.graph.op(name) for name in rule.synapses]
    features = {
        f"{rule.rule}, {rule.update}": True,
        f"{rule.feedback} feedback": True,
        "several layers learn": len(ops) > 1,
        "a convolution learns": any(isinstance(op, IntConv) for op in ops),
        "errors are late": rule.error_delay > 0,
        "weight decay": rule.weight_decay is not None,
        "homeostasis": rule.homeostasis is not None,
        "a loop": bool(network.graph.feedback),
    }
    return [name for name, present in features.items() if present]


def main() -> None:
    """Compare and print what was seen."""
    parser = argparse.ArgumentParser(description="Learning on Lava against the engine.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    compat.prepare()
    forked = Forked()
    target.finished = forked.finished
    fixed(forked)
    for what, count in sorted(soak(forked, args.seconds, args.seed).items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{count:8d} {what}\n")


if __name__ == "__main__":
    main()
