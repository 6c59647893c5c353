"""Learning on the chip: which layers, with which rule, from which data. The equations are in `semantics.learning`."""

from neurodeploy.learning.groups import learning_paths
from neurodeploy.learning.journal import Journal
from neurodeploy.learning.learn import Evaluation, LearningOutcome, learn, with_weights
from neurodeploy.learning.rule import default_rule

__all__ = [
    "Evaluation",
    "Journal",
    "LearningOutcome",
    "default_rule",
    "learn",
    "learning_paths",
    "with_weights",
]
