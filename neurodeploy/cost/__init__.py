"""What a run costs on a chip: events counted from real spikes, energy and time from published coefficients."""

from neurodeploy.cost.estimate import Cost, Estimate, estimate
from neurodeploy.cost.measure import measured_cost
from neurodeploy.cost.placement import Placement, in_order
from neurodeploy.cost.traffic import Traffic, traffic

__all__ = ["Cost", "Estimate", "Placement", "Traffic", "estimate", "in_order", "measured_cost", "traffic"]
