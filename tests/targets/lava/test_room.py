"""A network of more processes than the machine allows is refused before any of them starts."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.errors import BackendFailed
from neurodeploy.targets.lava.room import require, threads_allowed
from neurodeploy.targets.lava.target import LAVA
from tests.targets.lava.networks import NEEDS_LAVA, chain, static


@contextmanager
def open_files(most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_too_many_processes_for_the_open_files() -> None:
    rng = np.random.default_rng(0)
    network = chain(rng, (4, *[3] * 12), exponents=(0,) * 12)
    given = static(rng, network, 1)
    expected = r"becomes 26 Lava processes, which need 327 open files; this machine allows 300 \(27 over\)\. Raise the"
    with open_files(300), pytest.raises(BackendFailed, match=expected):
        LAVA.run(network, given)
    with open_files(400):
        assert LAVA.run(network, given).spikes.shape == (5, 1, 3)


def test_threads_beyond_the_limit() -> None:
    with pytest.raises(BackendFailed, match=r"need 56 threads; this machine allows 55 \(1 over\).*ulimit -u"):
        require(6, {"threads": 56}, {"threads": 55})
    require(6, {"threads": 56}, {"threads": 56})
    require(6, {"threads": 56}, {"threads": None})


@pytest.mark.parametrize("folder", [".", "pids"])
def test_what_a_control_group_leaves(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "pids.max").write_text("100\n")
    (tmp_path / folder / "pids.current").write_text("58\n")
    assert threads_allowed(tmp_path) == 42
