"""Writes NIR files (Neuromorphic Intermediate Representation, https://neuroir.org)."""

from neurodeploy.targets.nir.export import export_nir

__all__ = ["export_nir"]
