"""What the weight updates of learning cost on the chip that a network was compiled for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.cost_text import quantity

if TYPE_CHECKING:
    from neurodeploy.cost import Cost

DIGITS = 1
"""What is worth printing of an energy that nobody measured on the chip."""


def learning_cost(target: str, record: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The term of energy as plain values, None where it cannot be told; and a line that says it, or why not."""
    from neurodeploy.chip import load_chip
    from neurodeploy.cost import weight_update_cost, weight_updates
    from neurodeploy.errors import NeurodeployError

    if not record["statistics"]:
        return (
            None,
            f"weight updates: {record['backend']} does not count them, so their energy is not modelled",
        )
    updates = weight_updates(record)
    try:
        cost = weight_update_cost(updates, load_chip(target))
    except NeurodeployError:
        return (
            None,
            f"{_counted(sum(updates.values()))}; target '{target}' is no chip with a description: no energy",
        )
    return {**asdict(cost), "joules": cost.joules}, f"{_counted(cost.count)}; {_energy(target, cost)}"


def _counted(updates: float) -> str:
    return f"weight updates: {updates:.1f} a sample"


def _energy(target: str, cost: Cost) -> str:
    if cost.joules_each is None or cost.joules is None:
        return f"the energy of one on {target} is {cost.source}: not modelled"
    return (
        f"about {quantity(cost.joules, 'J', DIGITS)} a sample on {target}, {quantity(cost.joules_each, 'J', 2)} each "
        f"({cost.grade}, {cost.basis}: {cost.source})"
    )
