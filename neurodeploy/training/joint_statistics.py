"""Batch norm statistics over all time steps of a batch, without holding the steps."""

from __future__ import annotations

from neurodeploy.training.forward import Forward
from neurodeploy.training.normalization import JointMoments, JointNormalizer, Norm
from neurodeploy.training.rule import Batch
from neurodeploy.training.structure import Network


def joint_statistics(network: Network, batch: Batch) -> JointNormalizer:
    """Mean and variance of every batch norm's input over all time steps, samples of the joint batch, and places.

    One batch norm after the other, each from its own run over time, so that nothing grows with time.
    """
    known = JointNormalizer()
    for i in network.of(Norm):
        node = network.nodes[i]
        source = node.sources[0]
        forward = Forward(network, batch.x, batch.time_axis, known, network.below((source,)))
        steps = 1 if source in forward.static else batch.steps
        found = JointMoments()
        for t in range(steps):
            forward.step(t)
            found.add(forward.values[source])
        if isinstance(node.op, Norm):
            mean, var = found.result(steps, batch)
            known.know(i, node.op, mean, var, found.count * batch.steps * batch.joint_share())
    return known
