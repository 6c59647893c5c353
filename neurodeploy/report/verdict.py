"""The verdict: how accurate, how far from the float network, and what to worry about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurodeploy.backend import IntArray
from neurodeploy.compare.health import Health
from neurodeploy.network import Network
from neurodeploy.report import accuracy
from neurodeploy.report.format import interval, percent, points
from neurodeploy.report.measure import Measured

if TYPE_CHECKING:
    from neurodeploy.compare import Verification

NOT_VERIFIED = "Back ends were not compared for this report; `neurodeploy verify` does that."
NO_FLOAT = "No float model was given, so what rounding cost was not measured; give one with --model."


def verdict(
    network: Network, found: Measured, labels: IntArray, state: Health, verification: Verification | None
) -> dict[str, Any]:
    """Accuracies with their intervals, and the text that says it all in one paragraph."""
    integer = accuracy.share(found.integer[-1] == labels)
    real = None if found.floats is None else accuracy.share(found.floats[-1] == labels)
    changed = None if found.floats is None else accuracy.change(found.integer[-1], found.floats[-1], labels)
    overflows = sum(one.overflows or 0 for one in state.layers)
    values = {
        "accuracy": {"integer": integer, "float": real, "change": changed},
        "overflows": overflows,
        "warnings": len(state.warnings),
        "verification": None if verification is None else verification.to_dict(),
    }
    return {"text": " ".join(_sentences(network, values)), **values}


def _sentences(network: Network, values: dict[str, Any]) -> list[str]:
    integer, real, changed = (values["accuracy"][key] for key in ("integer", "float", "change"))
    sentences = [
        f"{percent(integer['accuracy'])} of {integer['samples']} samples are right in integers "
        f"on {network.target} (95 % interval {interval(integer)})."
    ]
    if real is None:
        sentences.append(NO_FLOAT)
    else:
        sentences.append(
            f"The float network has {percent(real['accuracy'])} ({interval(real)}); the change is "
            f"{points(changed['points'])} points ({points(changed['low'])} to {points(changed['high'])}), "
            f"and {changed['predictions_differ']} predictions differ."
        )
        if network.learning:
            sentences.append("A layer learned after compilation, so this change is not rounding alone.")
    lost = values["overflows"]
    sentences.append(f"{lost} values overflowed." if lost else "Nothing overflowed.")
    return [*sentences, _gate(values["verification"])]


def _gate(verification: dict[str, Any] | None) -> str:
    if verification is None:
        return NOT_VERIFIED
    names, samples = verification["backends"], verification["samples"]
    if verification["equal"]:
        return f"{' = '.join(names)}: every spike and potential is equal on {samples} samples."
    return f"{', '.join(names)} DIFFER on {samples} samples."
