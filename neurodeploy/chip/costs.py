"""The sections of a chip's description that say what work costs."""

from __future__ import annotations

from typing import Annotated

import msgspec

from neurodeploy.chip.limits import Count
from neurodeploy.chip.quantity import Limit, Text

Amount = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=100)]


class EventCosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What events on cores cost.

    `neuron_access` every neuron in every step; `neuron_update` where its state changes; `spike` each spike;
    `synapse_*` one synaptic operation; `packet` one spike to one core.
    """

    neuron_access: Limit[Amount]
    neuron_update: Limit[Amount]
    spike: Limit[Amount]
    synapse_dense: Limit[Amount]
    synapse_sparse: Limit[Amount]
    synapse_conv: Limit[Amount]
    packet: Limit[Amount]


class EnergyCosts(EventCosts, frozen=True, forbid_unknown_fields=True):
    """Joules an event, watts for `static_power` of a chip.

    `hop_x`, `hop_y` a packet between neighbouring tiles; `link` a packet from one chip to another; `weight_update` one
    synapse.
    """

    hop_x: Limit[Amount]
    hop_y: Limit[Amount]
    link: Limit[Amount]
    weight_update: Limit[Amount]
    static_power: Limit[Amount]


class LatencyCosts(EventCosts, frozen=True, forbid_unknown_fields=True):
    """Seconds an event, as in `EventCosts`; `packet_in` a packet that a core receives; `weight_update` one synapse.

    `barrier` is the end of a time step on one chip: pairs of a number of tiles in use and seconds; the entry of the
    largest number that is not above the tiles in use holds. `barrier_chips` is the same on two or more chips.
    """

    packet_in: Limit[Amount]
    weight_update: Limit[Amount]
    barrier: Limit[tuple[tuple[Count, Amount], ...]]
    barrier_chips: Limit[Amount]

    def barrier_seconds(self, tiles: int, chips: int) -> float | None:
        """Seconds of the end of a time step on so many tiles of so many chips; None where none is public.

        Where that of several chips is not public, that of one chip is taken: a lower bound.
        """
        several = self.barrier_chips.value if chips > 1 else None
        if several is not None or self.barrier.value is None:
            return several
        return max((entry for entry in self.barrier.value if entry[0] <= tiles), default=(0, 0.0))[1]


class CostModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the costs are good for.

    `calibration`: where the set as a whole comes from; `energy_error` and `latency_error`: relative, one side;
    `calibrated`: measured or fitted on this very chip; `not_modelled`: what no cost stands for.
    """

    calibration: Text
    calibrated: bool
    energy_error: Limit[Share]
    latency_error: Limit[Share]
    not_modelled: tuple[str, ...]


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    model: CostModel
    energy: EnergyCosts
    latency: LatencyCosts
