"""A batch on its way through a network, one time step after the other."""

from __future__ import annotations

import torch

from neurodeploy.training.maps import Sum
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm, Normalizer, running
from neurodeploy.training.structure import Input, Network, Recalled
from neurodeploy.training.synapses import Synapse


class Forward:
    """The forward pass; holds nothing of earlier steps but what the neurons keep.

    x: static `(batch, *shape)`, the same at every step, or with `time_axis` `(T, batch, *shape)`. After
    `step(t)`: `values[i]` is what node i gave, `potentials[i]` the u of neuron i, `output` the last value.
    A neuron's tensors are the same at every step, with new numbers in them. Nodes outside `wanted` are not
    computed. It runs without gradients. `static` are the nodes whose value cannot change over time; they
    are computed once, and again after `weights_changed()`. `late` nodes, which feed back, have no value at t = 0,
    and a sum takes the other branch alone.
    """

    def __init__(
        self,
        network: Network,
        x: torch.Tensor,
        time_axis: bool,
        normalize: Normalizer = running,
        wanted: frozenset[int] | None = None,
    ) -> None:
        self.network, self.time_axis, self.normalize = network, time_axis, normalize
        self.x = x.to(network.dtype())
        self.values: list[torch.Tensor] = [self.x] * len(network.nodes)
        self.potentials: dict[int, torch.Tensor] = {}
        every = frozenset(range(len(network.nodes)))
        moving = network.moving(time_axis)
        self.static, self.late, self._feedback = every - moving, network.late(), network.feedback()
        self._all = sorted(every if wanted is None else wanted)
        self._moving = [i for i in self._all if i in moving]
        self._order = self._all
        network.refresh()

    @property
    def output(self) -> torch.Tensor:
        """The last node's value."""
        return self.values[-1]

    def weights_changed(self) -> None:
        """Compute anew what depends on weights alone; membrane potentials stay."""
        self.network.refresh()
        self._order = self._all

    def step(self, t: int) -> None:
        """Run time step t (0-based); steps are run in order, once each."""
        for i in self._order:
            if t or i not in self.late:
                self.values[i] = self._value(i, t)
        self._order = self._moving

    def _value(self, i: int, t: int) -> torch.Tensor:
        node = self.network.nodes[i]
        op = node.op
        if isinstance(op, Input):
            return self.x[t] if self.time_axis else self.x
        if isinstance(op, Recalled):
            return self.values[self._feedback[i]].clone()
        h = self.values[node.sources[0]]
        if isinstance(op, LIF):
            return self._fire(i, op, h)
        if isinstance(op, Norm):
            return self.normalize(i, op, h)
        if isinstance(op, Sum):
            late = t == 0 and node.sources[1] in self.late
            return h if late else h + self.values[node.sources[1]]
        return op.current(h) if isinstance(op, Synapse) else op.apply(h)

    def _fire(self, i: int, neuron: LIF, current: torch.Tensor) -> torch.Tensor:
        if i in self.potentials:
            neuron.advance(self.potentials[i], self.values[i], current)
            return self.values[i]
        self.potentials[i] = current.clone()
        return neuron.spikes(current)

    def spikes(self) -> dict[str, torch.Tensor]:
        """Spikes of this step by the name of their LIF layer."""
        return {self.network.nodes[i].name: self.values[i] for i in self.potentials}
