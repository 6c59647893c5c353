"""Comparisons: back end against back end, float against integer, and the health of layers."""

from neurodeploy.compare.backends import BACKENDS, Mismatch, Verification, compare, verify
from neurodeploy.compare.diff import Diff, diff
from neurodeploy.compare.health import Health, health
from neurodeploy.compare.layers import LayerComparison, compare_layers

__all__ = [
    "BACKENDS",
    "Diff",
    "Health",
    "LayerComparison",
    "Mismatch",
    "Verification",
    "compare",
    "compare_layers",
    "diff",
    "health",
    "verify",
]
