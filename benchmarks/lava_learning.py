"""Learning on Lava: samples learned per second, and Lava's own LearningDense beside ThreeFactorSynapses.

    python -m benchmarks.lava_learning [speed | stock]

`speed`: random networks, the last layer or all learn. `stock`: the readout of a network with 128 random hidden
neurons learns handwritten digits from weights 0, each of 1000 samples once; accuracy on the 797 others afterwards. Both
processes stand in the same graph of processes, driven by the same error, with several learning rates.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import State, ThreeFactorRule, shift, step
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava import compat
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.guard import bind_children
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.plan import plan
from neurodeploy.targets.lava.process_graph import LavaSignMode, Plan, Process
from neurodeploy.targets.lava.target import LAVA

STEPS = 8
TRAINED = 1000
RATES = (1.0, 0.25, 0.0625)
"""Weight units for one largest input just before one full error."""
MARGIN = 20_000
"""Of the readout, in units of the membrane potential."""
RIDGE = 10.0


def network(sizes: tuple[int, ...], high: int, readout_weight: int | None = None) -> Network:
    """Fully connected layers with random weights; a readout whose weights are `readout_weight`, None for random."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {"x": IntInput((sizes[0],), float(high), 0, high)}
    for i, (before, size) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        weight = np.clip(np.rint(rng.normal(0, 25, (size, before))), -127, 127)
        if last and readout_weight is not None:
            weight = np.full_like(weight, readout_weight)
        ops[f"fc{i}"] = IntDense(weight, -int(high).bit_length() + 1 if i == 0 else 0)
        ops[f"lif{i}"] = IntLIF(
            (size,), 4096, 2048, 0, 0 if last else 100 * 64, "none" if last else "subtract"
        )
    ops["out"] = Output()
    return Network(Graph(ops, pairwise(ops)), STEPS, "loihi2")


def speed() -> None:
    """One line for each network and rule: the best of two runs."""
    for sizes, samples in (((64, 128, 10), 60), ((784, 256, 10), 40)):
        made, rng = network(sizes, 1), np.random.default_rng(1)
        stimulus = Stimulus((rng.random((samples, sizes[0])) < 0.15).astype(np.int64), STEPS, True)
        labels = rng.integers(0, 10, samples)
        for layers in ("last", "all"):
            for update in ("sample", "step"):
                rule = default_rule(made, update, samples=samples, layers=layers, slower=3)  # type: ignore[arg-type]
                runs = [LAVA.learn(made, rule, stimulus, labels) for _ in range(2)]
                seconds = min(run.seconds for run in runs)
                engine = ENGINE.learn(made, rule, stimulus, labels)
                same = all(
                    np.array_equal(w, engine.state.weights[n]) for n, w in runs[0].state.weights.items()
                )
                print(
                    f"{'-'.join(map(str, sizes))}, T = {STEPS}, layers {layers}, update {update}: "
                    f"{samples / seconds:.0f} samples/s ({1e3 * seconds / samples / STEPS:.2f} ms a model step), "
                    f"engine {samples / engine.seconds:.0f} samples/s, weights {'equal' if same else 'DIFFERENT'}",
                    flush=True,
                )


@dataclass(frozen=True)
class Run:
    """Weights in half units, as Lava holds them, and milliseconds a time step."""

    doubled: Any
    milliseconds: float


def stock(rate: float, rule: ThreeFactorRule, group: str) -> tuple[Callable[[Plan], None], str]:
    """Puts LearningDense in place of the learning synapses of a plan; the string of its rule.

    The same trace: an impulse of 2^impulse_exponent that decays by half a step; y1 is the modulated error. dw is
    in half weight units, and Lava takes 2^-3 of it in fixed point.
    """
    from lava.magma.core.learning.learning_rule import Loihi3FLearningRule

    one = rule.synapses[group]
    exponent = round(np.log2(rate)) + 1 + 3 - one.impulse_exponent
    dw = f"-1*2^{exponent}*u0*x1*y1"
    made = Loihi3FLearningRule(
        dw=dw,
        x1_impulse=float(1 << one.impulse_exponent),
        x1_tau=-1 / log(1 - one.trace_decay / 4096),
        t_epoch=1,
        rng_seed=1,
    )

    def change(plan: Plan) -> None:
        shape = plan.processes[group].arguments["op"].weight_q.shape
        plan.processes[group] = Process(
            "lava.proc.dense.process:LearningDense",
            {
                "weights": np.zeros(shape, np.int32),
                "weight_exp": -1,
                "sign_mode": LavaSignMode("MIXED"),
                "learning_rule": made,
            },
        )
        plan.connections[:] = [
            replace(c, into="s_in_y1") if (c.receiver, c.into) == (group, "m_in") else c
            for c in plan.connections
        ]

    return change, dw


