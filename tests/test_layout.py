"""Which part may import which, what is packaged, and what every file keeps to."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import neurodeploy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FOLDERS = {"neurodeploy": "neurodeploy", "targets": "neurodeploy.targets", "models": "neurodeploy.models"}


def sources() -> dict[str, Path]:
    """Every module of the package by its dotted name, through the real folders."""
    found = {}
    for folder, package in FOLDERS.items():
        for top, folders, files in os.walk(ROOT / folder):
            folders[:] = [f for f in folders if f != "__pycache__" and not (Path(top) / f).is_symlink()]
            for file in (Path(top) / name for name in files if name.endswith(".py")):
                parts = file.relative_to(ROOT / folder).with_suffix("").parts
                found[".".join((package, *(p for p in parts if p != "__init__")))] = file
    return found


MODULES = sources()


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """Names that a module imports, also inside functions; True where only for type checking."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    checking = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in checking) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            yield from ((f"{node.module}.{alias.name}", id(node) in checking) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from ((str(a.value), False) for a in node.args if isinstance(a, ast.Constant))


def part(name: str) -> str:
    """`neurodeploy.ir.graph.Graph` -> `ir`; of another package its own name."""
    names = name.split(".")
    return names[1] if names[0] == "neurodeploy" and len(names) > 1 else names[0]


def used_by(*parts: str, typing: bool = True) -> dict[str, set[str]]:
    """Parts and packages that the modules of some parts import, without `typing` those that run."""
    return {
        module: {part(name) for name, checking in imports(module) if typing or not checking}
        for module in MODULES
        if part(module) in parts
    }


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("ir", {"ir", "errors", "numpy", "networkx"}),
        ("semantics", {"semantics", "ir", "errors", "numpy"}),
    ],
)
def test_lowest_parts(name: str, allowed: set[str]) -> None:
    for module, used in used_by(name).items():
        assert used - set(sys.stdlib_module_names) <= allowed, module


@pytest.mark.parametrize(
    "name", ["passes", "quant", "compare", "artifact", "chip", "resources", "cost", "mapping", "zoo"]
)
def test_middle_parts(name: str) -> None:
    upper = {"frontends", "training", "models", "cli", "report", "targets", "torch", "lava", "onnxruntime"}
    for module, used in used_by(name, typing=False).items():
        assert not used & upper, module


def test_core_names_no_target() -> None:
    for module in MODULES:
        if not module.startswith("neurodeploy.targets"):
            named = {name for name, _ in imports(module) if name.startswith("neurodeploy.targets")}
            assert not named, module
    texts = [
        (module, node.value)
        for module in MODULES
        if not module.startswith("neurodeploy.targets")
        for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("neurodeploy.targets")
    ]
    assert sorted(texts) == [
        ("neurodeploy.backend", "neurodeploy.targets"),
        ("neurodeploy.chip.loading", "neurodeploy.targets.chips"),
    ]


def test_targets_do_not_import_each_other() -> None:
    for module in MODULES:
        names = module.split(".")
        if names[1:2] == ["targets"] and len(names) > 2:
            for name, _ in imports(module):
                other = name.split(".")
                if other[:2] == ["neurodeploy", "targets"]:
                    assert other[2] == names[2], f"{module} imports {name}"


def test_who_may_import_the_models() -> None:
    users = {part(m) for m in MODULES for name, typing in imports(m) if part(name) == "models" and not typing}
    assert users <= {"models", "training", "cli"}


