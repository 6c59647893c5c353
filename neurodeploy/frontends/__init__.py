"""Readers of models: each yields a float graph and the list of what it assumed."""

from neurodeploy.frontends.imported import Imported

__all__ = ["Imported"]
