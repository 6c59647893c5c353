"""The curves of a run in the files that TensorBoard shows."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from neurodeploy.errors import BackendMissing, InputError
from neurodeploy.training.run_folder import EpochMetrics


class Board:
    """Writes one point per epoch and curve; x is the epoch. `BackendMissing` without tensorboard."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            install = "pip install 'tensorboard>=2.15'"
            raise BackendMissing(f"--tensorboard: tensorboard is not installed. Try: {install}") from None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--tensorboard: cannot make {folder}: {error.strerror}") from None
        self._writer = SummaryWriter(str(folder))

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, metrics: EpochMetrics) -> None:
        """One epoch."""
        for name, value in points(metrics).items():
            self._writer.add_scalar(name, value, metrics.epoch)


def points(metrics: EpochMetrics) -> dict[str, float]:
    """The value of each curve at this epoch."""
    found = {
        "loss/train": metrics.loss,
        "accuracy/train": metrics.train_accuracy,
        "learning rate": metrics.learning_rate,
        "spikes per neuron": metrics.spikes_per_neuron,
        "seconds": metrics.seconds,
    }
    if metrics.test_accuracy is not None:
        found["accuracy/test"] = metrics.test_accuracy
    return found | {f"firing rate/{name}": rate for name, rate in metrics.firing_rates.items()}
