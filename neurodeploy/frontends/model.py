"""MODEL on the command line: a run folder, or `package.module:callable` returning a torch module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.errors import BackendMissing, InputError, UnsupportedError, UsageError

if TYPE_CHECKING:
    import torch

FOREIGN = {".nir": "NIR", ".net": "lava-dl", ".onnx": "ONNX"}


@dataclass(frozen=True, slots=True)
class Model:
    """A torch module with what is known about it; None where nothing is."""

    module: torch.nn.Module
    origin: str
    steps: int | None = None
    data: str | None = None


def open_model(name: str) -> Model:
    """Load MODEL.

    Raises `InputError` for a missing or damaged one, `UnsupportedError` for a file format without a front
    end, `UsageError` for a name that is none of these.
    """
    path = Path(name)
    if path.is_dir():
        return _from_run(path)
    if path.suffix in FOREIGN:
        if not path.exists():
            raise InputError(f"there is no file {path}")
        raise UnsupportedError(
            f"{path}: {FOREIGN[path.suffix]} models cannot be read; give a run folder or package.module:callable"
        )
    if ":" in name and not path.exists():
        return Model(_from_callable(name), name)
    if path.exists():
        raise InputError(
            f"{path} is a file that is not a model; give a run folder or package.module:callable"
        )
    raise InputError(
        f"there is no model {name!r}; give a run folder of `neurodeploy train` or package.module:callable"
    )


def _from_run(path: Path) -> Model:
    if find_spec("torch") is None:
        raise BackendMissing(f"{path} needs torch: pip install torch==2.13.0")
    from neurodeploy.training import load_run

    module, info = load_run(path)
    return Model(module, str(path), info.steps, info.data)


def _from_callable(name: str) -> Any:
    if find_spec("torch") is None:
        raise BackendMissing(f"{name} needs torch: pip install torch==2.13.0")
    import torch

    package, _, attribute = name.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Callable[[], Any] = getattr(import_module(package), attribute)
        module = found if isinstance(found, torch.nn.Module) or not callable(found) else found()
    except Exception as error:  # the user's code may raise anything
        raise InputError(f"cannot make a model of {name}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"{name} gives a {type(module).__name__}, not a torch.nn.Module")
    return module
