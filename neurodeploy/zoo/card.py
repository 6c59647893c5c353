"""What is known of a trained network: its card, `card.json`."""

from __future__ import annotations

from typing import Literal

import msgspec


class DataFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A split of a data set: its specification, the sha256 of its arrays, and how many samples it has."""

    spec: str
    sha256: str
    samples: int


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The integers of the input, x_q = round(x * levels) in low..high, found on `samples` training samples.

    `lossless`: every value of those samples is on the grid; `sha256` is theirs.
    """

    levels: float
    low: int
    high: int
    lossless: bool
    samples: int
    sha256: str


class Accuracy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Share 0..1 of the whole test set that is predicted right, with `weights` such as '8 bits'.

    `options` are those of `neurodeploy compile` that make the network; none for the float one.
    """

    weights: str
    options: str
    accuracy: float


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many cores of a chip the 8-bit network needs at least, and how many there are."""

    chip: str
    cores: int
    cores_limit: int


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a sample costs on a chip, the mean of the first `samples` of the test set; see `neurodeploy.cost`.

    `joules` without static power, `seconds`; `energy_error` and `latency_error` are shares, None where not public.
    `operations` are synaptic operations.
    """

    chip: str
    samples: int
    spikes: float
    operations: float
    joules: float | None
    seconds: float | None
    energy_error: float | None
    latency_error: float | None
    calibration: str


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that was assumed when the network was read, and in which layer."""

    layer: str
    what: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A network of the zoo. `files` gives the sha256 of each file beside the card.

    `model` is the notation of `neurodeploy.models`, `command` trains it again; `versions` are those that trained it.
    `parameters` counts weights and biases.
    """

    schema: Literal["neurodeploy.zoo/1"] = "neurodeploy.zoo/1"
    name: str
    title: str
    model: str
    parameters: int
    rule: str
    steps: int
    epochs: int
    seed: int
    command: str
    train: DataFacts
    test: DataFacts
    licence: str
    source: str
    versions: dict[str, str]
    grid: Grid
    assumed: tuple[Remark, ...]
    accuracy: tuple[Accuracy, ...]
    fit: Fit
    cost: Cost
    files: dict[str, str]
