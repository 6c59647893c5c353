"""neurodeploy: spiking neural networks from training to neuromorphic hardware, verified number by number.

The public functions are imported when they are first used, so that `import neurodeploy` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from neurodeploy.artifact import load as load
    from neurodeploy.backend import run as run
    from neurodeploy.compare import verify as verify
    from neurodeploy.compare.diff import diff as diff
    from neurodeploy.compiler import compile as compile
    from neurodeploy.learning import learn as learn
    from neurodeploy.network import Network as Network
    from neurodeploy.report import report as report
    from neurodeploy.training import train as train

_PUBLIC = {
    "Network": "neurodeploy.network",
    "compile": "neurodeploy.compiler",
    "diff": "neurodeploy.compare",
    "learn": "neurodeploy.learning",
    "load": "neurodeploy.artifact",
    "report": "neurodeploy.report",
    "run": "neurodeploy.backend",
    "train": "neurodeploy.training",
    "verify": "neurodeploy.compare",
}

__all__ = ["Network", "__version__", "compile", "diff", "learn", "load", "report", "run", "train", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'neurodeploy' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
