"""However a run ends, the error says why, and no process, shared memory or folder is left."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import BackendFailed
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.target import LAVA, Lava
from tests.targets.lava.networks import NEEDS_LAVA, chain, static
from tests.targets.lava.remains import Remains

pytestmark = [
    *NEEDS_LAVA,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc"),
]
LONG = 100_000
"""Samples of a run that ends only when it is stopped."""


@pytest.fixture
def remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remains]:
    """Job folders go to this test's own folder, by which its processes are found."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield Remains(tmp_path)
    for pid in Remains(tmp_path).processes():
        os.kill(pid, signal.SIGKILL)


def network_and_stimulus(samples: int) -> tuple[Network, Stimulus]:
    rng = np.random.default_rng(0)
    network = chain(rng, (4, 5, 3), steps=4)
    return network, static(rng, network, samples)


def once_running(remains: Remains, act: Callable[[], Any]) -> Callable[[int, int], None]:
    """A progress callback that calls `act` when the first sample is done."""
    acted = threading.Event()

    def progress(done: int, total: int) -> None:
        if done > 0 and not acted.is_set():
            acted.set()
            remains.wait_for_run()
            act()

    return progress


def signal_child(remains: Remains, number: int, which: int) -> None:
    worker = remains.processes()[0]
    os.kill(remains.children(worker)[which], number)


def test_a_good_run_leaves_nothing(remains: Remains) -> None:
    network, stimulus = network_and_stimulus(800)
    LAVA.run(network, stimulus, progress=once_running(remains, lambda: None))
    remains.assert_nothing(seconds=1)


def test_failure_while_running_gives_the_traceback(remains: Remains, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(folder: Path, *rest: Any) -> None:
        write(folder, *rest)
        np.save(folder / jobs.LABELS, np.array([[0]] * 799 + [[99]]))

    write = jobs.write
    monkeypatch.setattr(jobs, "write", damaged)
    network, stimulus = network_and_stimulus(800)
    rule = default_rule(network, "step")
    with pytest.raises(BackendFailed, match=r"(?s)'lif1:error' failed:.*output_error.*IndexError: index 99"):
        LAVA.learn(network, rule, stimulus, np.zeros(800, int), progress=once_running(remains, lambda: None))
    remains.assert_nothing(seconds=1)


def test_failure_while_building_gives_the_traceback(
    remains: Remains, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(folder: Path, *rest: Any) -> None:
        write(folder, *rest)
        (folder / jobs.FRAMES).unlink()
        threading.Thread(target=remains.wait_for_run, daemon=True).start()

    write = jobs.write
    monkeypatch.setattr(jobs, "write", damaged)
    network, stimulus = network_and_stimulus(3)
    with pytest.raises(BackendFailed, match=r"FileNotFoundError.*frames\.npy"):
        LAVA.run(network, stimulus)
    remains.assert_nothing(seconds=1)


def test_a_dead_lock_ends_at_the_time_limit(remains: Remains) -> None:
    network, stimulus = network_and_stimulus(LONG)
    stop = once_running(remains, lambda: signal_child(remains, signal.SIGSTOP, which=-1))
    with pytest.raises(BackendFailed, match=r"no time step was completed within the limit of 4 s"):
        Lava(patience=4).run(network, stimulus, progress=stop)
    remains.assert_nothing(seconds=1)


def test_a_killed_process_is_named(remains: Remains) -> None:
    network, stimulus = network_and_stimulus(LONG)
    # The oldest child is the shared-memory manager, the next the first Lava process.
    kill = once_running(remains, lambda: signal_child(remains, signal.SIGKILL, which=1))
    with pytest.raises(BackendFailed, match=r"the Lava process '\w+(:\w+)?' was killed by signal 9"):
        LAVA.run(network, stimulus, progress=kill)
    remains.assert_nothing(seconds=1)


def test_a_killed_worker_is_reported(remains: Remains) -> None:
    network, stimulus = network_and_stimulus(LONG)
    kill = once_running(remains, lambda: os.kill(remains.processes()[0], signal.SIGKILL))
    with pytest.raises(BackendFailed, match="worker process ended with status -9"):
        LAVA.run(network, stimulus, progress=kill)
    remains.assert_nothing()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interruption_stops_the_run(error: type[BaseException], remains: Remains) -> None:
    def interrupt() -> None:
        raise error

    network, stimulus = network_and_stimulus(LONG)
    with pytest.raises(error):
        LAVA.run(network, stimulus, progress=once_running(remains, interrupt))
    remains.assert_nothing(seconds=1)


def test_an_interruption_stops_learning(remains: Remains) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    network, stimulus = network_and_stimulus(LONG)
    rule = default_rule(network, "step", layers="all")
    labels = np.zeros(LONG, int)
    with pytest.raises(KeyboardInterrupt):
        LAVA.learn(network, rule, stimulus, labels, progress=once_running(remains, interrupt))
    remains.assert_nothing(seconds=1)


PROGRAM = """
from tests.targets.lava.test_failures import LAVA, LONG, network_and_stimulus
LAVA.run(*network_and_stimulus(LONG))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_program_ends_the_run(number: int, remains: Remains) -> None:
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(remains.home)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=root, env=environment, stderr=subprocess.DEVNULL
    ) as program:
        remains.wait_for_run()
        program.send_signal(number)
        program.wait(20)
    remains.assert_nothing()


def test_a_session_gives_back_the_log_handlers_and_can_be_followed_by_another(tmp_path: Path) -> None:
    network, stimulus = network_and_stimulus(5)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        jobs.write(folder, jobs.Job(network, stimulus.steps, stimulus.samples), stimulus, None)
    program = f"""
import logging, os, sys
from pathlib import Path
from neurodeploy.targets.lava import compat, job, results
compat.prepare()
from neurodeploy.targets.lava.emit import emit
from neurodeploy.targets.lava.session import Session
before = list(logging.getLogger().handlers)
for folder in map(Path, {[str(folder) for folder in folders]!r}):
    made = job.read(folder)
    with Session(lambda: emit(folder, made), lambda: None) as session:
        session.run()
    print(results.read_count(folder, results.PROGRESS), logging.getLogger().handlers == before, flush=True)
assert "torch" not in sys.modules
os._exit(0)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["20", "True", "20", "True"], done.stderr
