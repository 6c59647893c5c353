"""The state of learning on disk, so that what was interrupted goes on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors import numpy as tensors

from neurodeploy.backend import IntArray, Learned
from neurodeploy.errors import InputError
from neurodeploy.files import write_atomic
from neurodeploy.ir import to_json
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import LayerStatistics, LearningState

WEIGHTS, SPIKES, PREDICTION = "weights/", "spikes/", "prediction"


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was learned before, and the curve so far."""

    learned: Learned
    curve: tuple[Mapping[str, Any], ...]


@dataclass
class Journal:
    """One file with the latest state of learning: safetensors, replaced as a whole at every point.

    It goes with one network, rule, data and evaluation: their digest is kept and compared.
    """

    path: Path
    _digest: str = field(default="", init=False)

    def earlier(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        judged: tuple[Stimulus, IntArray] | None,
    ) -> Earlier | None:
        """What the file holds; None where there is none yet. `judged`: data and labels of the curve.

        Raises `InputError` for a file that is damaged or of other learning.
        """
        self._digest = _digest(network, rule, (stimulus, labels), judged)
        if not self.path.exists():
            return None
        arrays, data = self._read()
        if data.get("digest") != self._digest:
            raise InputError(
                f"{self.path}: is the state of other learning (another network, rule, seed, data or evaluation). Name "
                "another file, or remove this one to start anew"
            )
        return _parsed(arrays, data)

    def keep(self, learned: Learned, curve: Sequence[Mapping[str, Any]]) -> None:
        """Write the state, atomically."""
        state = learned.state
        arrays: dict[str, npt.NDArray[Any]] = {WEIGHTS + n: w for n, w in state.weights.items()}
        arrays |= {SPIKES + n: s for n, s in state.spikes.items()}
        arrays[PREDICTION] = learned.prediction
        data = {
            "digest": self._digest,
            "updates": state.updates,
            "changed": learned.changed,
            "seconds": learned.seconds,
            "curve": list(curve),
            "statistics": _plain(learned.statistics),
        }
        whole = {n: np.ascontiguousarray(a) for n, a in arrays.items()}
        write_atomic(self.path, tensors.save(whole, {"learning": json.dumps(data)}))

    def _read(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        try:
            content = self.path.read_bytes()
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            data: dict[str, Any] = json.loads(header["__metadata__"]["learning"])
            return tensors.load(content), data
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(f"{self.path}: is no state of learning, or damaged ({error})") from None


def combined(earlier: Earlier | None, learned: Learned) -> Learned:
    """What was learned before and after an interruption, as one."""
    if earlier is None:
        return learned
    old, new = earlier.learned.statistics, learned.statistics
    both = {n: _sum(old[n], new[n]) for n in new} if old is not None and new is not None else new
    return Learned(
        learned.state,
        np.concatenate([earlier.learned.prediction, learned.prediction]),
        earlier.learned.changed + learned.changed,
        earlier.learned.seconds + learned.seconds,
        both,
    )


def _sum(one: LayerStatistics, other: LayerStatistics) -> LayerStatistics:
    return LayerStatistics(*(getattr(one, f.name) + getattr(other, f.name) for f in fields(LayerStatistics)))


def _plain(statistics: Mapping[str, LayerStatistics] | None) -> dict[str, Any] | None:
    return None if statistics is None else {n: asdict(one) for n, one in statistics.items()}


def _parsed(arrays: Mapping[str, npt.NDArray[Any]], data: Mapping[str, Any]) -> Earlier:
    def part(prefix: str) -> dict[str, npt.NDArray[Any]]:
        return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

    statistics = data["statistics"]
    learned = Learned(
        LearningState(part(WEIGHTS), data["updates"], part(SPIKES)),
        arrays[PREDICTION],
        data["changed"],
        data["seconds"],
        None if statistics is None else {n: LayerStatistics(**one) for n, one in statistics.items()},
    )
    return Earlier(learned, tuple(data["curve"]))


def _digest(
    network: Network,
    rule: ThreeFactorRule,
    taught: tuple[Stimulus, IntArray],
    judged: tuple[Stimulus, IntArray] | None,
) -> str:
    """sha256 of all that decides what is learned, and how its curve runs."""
    every = [taught] if judged is None else [taught, judged]
    graph, arrays = to_json(network.graph)
    found = hashlib.sha256()
    found.update(
        json.dumps(
            [
                graph,
                asdict(network.registers),
                rule.to_dict(),
                *((given.steps, given.static) for given, _ in every),
            ]
        ).encode()
    )
    data = (array for given, labels in every for array in (given.x, labels))
    for array in (*(arrays[name] for name in sorted(arrays)), *data):
        found.update(str((array.shape, array.dtype)).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
