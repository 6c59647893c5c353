"""Accuracy against the bits of the weights: of all layers, of one at a time, and of the smallest mixture."""

from neurodeploy.sweep.point import Point
from neurodeploy.sweep.result import Entry, Sweep
from neurodeploy.sweep.setting import Setting
from neurodeploy.sweep.sweep import sweep

__all__ = ["Entry", "Point", "Setting", "Sweep", "sweep"]
