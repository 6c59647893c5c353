"""Learning on the chip in named scenarios on real data, each beside its baselines."""

from neurodeploy.learning.scenarios.chip import Learning
from neurodeploy.learning.scenarios.files import write
from neurodeploy.learning.scenarios.run import SCENARIOS, Scenario, ScenarioOutcome, run
from neurodeploy.learning.scenarios.table import table

__all__ = ["SCENARIOS", "Learning", "Scenario", "ScenarioOutcome", "run", "table", "write"]