def test_heavy_packages_are_not_imported_at_the_top() -> None:
    code = (
        "import sys, neurodeploy, neurodeploy.backend, neurodeploy.network, neurodeploy.compiler, neurodeploy.artifact,"
        "neurodeploy.compare, neurodeploy.learning, neurodeploy.report, neurodeploy.data, neurodeploy.doctor;"
        "heavy = {'torch', 'lava', 'onnxruntime', 'matplotlib', 'sklearn', 'scipy'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_public_names() -> None:
    assert sorted(neurodeploy.__all__) == dir(neurodeploy)
    for name in neurodeploy.__all__:
        assert getattr(neurodeploy, name) is not None
    assert {"compile", "diff", "learn", "load", "report", "run", "train", "verify"} <= set(
        neurodeploy.__all__
    )
    with pytest.raises(AttributeError, match="module 'neurodeploy' has no attribute 'fly'"):
        neurodeploy.fly  # noqa: B018


def test_all_names_exist() -> None:
    from importlib import import_module

    for module, path in MODULES.items():
        if "__all__" in path.read_text("utf-8") and ".lava" not in module:
            found = import_module(module)
            assert all(hasattr(found, name) for name in found.__all__), module


def test_links() -> None:
    for name in ("targets", "models"):
        link = ROOT / "neurodeploy" / name
        assert link.is_symlink()
        assert link.readlink() == Path("..", name)


@pytest.mark.parametrize("name", ["targets", "models"])
def test_not_importable_from_the_top(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert f"ImportError: import neurodeploy.{name}, not {name}" in done.stderr


def settings() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return found


def test_every_package_is_listed() -> None:
    listed = settings()["tool"]["setuptools"]["packages"]  # type: ignore[index]
    there = [name for name, path in MODULES.items() if path.name == "__init__.py"]
    assert listed == sorted(there)


def test_registered_back_ends_exist() -> None:
    from neurodeploy.backend import backend_entries, get_backend

    listed = settings()["project"]["entry-points"]["neurodeploy.targets"]  # type: ignore[index]
    assert {name: entry.value for name, entry in backend_entries().items()} == listed
    for name in ("engine", "onnxruntime"):
        assert get_backend(name).name == name


def test_wheel_holds_every_file(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    command = ["wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", *command], cwd=copy, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    suffixes = {".py", ".toml", ".html", ".css", ".js", ".typed", ".safetensors", ".onnx"}
    expected = {
        "/".join((*package.split("."), *path.relative_to(ROOT / folder).parts))
        for folder, package in FOLDERS.items()
        for top, folders, files in os.walk(ROOT / folder)
        for path in (Path(top) / file for file in files)
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }
    assert packed >= expected
    assert {Path(name).suffix for name in packed} <= suffixes | {".md", ".json"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    return ((module, ast.parse(path.read_text("utf-8"))) for module, path in MODULES.items())


def test_nothing_prints() -> None:
    for module, tree in trees():
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
        assert not calls or module == "neurodeploy.cli.console", module


def test_no_assert_and_no_bare_exception() -> None:
    for module, tree in trees():
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Assert), f"{module}:{node.lineno}"
            if isinstance(node, ast.Raise) and node.exc is not None:
                assert ast.unparse(node.exc).split("(")[0] not in ("Exception", "BaseException"), module
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), module


def test_everything_public_has_a_docstring() -> None:
    missing = []
    for module, tree in trees():
        if not ast.get_docstring(tree):
            missing.append(module)
        missing += [f"{module}.{name}" for name in undocumented(tree)]
    assert missing == []


def undocumented(scope: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in scope.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and not overrides(scope, node):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{name}" for name in undocumented(node))


def overrides(scope: ast.Module | ast.ClassDef, node: ast.AST) -> bool:
    """A method of a private or derived class takes the docstring of what it overrides."""
    private = isinstance(scope, ast.ClassDef) and scope.name.startswith("_")
    return private or (isinstance(scope, ast.ClassDef) and bool(scope.bases))


def test_no_pickle_and_no_code_from_data() -> None:
    for module in MODULES:
        used = {name.split(".")[0] for name, _ in imports(module)}
        assert not used & {"pickle", "dill", "shelve", "marshal"}, module
    for module, tree in trees():
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"eval", "exec", "torch.load"}, module


def test_no_script_hides_a_package_from_those_beside_it() -> None:
    scripts = {path.stem for folder in ("benchmarks", "examples") for path in (ROOT / folder).glob("*.py")}
    assert not scripts & (set(packages_distributions()) | sys.stdlib_module_names)
