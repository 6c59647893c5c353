"""What a training rule does and costs: the measurements that papers on training rules show.

Each is a function of a network and data that changes neither; importing it imports torch.
"""

from neurodeploy.training.analysis.activity import (
    NetworkActivity,
    NeuronActivity,
    SynapseActivity,
    measure_activity,
)
from neurodeploy.training.analysis.decay import accuracy_by_decay, with_decay
from neurodeploy.training.analysis.gradient_comparison import Agreement, GradientComparison, compare_gradients
from neurodeploy.training.analysis.inference_steps import accuracy_by_steps
from neurodeploy.training.analysis.memory import peak_bytes
from neurodeploy.training.analysis.reference import check_reference
from neurodeploy.training.analysis.run_gradients import RunGradients, compare_run
from neurodeploy.training.analysis.timing import median_times
from neurodeploy.training.analysis.training_step import training_step

__all__ = [
    "Agreement",
    "GradientComparison",
    "NetworkActivity",
    "NeuronActivity",
    "RunGradients",
    "SynapseActivity",
    "accuracy_by_decay",
    "accuracy_by_steps",
    "check_reference",
    "compare_gradients",
    "compare_run",
    "measure_activity",
    "median_times",
    "peak_bytes",
    "training_step",
    "with_decay",
]
