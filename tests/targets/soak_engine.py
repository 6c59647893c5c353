"""A long check of the compiled engine on random networks, for changes of its machine code.

    python -m tests.targets.soak_engine [--networks 2000]
    NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2 python -m tests.targets.soak_engine --networks 200

Every run is cut into random batches and windows, on one to three threads, with guard bytes around every buffer; its
bits are compared with those on NumPy. Ends with the number of networks, or with the first that fails.
"""

from __future__ import annotations

import argparse
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.compiled import run as compiled_run
from neurodeploy.targets.engine.target import Engine
from tests.nets import SOAK, assert_equal, runs
from tests.targets.guards import guarded

COMPILED, NUMPY = Engine(compiled=True), Engine(compiled=False)


def check(network: Network, stimulus: Stimulus, working_set: int, least: int, threads: int) -> None:
    """The same bits and overflows as on NumPy, and no guard byte changed."""
    expected = NUMPY.run(network, stimulus, trace=True)
    with guarded() as broken, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_run, "WORKING_SET", working_set)
        patch.setattr(compiled_run, "BATCH_LEAST", least)
        patch.setattr(compiled_run, "WORTH_A_THREAD", 1)
        patch.setitem(os.environ, "OMP_NUM_THREADS", str(threads))
        for trace in (True, False):
            found = COMPILED.run(network, stimulus, trace=trace)
            assert broken() == 0, "bytes outside of a buffer were written"
            assert_equal(found, network, expected.traces) if trace else None
            assert (found.spikes == expected.spikes).all()
            assert found.overflows == expected.overflows
        stream = COMPILED.stream(network, stimulus.samples)
        shown = expected.membrane if expected.membrane is not None else expected.spikes
        for t in range(stimulus.steps):
            assert (stream.step_q(stimulus.frame(t)) == shown[t]).all()
        assert broken() == 0, "bytes outside of a buffer were written by a stream"


def main() -> None:
    """Check as many networks as asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", type=int, default=2000)
    wanted, seen = parser.parse_args().networks, 0

    @settings(SOAK, max_examples=wanted)
    @given(runs(), st.sampled_from([1, 300, 1 << 22]), st.sampled_from([1, 2, 8]), st.sampled_from([1, 2, 3]))
    def soak(drawn: tuple[Network, Stimulus], working_set: int, least: int, threads: int) -> None:
        nonlocal seen
        check(*drawn, working_set, least, threads)
        seen += 1
        if seen % 100 == 0:
            print(f"{seen} networks", flush=True)  # noqa: T201

    soak()
    print(f"{seen} networks: all bits equal, no byte outside of a buffer written")  # noqa: T201


if __name__ == "__main__":
    main()
