"""What a run costs on a chip: events counted from real spikes, energy and time from published coefficients."""

from neurodeploy.cost.estimate import Estimate, estimate
from neurodeploy.cost.learning import weight_update_cost, weight_updates
from neurodeploy.cost.measure import measured_cost
from neurodeploy.cost.placement import Placement, in_order
from neurodeploy.cost.terms import Cost
from neurodeploy.cost.traffic import Traffic, traffic

__all__ = [
    "Cost",
    "Estimate",
    "Placement",
    "Traffic",
    "estimate",
    "in_order",
    "measured_cost",
    "traffic",
    "weight_update_cost",
    "weight_updates",
]
