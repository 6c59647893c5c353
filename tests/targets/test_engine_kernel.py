"""The machine code itself: both forms of its products, on every processor, within its buffers, kept on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from llvmlite import binding, ir

from neurodeploy.network import Stimulus
from neurodeploy.targets.engine import cold
from neurodeploy.targets.engine.compiled import dot, pack
from neurodeploy.targets.engine.compiled import kernel as kernel_module
from neurodeploy.targets.engine.compiled import run as compiled_run
from neurodeploy.targets.engine.compiled.kernel import SOURCES, is_compiled, kernel
from neurodeploy.targets.engine.compiled.processor import Processor, processor
from neurodeploy.targets.engine.target import Engine
from tests.nets import assert_equal, chain, stimulus
from tests.targets.blocks import check_blocks
from tests.targets.guards import guarded
from tests.targets.routes import every_route

COMPILED, NUMPY = Engine(compiled=True), Engine(compiled=False)
NARROW = np.dtype(np.int32)
ROOT = Path(__file__).parents[2]


def python(program: str, **variables: str) -> str:
    """What a new process prints."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], env=known, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_plain_products_are_those_of_the_instruction() -> None:
    check_blocks(fast=False)
    if processor().multiplies_bytes:
        check_blocks(fast=True)


@pytest.mark.parametrize(("name", "features"), [("generic", ""), ("haswell", "+avx2,+fma")])
@pytest.mark.skipif(not processor().triple.startswith("x86_64"), reason="names of x86 processors")
def test_products_on_older_processors(name: str, features: str) -> None:
    program = (
        "from neurodeploy.targets.engine.compiled.processor import processor\n"
        "from tests.targets.blocks import check_blocks\n"
        "check_blocks(fast=processor().multiplies_bytes)\n"
        "print(processor().name, processor().multiplies_bytes)"
    )
    assert python(program, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features) == f"{name} False"


ARM = Processor("aarch64-unknown-linux-gnu", "neoverse-n1", "+neon,+fullfp16")


def test_another_instruction_set_gets_plain_code() -> None:
    """What is written without the instruction of x86 compiles for ARM; what is written with it names it."""
    assert not ARM.multiplies_bytes
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    plain, fast = ir.Module(), ir.Module()
    dot.write_block(plain, "plain", 6, 4, 32, ARM.multiplies_bytes, listed=False)
    dot.write_block(fast, "fast", 6, 4, 32, True, listed=False)
    assert "llvm.x86" not in str(plain) and dot.INSTRUCTION in str(fast)
    code = ARM.machine().emit_object(binding.parse_assembly(str(plain)))
    assert code[:4] == b"\x7fELF" and int.from_bytes(code[18:20], "little") == 183  # ELF's number of AArch64


def test_another_processor_has_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    this = processor()
    others = [ARM, *(replace(this, **{name: "other"}) for name in ("triple", "name", "features"))]
    found = {kernel_module._digest.__wrapped__("int32")}
    for other in others:
        monkeypatch.setattr(kernel_module, "processor", lambda other=other: other)
        found.add(kernel_module._digest.__wrapped__("int32"))
    assert len(found) == 5


@pytest.mark.parametrize("working_set", [1, 30_000, 1 << 22])
def test_nothing_is_written_outside_of_a_buffer(working_set: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_run, "WORKING_SET", working_set)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    for network in (every_route(), chain((61, 130, 17, 7), steps=5)):
        given = stimulus(network, np.random.default_rng(1), samples=21, static=False)
        expected = NUMPY.run(network, given, trace=True)
        assert all(trace.spikes.any() for name, trace in expected.traces.items() if name[-4:] == ".lif")
        with guarded() as broken:
            assert_equal(COMPILED.run(network, given, trace=True), network, expected.traces)
            assert broken() == 0


@pytest.mark.parametrize("below", [0, 101])
def test_lists_and_blocks_give_the_same_sums(below: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "SPARSE_BELOW", below)
    network = chain((61, 130, 17, 7), steps=3)
    given = stimulus(network, np.random.default_rng(1), samples=5, static=False)
    assert_equal(
        COMPILED.run(network, given, trace=True), network, NUMPY.run(network, given, trace=True).traces
    )


def test_a_new_process_needs_no_numba() -> None:
    kernel(NARROW)
    program = (
        "import sys, json, numpy as np\n"
        "from neurodeploy.targets.engine.target import Engine\n"
        "from tests.nets import stimulus\n"
        "from tests.targets.routes import every_route\n"
        "network = every_route()\n"
        "given = stimulus(network, np.random.default_rng(1), samples=2)\n"
        "found = Engine(compiled=True).run(network, given).membrane\n"
        "print(json.dumps(['numba' in sys.modules, found.tolist()]))"
    )
    network = every_route()
    expected = NUMPY.run(network, stimulus(network, np.random.default_rng(1), samples=2)).membrane
    assert expected is not None
    assert json.loads(python(program)) == [False, expected.tolist()]


def test_the_digest_covers_all_that_is_compiled() -> None:
    folder = Path(kernel_module.__file__).parent
    compiles = {path.stem for path in folder.glob("*.py") if "from numba" in path.read_text("utf-8")}
    assert compiles | {"emit", "table", "processor"} == set(SOURCES)


