"""Event-driven training: gradients of spike times, for spike response neurons.

Source: Zhu, Yu, Fang, Xie, Huang, Tian: Training Spiking Neural Networks with Event-driven Backpropagation,
NeurIPS 2022. Importing it imports torch.
"""

from neurodeploy.training.event.layers import (
    Conv2d,
    Dense,
    adjusted_average_pool,
    average_pool,
    max_pool,
    residual_add,
    spiking,
)
from neurodeploy.training.event.loss import count_loss, readout, supervised
from neurodeploy.training.event.modules import (
    Residual,
    SpikeResponse,
    StandardizedConv2d,
    StandardizedLinear,
    effective_weight,
)
from neurodeploy.training.event.neurons import Dynamics, Response, respond
from neurodeploy.training.event.notation import EventSpec
from neurodeploy.training.event.options import PRESETS, EventOptions
from neurodeploy.training.event.rule import LEARNING_RATES, EventLearner

__all__ = [
    "LEARNING_RATES",
    "PRESETS",
    "Conv2d",
    "Dense",
    "Dynamics",
    "EventLearner",
    "EventOptions",
    "EventSpec",
    "Residual",
    "Response",
    "SpikeResponse",
    "StandardizedConv2d",
    "StandardizedLinear",
    "adjusted_average_pool",
    "average_pool",
    "count_loss",
    "effective_weight",
    "max_pool",
    "readout",
    "residual_add",
    "respond",
    "spiking",
    "supervised",
]