def forked(
    made: Network, rule: ThreeFactorRule, given: Stimulus, labels: Any, change: Callable[[Plan], None]
) -> Run:
    """One run of a changed plan in a process of its own."""
    job = Job(made, given.steps, given.samples, rule=rule)
    (group,) = rule.synapses
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs.write(folder, job, given, labels)
        if (pid := os.fork()) == 0:
            try:
                _work(folder, job, group, change)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        if os.waitpid(pid, 0)[1]:
            raise SystemExit("the Lava run failed")
        with np.load(folder / "learned.npz") as learned:
            return Run(learned["doubled"], float(learned["milliseconds"]))


def _work(folder: Path, job: Job, group: str, change: Callable[[Plan], None]) -> None:
    from neurodeploy.targets.lava import emit
    from neurodeploy.targets.lava.session import Session

    def changed(folder: Path, job: Job) -> Plan:
        found = plan(folder, job)
        change(found)
        return found

    emit.plan = changed
    bind_children()
    with Session(lambda: emit.emit(folder, job), lambda: None) as session:
        begin = perf_counter()
        session.run()
        seconds = perf_counter() - begin
        runtime = session._root.runtime
        runtime._is_running = False
        synapses = next(p for p in runtime._executable.proc_builders if p.name == group)
        own = hasattr(synapses, "weights")  # Lava's
        doubled = synapses.weights.get() if own else 2 * synapses.weight.get()
    np.savez(
        folder / "learned.npz",
        doubled=doubled,
        milliseconds=1e3 * seconds / (job.steps * job.samples + 1),
    )


def accuracy(made: Network, doubled: Any, x: Any, y: Any) -> float:
    """Of the readout with weights in half units, percent."""
    fired = ENGINE.run(made, Stimulus(x, STEPS, True), trace=True).traces["lif0"].spikes
    op = made.neurons["lif1"]
    state = State.start(op, (len(x),))
    for spikes in fired:
        state = step(op, made.registers, state, shift(spikes @ doubled.T.astype(np.int64), -1)).state
    return 100 * float((state.v.argmax(axis=1) == y).mean())


def ridge(made: Network, x: Any, y: Any) -> float:
    """Of a ridge regression on the hidden neurons' spike counts, trained on the same samples, percent."""
    counts = ENGINE.run(made, Stimulus(x, STEPS, True), trace=True).traces["lif0"].spikes.sum(axis=0)
    features = np.c_[counts, np.ones(len(x))]
    known, wanted = features[:TRAINED], np.eye(10)[y[:TRAINED]]
    readout = np.linalg.solve(known.T @ known + RIDGE * np.eye(known.shape[1]), known.T @ wanted)
    return 100 * float(((features[TRAINED:] @ readout).argmax(axis=1) == y[TRAINED:]).mean())


def candidates(trained: Network) -> Iterator[tuple[str, ThreeFactorRule, Callable[[Plan], None]]]:
    """What is compared, with every rate; weights may learn as far as those of `trained` reach."""
    for rate in RATES:
        for update in ("step", "sample"):
            slower = round(-np.log2(rate))
            rule = default_rule(trained, update, samples=TRAINED, slower=slower)  # type: ignore[arg-type]
            rule = replace(rule, margin=MARGIN)
            yield f"ThreeFactorSynapses, update {update}, rate {rate}", rule, lambda plan: None
        change, dw = stock(rate, rule, "fc1")
        yield f"LearningDense, dw = {dw}", rule, change


def compare() -> None:
    """One line for each process and rate."""
    from sklearn.datasets import load_digits

    compat.prepare()
    data = load_digits()
    x, y = data.data.astype(np.int64), data.target.astype(np.int64)
    made = network((64, 128, 10), 16, readout_weight=0)
    given = Stimulus(x[:TRAINED], STEPS, True)
    print(f"ridge regression on the spike counts: {ridge(made, x, y):.1f} %", flush=True)
    for said, rule, change in candidates(network((64, 128, 10), 16)):
        run = forked(made, rule, given, y[:TRAINED], change)
        print(
            f"{said}: {accuracy(made, run.doubled, x[TRAINED:], y[TRAINED:]):.1f} %, {run.milliseconds:.2f} ms a step",
            flush=True,
        )


def main() -> None:
    """Both, or one of them."""
    wanted = sys.argv[1:] or ["speed", "stock"]
    if "speed" in wanted:
        speed()
    if "stock" in wanted:
        compare()


if __name__ == "__main__":
    main()