@pytest.mark.parametrize("package", ["numba", "llvmlite"])
def test_another_version_has_another_file(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, known = kernel_module._digest.__wrapped__("int32"), kernel_module.version
    assert kernel_module._digest.__wrapped__("int64") != before
    monkeypatch.setattr(kernel_module, "version", lambda name: known(name) + ".1" * (name == package))
    assert kernel_module._digest.__wrapped__("int32") != before


@pytest.mark.parametrize("name", ["DECAY_BITS", "CURRENT_SHIFT"])
def test_another_arithmetic_has_another_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kernel_module._digest.__wrapped__("int32")
    monkeypatch.setattr(kernel_module, name, getattr(kernel_module, name) + 1)
    assert kernel_module._digest.__wrapped__("int32") != before


@pytest.mark.parametrize("name", kernel_module.SETTINGS)
def test_another_setting_of_the_compiler_has_another_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    before = kernel_module._digest.__wrapped__("int32")
    monkeypatch.setenv(name, "0")
    assert kernel_module._digest.__wrapped__("int32") != before


def test_without_a_compiler_it_runs_on_numpy(tmp_path: Path) -> None:
    """As one sets it to debug other code: numba leaves functions as they are, and there is nothing on disk."""
    program = (
        "import json, numpy as np\n"
        "from neurodeploy.backend import get_backend\n"
        "from tests.nets import chain, stimulus\n"
        "network, engine = chain(), get_backend('engine')\n"
        "found = engine.run(network, stimulus(network, np.random.default_rng(1), samples=2)).membrane\n"
        "print(json.dumps([found.tolist(), engine.stream(network, 1).step_q([[1] * 6]).tolist()]))"
    )
    network = chain()
    expected = NUMPY.run(network, stimulus(network, np.random.default_rng(1), samples=2)).membrane
    assert expected is not None
    found = json.loads(python(program, NUMBA_DISABLE_JIT="1", XDG_CACHE_HOME=str(tmp_path)))
    assert found == [expected.tolist(), NUMPY.stream(network, 1).step_q([[1] * 6]).tolist()]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cold_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty cache; compiling, which is slow, gives what was compiled before, and is counted."""
    kernel(NARROW)
    content, made = kernel_module._found(NARROW), list[str]()
    if content is None:
        pytest.skip("this machine keeps no machine code")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernel_module, "_loaded", {})
    monkeypatch.setattr(kernel_module, "_compiled", lambda number: made.append(number.name) or content)
    return made


def run_one(engine: Engine) -> None:
    network = chain()
    given = stimulus(network, np.random.default_rng(0))
    assert_equal(
        engine.run(network, given, trace=True), network, NUMPY.run(network, given, trace=True).traces
    )


def test_compiles_once_and_says_so(
    cold_cache: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_one(COMPILED)
    monkeypatch.setattr(kernel_module, "_loaded", {})
    run_one(COMPILED)
    assert cold_cache == ["int32"]
    (message,) = caplog.messages
    assert message.endswith(f"some 10 s; kept in {tmp_path / 'neurodeploy' / 'engine'}")


def test_a_damaged_file_is_made_again(
    cold_cache: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_one(COMPILED)
    (path,) = (tmp_path / "neurodeploy" / "engine").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    monkeypatch.setattr(kernel_module, "_loaded", {})
    run_one(COMPILED)
    assert cold_cache == ["int32"] * 2
    assert path.read_bytes() == content


def test_runs_where_nothing_can_be_kept(
    cold_cache: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    run_one(COMPILED)
    assert caplog.messages[-1].startswith("the compiled engine is not kept: ")

    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.setattr(kernel_module, "_loaded", {})
    run_one(COMPILED)
    assert caplog.messages[-1].endswith("not kept: no folder for caches (set XDG_CACHE_HOME)")
    assert cold_cache == ["int32"] * 2


def test_files_that_nobody_used_are_removed(cold_cache: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "neurodeploy" / "engine"
    folder.mkdir(parents=True)
    month = kernel_module.UNUSED_DAYS * 24 * 3600
    for name, age in (("a.object", 1.01), ("b.object", 0.99), (".c.object.x_y_z_12.tmp", 2), ("notes", 2)):
        (folder / name).touch()
        os.utime(folder / name, (time() - age * month,) * 2)
    run_one(COMPILED)
    kept = {path.name for path in folder.iterdir()}
    (written,) = kept - {"b.object", "notes"}
    os.utime(folder / written, (0, 0))
    monkeypatch.setattr(kernel_module, "_loaded", {})
    run_one(COMPILED)
    assert cold_cache == ["int32"]
    assert (folder / written).stat().st_mtime > time() - 60


def test_short_work_does_not_wait(cold_cache: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    run_one(engine)
    assert cold_cache == [] and not is_compiled(NARROW)
    monkeypatch.setattr(cold, "COMPILE_SECONDS", 0.0)
    run_one(engine)
    assert cold_cache == ["int32"] and is_compiled(NARROW)


def test_work_is_estimated_by_updates_and_products() -> None:
    network = chain((10, 1000, 20), steps=8)
    x = np.zeros((30, 10), np.int64)
    updates = 30 * 8 * 1020 / cold.UPDATES
    static, moving = (cold.numpy_seconds(network, Stimulus(x, 8, True)) - updates) * cold.PRODUCTS, 0.0
    moving = (cold.numpy_seconds(network, Stimulus(np.stack([x] * 8), 8, False)) - updates) * cold.PRODUCTS
    assert round(static) == 30 * (10_000 + 8 * 20_000)
    assert round(moving) == 30 * 8 * 30_000
