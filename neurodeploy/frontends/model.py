"""MODEL on the command line: a run folder, or `package.module:callable` returning a torch module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.errors import InputError, UnsupportedError, UsageError

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
    from neurodeploy.training import load_run

    module, info = load_run(path)
    return Model(module, str(path), info.steps, info.data)


def _from_callable(name: str) -> Any:
    import torch

    package, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Callable[[], Any] = getattr(import_module(package), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"cannot import {name}: {error}") from None
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise UsageError(f"{name} is a {type(found).__name__}, not something to call")
    module = found if isinstance(found, torch.nn.Module) else found()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"{name} returned a {type(module).__name__}, not a torch.nn.Module")
    return module
