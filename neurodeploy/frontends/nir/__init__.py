"""The front end for NIR files (Neuromorphic Intermediate Representation, https://neuroir.org)."""

from neurodeploy.frontends.nir.config import PRESETS, NirConfig
from neurodeploy.frontends.nir.model import NirModel, open_nir

__all__ = ["PRESETS", "NirConfig", "NirModel", "open_nir"]
