"""How to train: the settings of a run that are not its model, data, rule or length."""

from __future__ import annotations

from math import cos, pi
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from neurodeploy.errors import UsageError
from neurodeploy.training.augment import Augmentation
from neurodeploy.training.precision import Precision

LearningRate = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of a run; a TOML file has the same names.

    `learning_rate` None is the rule's default for the optimizer, a tenth of it where `quantize` begins with trained
    weights; `preset` names options of the rule, and `options`
    go before them; `momentum` is for sgd; `weight_decay` holds for all parameters, or with `decayed` 'weights' for
    none of biases, gains and batch norms; `schedule` 'cosine' lowers the learning rate to zero over the run;
    `augment` are the random changes to training images, in their order; `precision` is that of the products of
    synapses while learning; `quantize` rounds the weights to integers of that many bits, times a step a layer, in
    every forward pass (`neurodeploy.training.quantized`), None leaves them real; `threads` are those of torch: with
    one the numbers do not depend on the machine's number of cores.
    """

    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: LearningRate | None = None
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = 64
    preset: str = "recommended"
    options: dict[str, bool | int | float | str] = {}
    schedule: Literal["constant", "cosine"] = "cosine"
    momentum: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.9
    weight_decay: Share = 0.0
    decayed: Literal["all", "weights"] = "all"
    augment: tuple[Augmentation, ...] = ()
    precision: Precision = "fp32"
    quantize: Annotated[int, msgspec.Meta(ge=2, le=8)] | None = None
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1

    def rate(self, epoch: int, epochs: int) -> float:
        """Learning rate in `epoch` (0-based) of `epochs`; `learning_rate` must be resolved."""
        if self.learning_rate is None:
            raise UsageError("learning_rate is not resolved")
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + cos(pi * epoch / epochs)) / 2


def make_config(settings: dict[str, Any], origin: str) -> TrainConfig:
    """Settings by name, checked; `UsageError` naming `origin`, the setting and what it may be."""
    try:
        return msgspec.convert(settings, TrainConfig)
    except msgspec.ValidationError as error:
        names = ", ".join(TrainConfig.__struct_fields__)
        raise UsageError(f"{origin}: {error}. The settings are {names}") from None


def read_settings(path: Path) -> dict[str, Any]:
    """The settings that a TOML file names; `UsageError` where it is missing, no TOML or wrong."""
    try:
        settings: dict[str, Any] = msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"--config {path}: not TOML: {error}") from None
    make_config(settings, f"--config {path}")
    return settings


def read_config(path: Path, **over: Any) -> TrainConfig:
    """Settings from a TOML file, those in `over` replaced; `UsageError` where it is missing or wrong."""
    return make_config({**read_settings(path), **over}, f"--config {path}")
