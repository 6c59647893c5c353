"""The weights that a run begins with, where another run has trained them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurodeploy.errors import UsageError
from neurodeploy.training.run_folder import WEIGHTS, Tensors, load_run


@dataclass(frozen=True, slots=True)
class Start:
    """Weights by name, their sha256 and model, and the folder they come from."""

    folder: Path
    model: str
    sha256: str
    weights: Tensors

    def check_model(self, wanted: str) -> None:
        """Raise `UsageError` unless the run to begin is of the same model."""
        if wanted != self.model:
            raise UsageError(
                f"--start {self.folder} is a run of {self.model}, not of {wanted}. Leave out --model, or train anew"
            )


def load_start(folder: Path) -> Start:
    """The weights of a run folder as of its last whole epoch; `InputError` where it is missing or damaged."""
    module, info = load_run(folder)
    return Start(folder, info.model, info.files[WEIGHTS], dict(module.state_dict()))
