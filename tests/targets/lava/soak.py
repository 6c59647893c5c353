"""Random networks of every kind on Lava against the engine, for as long as one likes.

    python -m tests.targets.lava.soak [--seconds 120] [--seed 0]

Each network, with a stimulus of its own, runs on `lava` and `lava-batched`; every spike, potential and number of
overflows must be the engine's. Ends with status 1 and the text of the network at the first difference. The workers
are forked from this process, which has imported Lava, instead of started: most of the time would be imports.
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
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import NoReturn

import numpy as np
from hypothesis import given, seed
from hypothesis import strategies as st

from neurodeploy.backend import IntArray, Progress
from neurodeploy.errors import FitError
from neurodeploy.ir import Delay, IntConv, IntDense, IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava import compat, target
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.emit import emit
from neurodeploy.targets.lava.guard import bind_children
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.launch import Finished
from neurodeploy.targets.lava.legalise import legalise
from neurodeploy.targets.lava.schedule import schedule
from neurodeploy.targets.lava.session import Session
from neurodeploy.targets.lava.target import LAVA, Lava
from tests.nets import SOAK, assert_equal, networks, rngs, stimulus

BATCHED = Lava(batch=3)


@contextmanager
def forked(
    job: Job, given_: Stimulus, labels: IntArray | None, progress: Progress, patience: float
) -> Iterator[Finished]:
    """In place of `neurodeploy.targets.lava.launch.finished`."""
    with tempfile.TemporaryDirectory(prefix="neurodeploy-lava-soak-") as name:
        folder = Path(name)
        jobs.write(folder, job, given_, labels)
        if (pid := os.fork()) == 0:
            _work(folder, job)
        assert os.waitpid(pid, 0)[1] == 0, "the Lava run failed"
        yield Finished(folder, job, 0.0)


def _work(folder: Path, job: Job) -> NoReturn:
    status = 1
    try:
        bind_children()
        with Session(lambda: emit(folder, job), lambda: None) as session:
            session.run()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, Stimulus]:
    """A network with a stimulus of 1 to 7 samples of 2 to 9 steps."""
    network = replace(draw(networks(groups=3)), steps=draw(st.integers(2, 9)))
    return network, stimulus(network, draw(rngs()), draw(st.integers(1, 7)), draw(st.booleans()))


def check(network: Network, given_: Stimulus) -> int:
    """Require the engine's numbers of both modes; how many values were compared."""
    expected = ENGINE.run(network, given_, trace=True)
    for backend in (LAVA, BATCHED):
        found = backend.run(network, given_, trace=True)
        assert_equal(found, network, expected.traces)
        assert found.overflows == expected.overflows, (found.overflows, expected.overflows)
    return sum(2 * trace.spikes.size for trace in expected.traces.values())


def seen(network: Network) -> list[str]:
    """What a network has of what is hard to schedule."""
    graph = network.graph
    made, neurons = schedule(graph), network.neurons.values()
    features = {
        "convolution": bool(graph.of(IntConv)),
        "dense": bool(graph.of(IntDense)),
        "delay": bool(graph.of(Delay)),
        "feedback": bool(graph.feedback),
        "period above 1": made.period > 1,
        "branches that wait": any(arrival.wait and not arrival.delay for arrival in made.arrivals),
        "several groups into neurons": any(len(graph.sources(name)) > 1 for name in network.neurons),
        "pacemaker": any(not graph.sources(name) for name in network.neurons),
        "several spikes a step": any(op.max_spikes > 1 for op in neurons),
        "refractory": any(op.refractory for op in neurons),
        "readout": network.is_readout,
        "delayed output": not isinstance(graph.op(graph.output), IntLIF),
    }
    return [name for name, present in features.items() if present]


def soak(seconds: float, number: int) -> Counter[str]:
    """Draw and compare networks for so long; counts of what they had."""
    counts: Counter[str] = Counter()
    end = monotonic() + seconds

    @seed(number)
    @SOAK
    @given(cases())
    def compare(case: tuple[Network, Stimulus]) -> None:
        network, given_ = case
        if monotonic() > end:
            raise KeyboardInterrupt
        try:
            legalise(network, given_)
        except FitError:
            counts["refused: beyond Lava's integers"] += 1
            return
        try:
            counts["values compared, in each mode"] += check(network, given_)
        except BaseException:
            sys.stderr.write(f"{network!r}\n{given_!r}\n{np.shape(given_.x)}\n")
            raise
        counts.update(["networks", *seen(network)])

    with suppress(KeyboardInterrupt):  # the one way out of a search
        compare()
    return counts


def main() -> None:
    """Soak and print what was seen."""
    parser = argparse.ArgumentParser(description="Random networks on Lava against the engine.")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    compat.prepare()
    target.finished = forked
    for what, count in sorted(soak(args.seconds, args.seed).items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{count:8d} {what}\n")


if __name__ == "__main__":
    main()
