"""Where the files of a data set are looked for."""

from __future__ import annotations

import os
from pathlib import Path

from neurodeploy.data.spec import DataSpec


def cache(name: str) -> Path:
    """The user's folder for the set `name`, where downloads go."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurodeploy" / name


def usual_places(name: str) -> tuple[Path, ...]:
    """`$NEURODEPLOY_DATA/NAME`, where that is set, then the user's cache."""
    own = os.environ.get("NEURODEPLOY_DATA")
    return (*((Path(own) / name,) if own else ()), cache(name))


def places(spec: DataSpec) -> tuple[Path, ...]:
    """The folder of a specification, or the usual places where it names none."""
    return (Path(spec.folder).expanduser(),) if spec.folder else usual_places(spec.name)
