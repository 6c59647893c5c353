"""Training spiking networks: rules with hand-written gradients, the trainer, the run folder.

Names are imported when first used, because they need torch.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurodeploy.errors import BackendMissing

if TYPE_CHECKING:
    from neurodeploy.training.config import TrainConfig, make_config, read_config
    from neurodeploy.training.device import choose_device
    from neurodeploy.training.evaluation import accuracy, predict
    from neurodeploy.training.neurons import LIF, reset_states
    from neurodeploy.training.online import OTTTOptions
    from neurodeploy.training.parallel import ALONE, Peers, joined
    from neurodeploy.training.plan import Plan, make_plan
    from neurodeploy.training.progress import Progress, Watch
    from neurodeploy.training.rule import Batch, Gradients, Learner, Outcome, Rule
    from neurodeploy.training.rules import RULES, gradients
    from neurodeploy.training.run_folder import EpochMetrics, RunInfo, load_run
    from neurodeploy.training.trainer import TrainedRun, train

__all__ = [
    "ALONE",
    "LIF",
    "RULES",
    "Batch",
    "EpochMetrics",
    "Gradients",
    "Learner",
    "OTTTOptions",
    "Outcome",
    "Peers",
    "Plan",
    "Progress",
    "Rule",
    "RunInfo",
    "TrainConfig",
    "TrainedRun",
    "Watch",
    "accuracy",
    "choose_device",
    "gradients",
    "joined",
    "load_run",
    "make_config",
    "make_plan",
    "predict",
    "read_config",
    "reset_states",
    "train",
]

_HOME = {
    "config": ("TrainConfig", "make_config", "read_config"),
    "device": ("choose_device",),
    "evaluation": ("accuracy", "predict"),
    "neurons": ("LIF", "reset_states"),
    "online": ("OTTTOptions",),
    "parallel": ("ALONE", "Peers", "joined"),
    "plan": ("Plan", "make_plan"),
    "progress": ("Progress", "Watch"),
    "rule": ("Batch", "Gradients", "Learner", "Outcome", "Rule"),
    "rules": ("RULES", "gradients"),
    "run_folder": ("EpochMetrics", "RunInfo", "load_run"),
    "trainer": ("TrainedRun", "train"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(_import(f"neurodeploy.training.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        install = "pip install torch==2.13.0"
        raise BackendMissing(
            f"training and its runs need PyTorch, which is not installed. Try: {install}"
        ) from None
