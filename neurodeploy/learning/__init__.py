"""Learning on the chip: which layer, with which rule, from which data. The equations are in `semantics.learning`."""

from neurodeploy.learning.layer import learning_layer
from neurodeploy.learning.learn import Evaluation, LearningOutcome, learn, with_weights
from neurodeploy.learning.rule import default_rule

__all__ = ["Evaluation", "LearningOutcome", "default_rule", "learn", "learning_layer", "with_weights"]
