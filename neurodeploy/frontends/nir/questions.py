"""Which settings a file needs: those that change what one of its nodes does, and that nobody said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.nir.config import PRESETS, Settings
from neurodeploy.frontends.nir.node import Node
from neurodeploy.network import Note

SPIKING = frozenset({"IF", "LIF", "CubaLIF"})
LEAKY = frozenset({"LI", "LIF", "CubaLI", "CubaLIF"})
SYNAPTIC = frozenset({"CubaLI", "CubaLIF"})
UNLEAKY = frozenset({"I", "IF"})
NEURONS = SPIKING | LEAKY | UNLEAKY

Matters = Callable[[Node, Settings], bool]
_GAINS = "leak|one|decay"


def _kinds(kinds: Iterable[str]) -> Matters:
    return lambda node, said: node.kind in kinds


def _needs_dt(node: Node, said: Settings) -> bool:
    if node.kind in UNLEAKY:
        return bool(said.find("if_convention") == "dt")
    return node.kind in LEAKY or node.kind == "Delay"


def _needs_timing(node: Node, said: Settings) -> bool:
    return node.kind in SPIKING and not (node.kind == "IF" and said.find("reset") == "subtract")


def _needs_spikes(node: Node, said: Settings) -> bool:
    return node.kind in SPIKING and said.find("reset") != "zero"


def _rests_elsewhere(node: Node, said: Settings) -> bool:
    fields = [f for f in ("v_leak", "v_reset") if f in node and node.kind in NEURONS]
    return any(bool(node.numbers(f).any()) for f in fields)


def _never(said: Settings) -> bool:
    return False


def _always(said: Settings) -> bool:
    return True


def _not_exponential(said: Settings) -> bool:
    return bool(said.find("integration") != "exp")


@dataclass(frozen=True, slots=True)
class Question:
    """A setting, what it may be, when it matters for a node, and when NIR itself says it."""

    key: str
    choices: str
    matters: Matters
    settled: Callable[[Settings], bool] = _never


QUESTIONS = (
    Question("if_convention", "dt|step", _kinds(UNLEAKY)),
    Question("dt", "SECONDS", _needs_dt),
    Question("time_unit", "seconds|seconds-times-dt", _kinds(LEAKY), _always),
    Question("integration", "euler|exp", _kinds(LEAKY)),
    Question("gain", _GAINS, _kinds(LEAKY & SPIKING), _not_exponential),
    Question("readout_gain", _GAINS, _kinds(LEAKY - SPIKING), _not_exponential),
    Question("synapse_gain", _GAINS, _kinds(SYNAPTIC), _not_exponential),
    Question("current_order", "new|old", _kinds(SYNAPTIC)),
    Question("reset", "zero|subtract", _kinds(SPIKING)),
    Question("reset_timing", "same|next", _needs_timing),
    Question("comparison", "gt|ge", _kinds(SPIKING | {"Threshold"})),
    Question("spikes", "one|many", _needs_spikes),
    Question("clamp", "none|MULTIPLE", _kinds(SPIKING)),
    Question("initial", "zero|leak|reset", _rests_elsewhere),
)
"""Every setting that a node of NIR leaves open by itself."""
RECURRENCE = Question("recurrence", "spikes|currents", _kinds(()))
"""Left open by a bias in a cycle."""


def ask(nodes: Iterable[Node], said: Settings) -> list[Note]:
    """A note for each setting that matters, and who said it; raises `UnsupportedError` naming those nobody said."""
    listed = list(nodes)
    notes: list[Note] = []
    missing: list[tuple[Question, Node]] = []
    for question in QUESTIONS:
        concerned = [node for node in listed if question.matters(node, said)]
        if concerned and said.find(question.key) is not None:
            notes.append(_note(question.key, concerned, said))
        elif concerned and not question.settled(said):
            missing.append((question, concerned[0]))
    if missing:
        raise _unsaid(missing)
    return [*notes, *_peculiar(listed, said)]


def _peculiar(nodes: list[Node], said: Settings) -> list[Note]:
    """What a framework does that no setting says."""
    own_rule = (said.preset, said.find("reset"), said.find("reset_timing")) == (
        "snntorch",
        "subtract",
        "same",
    )
    spiking = [node for node in nodes if node.kind in SPIKING]
    if not (own_rule and spiking):
        return []
    what = "is read as a plain reset by subtraction; snnTorch's fires less often while v stays above the threshold"
    return [Note(spiking[0].name, what)]


def ask_recurrence(biased: Node, said: Settings) -> Note:
    """The note on what a bias in a cycle does in step 0; raises `UnsupportedError` where nobody said it."""
    if said.find("recurrence") is None:
        raise _unsaid([(RECURRENCE, biased)])
    return _note("recurrence", [biased], said)


def _unsaid(missing: list[tuple[Question, Node]]) -> UnsupportedError:
    """The error that names every setting that must be said."""
    keys = [question.key for question, _ in missing]
    presets = [name for name, one in PRESETS.items() if all(getattr(one, key) is not None for key in keys)]
    options = " ".join(f"--set nir.{question.key}={question.choices}" for question, _ in missing)
    origin = f", or where the file comes from: --from {'|'.join(presets)}" if presets else ""
    return UnsupportedError(f"{missing[0][1]}: NIR does not say its {', '.join(keys)}. Say {options}{origin}")


def _note(key: str, concerned: list[Node], said: Settings) -> Note:
    more = f", as of {len(concerned) - 1} more" if len(concerned) > 1 else ""
    return Note(
        concerned[0].name, f"nir.{key} is {said.find(key)}{more}; NIR leaves it open ({said.origin(key)})"
    )
