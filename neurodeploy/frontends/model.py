"""MODEL on the command line: a run folder, a file, a network of the zoo, or `package.module:callable`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from neurodeploy.errors import BackendMissing, InputError, UsageError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.zoo import open_zoo
from neurodeploy.zoo import is_zoo

if TYPE_CHECKING:
    import torch


@runtime_checkable
class Model(Protocol):
    """Anything that yields a graph. None stands for what it does not know.

    `origin` is what the user gave, `steps` the time steps of a sample, `data` the data it was trained on.
    """

    @property
    def origin(self) -> str:
        """See the class."""
        ...

    @property
    def steps(self) -> int | None:
        """See the class."""
        ...

    @property
    def data(self) -> str | None:
        """See the class."""
        ...

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        """The graph, float or integer, and what was assumed; `sample` is real input `(N, *shape)`."""
        ...


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A torch module of one time step; see `Model`."""

    module: torch.nn.Module
    origin: str
    steps: int | None = None
    data: str | None = None

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        """Trace the module; needs a sample, which tells its input's shape and checks the graph."""
        from neurodeploy.frontends.torch import import_torch

        if sample is None or steps is None:
            raise UsageError(
                f"{self.origin} needs real input, and --steps T, to be traced: give --calibrate DATA"
            )
        return import_torch(self.module, sample.shape[1:], steps, sample)


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a file that leaves something open: `--from PRESET`, and `--set SECTION.KEY=VALUE` by section."""

    preset: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def only(self, section: str, what: str) -> Reading:
        """This, for a model that takes `section` alone; raises `UsageError` for anything said in vain."""
        for other in self.settings:
            if other != section:
                raise UsageError(f"--set {other}.* says nothing about {what}")
        return self


AS_IT_IS = Reading()
"""Nothing said."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A front end for files: its section of `--set`, its module, and the names of opener and configuration in it."""

    section: str
    module: str
    opener: str
    config: str

    def open(self, path: Path, reading: Reading) -> Model:
        """Import the front end and open the file."""
        front_end = import_module(self.module)
        given = reading.only(self.section, str(path)).settings.get(self.section, {})
        try:
            config = msgspec.convert(dict(given), getattr(front_end, self.config))
        except msgspec.ValidationError as error:
            raise UsageError(f"--set {self.section}: {error}") from None
        opener: Callable[..., Model] = getattr(front_end, self.opener)
        return opener(path, reading.preset, config)


FORMATS = {
    ".nir": FileFormat("nir", "neurodeploy.frontends.nir", "open_nir", "NirConfig"),
    ".net": FileFormat("netx", "neurodeploy.frontends.netx", "open_net", "NetxConfig"),
    ".onnx": FileFormat("ann", "neurodeploy.frontends.onnx_ann", "open_ann", "AnnConfig"),
}
"""Front ends by the ending of the file."""
SECTIONS = frozenset(one.section for one in FORMATS.values())
WANTED = (
    "a run folder of `neurodeploy train`, a .nir, .net or .onnx file, zoo:NAME, or package.module:callable"
)


def open_model(name: str, reading: Reading = AS_IT_IS) -> Model:
    """Load MODEL.

    Raises `InputError` for a missing or damaged one, `UnsupportedError` for one whose meaning must be said first,
    `UsageError` for a name that is none of these, or for options that say nothing about it.
    """
    path = Path(name)
    if path.suffix in FORMATS and not path.is_dir():
        if not path.exists():
            raise InputError(f"there is no file {path}")
        return FORMATS[path.suffix].open(path, reading)
    reading.only("", name)
    if reading.preset is not None:
        raise UsageError(
            f"--from {reading.preset} says nothing about {name}; it is for files of other frameworks"
        )
    if is_zoo(name):
        return open_zoo(name)
    if path.is_dir():
        return _from_run(path)
    if ":" in name and not path.exists():
        return TorchModel(_from_callable(name), name)
    if path.exists():
        raise InputError(f"{path} is a file that is not a model; give {WANTED}")
    raise InputError(f"there is no model {name!r}; give {WANTED}")


def is_nir_graph(model: object) -> bool:
    """True for a graph of the package nir, which need not be installed."""
    return any(
        f"{kind.__module__}.{kind.__name__}" == "nir.ir.graph.NIRGraph" for kind in type(model).__mro__
    )


def open_nir_graph(graph: Any, reading: Reading = AS_IT_IS) -> Model:
    """A graph of the package nir, read as the file that the package writes of it."""
    import nir

    with TemporaryDirectory(prefix="neurodeploy-nir-") as folder:
        path = Path(folder) / "graph.nir"
        try:
            nir.write(path, graph)
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the package nir cannot write this NIRGraph: {error}") from None
        return FORMATS[".nir"].open(path, reading)


def _from_run(path: Path) -> TorchModel:
    _require_torch(path)
    from neurodeploy.training import load_run

    module, info = load_run(path)
    return TorchModel(module, str(path), info.steps, info.data)


def _require_torch(what: object) -> None:
    if find_spec("torch") is None:
        raise BackendMissing(f"{what} needs torch: pip install torch==2.13.0")


def _from_callable(name: str) -> Any:
    _require_torch(name)
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
