"""Data sets: built-in ones by name, and `.npz` files.

Axis order at rest is (sample, ...) or (sample, time, ...).
"""

from neurodeploy.data.dataset import Dataset, check_labels
from neurodeploy.data.loading import load
from neurodeploy.data.registry import DATASETS, Listing, catalogue
from neurodeploy.data.selection import first_and_rest, joined, of_classes, select
from neurodeploy.data.sensor_drift import Drift, drift

__all__ = [
    "DATASETS",
    "Dataset",
    "Drift",
    "Listing",
    "catalogue",
    "check_labels",
    "drift",
    "first_and_rest",
    "joined",
    "load",
    "of_classes",
    "select",
]
