"""Comparisons: back end against back end, float against integer, and the health of layers."""

from neurodeploy.compare.backends import BACKENDS, Mismatch, Verification, compare, verify
from neurodeploy.compare.diff import Diff, LayerLoss, Stage, diff
from neurodeploy.compare.health import Health, health
from neurodeploy.compare.layers import LayerComparison

__all__ = [
    "BACKENDS",
    "Diff",
    "Health",
    "LayerComparison",
    "LayerLoss",
    "Mismatch",
    "Stage",
    "Verification",
    "compare",
    "diff",
    "health",
    "verify",
]
