"""Lava processes with the exact semantics of `neurodeploy.semantics`: neurons, streams and learning.

At every compile Lava executes each file of this folder once per process, so it holds process classes and
nothing else. Importing the package imports Lava.
"""

from neurodeploy.targets.lava.compat import prepare

prepare()
