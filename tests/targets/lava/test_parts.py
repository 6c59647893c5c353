"""The parts of the back end that need no Lava."""

import ast
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.backend import LearningBackend
from neurodeploy.errors import BackendMissing
from neurodeploy.semantics import Registers, ThreeFactorRule
from neurodeploy.semantics.fixed_point import Register
from neurodeploy.semantics.learning import NeuronRule, SynapseRule
from neurodeploy.targets.lava import boards, compat, job
from neurodeploy.targets.lava.target import LAVA
from neurodeploy.targets.lava.window import Window
from tests.targets.lava.networks import chain, changing, static

RNG = np.random.default_rng


def test_window_of_a_layer_two_hops_behind_the_input() -> None:
    window = Window.at_hop(2, steps=3, rounds=2)
    places = [window.place(time_step) for time_step in range(1, 10)]
    assert places == [None, None, (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), None]
    assert (window.first, window.last, window.length) == (3, 8, 6)


def test_window_with_a_period_and_a_pause() -> None:
    window = Window.at_hop(0, steps=2, rounds=2, period=2, pause=1).later(1)
    places = [window.place(time_step) for time_step in range(1, 11)]
    assert places == [None, (0, 0), None, (0, 1), None, None, (1, 0), None, (1, 1), None]
    assert (window.first, window.last, window.length) == (2, 9, 4)


def test_boards_are_shared_through_their_file(tmp_path: Path) -> None:
    path = boards.create(tmp_path / "b.npy", (2, 3), np.int32)
    writer, reader = boards.attach(path, writable=True), boards.attach(path)
    writer[1] = [1, 2, 3]
    assert reader.tolist() == [[0, 0, 0], [1, 2, 3]]
    with pytest.raises(ValueError, match="read-only"):
        reader[0] = 1


def test_a_job_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = RNG(0)
    network = chain(rng)
    rule = ThreeFactorRule(
        {"fc1": SynapseRule(1, 2, 3, 4)}, {"lif1": NeuronRule((5, 9), (2, 1))}, margin=6, seed=8
    )
    network = type(network)(network.graph, network.steps, "loihi2", Registers(u=Register(20, "saturate")))
    given = job.Job(network, 5, 4, ("lif0",), rule, (1, 3))
    job.write(tmp_path, given, static(rng, network), np.array([0, 1, 2, 3]))
    read = job.read(tmp_path)
    assert read.network.graph == network.graph and read.network.registers == network.registers
    assert (read.steps, read.samples, read.traced, read.rule, read.snapshot_at) == (
        5,
        4,
        ("lif0",),
        rule,
        (1, 3),
    )
    assert boards.attach(tmp_path / job.LABELS).tolist() == [[0], [1], [2], [3]]


def test_frames_keep_their_axes(tmp_path: Path) -> None:
    rng = RNG(1)
    network = chain(rng)
    for stimulus, shape in ((static(rng, network), (4, 7)), (changing(rng, network), (5, 4, 7))):
        job.write(tmp_path, job.Job(network, 5, 4), stimulus, None)
        frames = boards.attach(tmp_path / job.FRAMES)
        assert frames.shape == shape and frames.dtype == np.int32 and np.array_equal(frames, stimulus.x)


def test_the_outcome_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    assert job.read_outcome(tmp_path) is None
    job.write_outcome(tmp_path, {"seconds": 1.5})
    assert job.read_outcome(tmp_path) == {"seconds": 1.5}
    assert json.loads((tmp_path / job.OUTCOME).read_text()) == {"seconds": 1.5}


def test_missing_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(compat, "version", absent)
    assert LAVA.missing() == "lava-nc 0.10.0 is not installed; run: neurodeploy doctor --fix"
    rng = RNG(2)
    network = chain(rng)
    with pytest.raises(BackendMissing, match=r"the lava back end cannot run: lava-nc 0\.10\.0 is not"):
        LAVA.run(network, static(rng, network))


def test_missing_looks_at_the_version_and_at_what_lava_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "version", lambda name: "0.9.0")
    assert compat.missing() == "lava-nc is 0.9.0, but 0.10.0 is needed; run: neurodeploy doctor --fix"
    monkeypatch.setattr(compat, "version", lambda name: "0.10.0")
    monkeypatch.setattr(compat, "find_spec", lambda name: None)
    assert (
        compat.missing()
        == "lava-nc needs what is not installed: scipy, asteval; run: neurodeploy doctor --fix"
    )


def test_the_back_end_is_listed_without_importing_lava_or_torch() -> None:
    program = (
        "import sys; from neurodeploy.targets.lava.target import LAVA; LAVA.missing();"
        "print([m for m in sys.modules if m.split('.')[0] in ('lava', 'torch')])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert isinstance(LAVA, LearningBackend) and LAVA.name == "lava"


def test_the_leaf_package_defines_processes_and_nothing_else() -> None:
    for path in (Path(compat.__file__).parent / "processes").glob("[!_]*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstring, *statements = tree.body
        assert isinstance(docstring, ast.Expr)
        assert {type(statement) for statement in statements} == {ast.ImportFrom, ast.ClassDef, ast.Import}
        bases = {ast.unparse(base) for s in statements if isinstance(s, ast.ClassDef) for base in s.bases}
        assert bases == {"AbstractProcess", "PyLoihiProcessModel"}
