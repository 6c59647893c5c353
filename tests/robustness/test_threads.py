"""The same bytes with one thread and with two; training sets its own number of threads (`threads` of a config)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.frontends.nir.files import affine, chain, lif
from tests.robustness.process import artifact_file, data_file, neurodeploy

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def made(folder: Path, threads: str) -> list[bytes]:
    """What a compilation that solves linear equations and learning on the chip write."""
    data, net = data_file(folder), artifact_file(folder)
    weights = 1e3 * np.random.default_rng(0).random((10, 64))
    model = chain(folder / "m.nir", (64,), (10,), fc=affine(weights), lif=lif(10))
    new = [folder / f"{name}-{threads}.onnx" for name in ("compiled", "learned")]
    options = ["--from", "norse", "--calibrate", data, "--steps", 2, "--rounding", "gptq"]
    for command in (
        ["compile", model, *options, "-q", "-o", new[0]],
        ["learn", net, "--data", data, "-q", "-o", new[1]],
    ):
        ended = neurodeploy(*command, **dict.fromkeys(VARIABLES, threads))
        assert ended.code == 0, ended.err
    return [path.read_bytes() for path in new]


def test_results_do_not_depend_on_threads(tmp_path: Path) -> None:
    assert made(tmp_path, "1") == made(tmp_path, "2")
