"""Trained networks that come with the package, `zoo:NAME`: float weights, an 8-bit artefact and a card each."""

from neurodeploy.zoo.card import Accuracy, Card, Cost, DataFacts, Fit, Grid, Remark
from neurodeploy.zoo.shelf import (
    ARTEFACT,
    CARD,
    GRAPH,
    PREFIX,
    WEIGHTS,
    artefact,
    card,
    content,
    folder,
    is_zoo,
    name_of,
    names,
)

__all__ = [
    "ARTEFACT",
    "CARD",
    "GRAPH",
    "PREFIX",
    "WEIGHTS",
    "Accuracy",
    "Card",
    "Cost",
    "DataFacts",
    "Fit",
    "Grid",
    "Remark",
    "artefact",
    "card",
    "content",
    "folder",
    "is_zoo",
    "name_of",
    "names",
]
