"""Comparisons: back end against back end, float against integer, and the health of layers."""

from neurodeploy.compare.backends import BACKENDS, Mismatch, Verification, compare, verify

__all__ = ["BACKENDS", "Mismatch", "Verification", "compare", "verify"]
