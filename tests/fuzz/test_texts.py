"""Texts that a user types or a file holds, made by hypothesis: our errors in one line, or a value."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.cli.train import _option
from neurodeploy.compiler import parse_settings
from neurodeploy.data.spec import parse
from neurodeploy.errors import NeurodeployError
from neurodeploy.ir import from_json, from_text
from neurodeploy.models import build
from neurodeploy.training.config import make_config
from neurodeploy.training.recipes.recipe import read_recipe

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(
    st.sampled_from(
        ["optimizer", "learning_rate", "batch_size", "options", "augment", "momentum", "quantize", "x"]
    ),
    VALUES,
    max_size=4,
)
PATHS = st.sampled_from(["quant.bits", "quant.layers", "quant.clip", "nir.dt", "ranges.x", "quant", "", "."])
LAYERS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["in", "out", "a"]) | VALUES,
            "op": st.sampled_from(["int_dense", "output"]) | VALUES,
        },
        optional={"inputs": st.lists(st.sampled_from(["in", "a"]), max_size=2) | VALUES, "shape": VALUES},
    ),
    max_size=3,
)
MODELS = st.text("mlp:conv-0123456789,=x ", max_size=12).map(lambda text: f"mlp:{text}") | st.text(
    max_size=12
)


def refused_or_read(read: Callable[[], object]) -> None:
    try:
        read()
    except NeurodeployError as error:
        assert str(error).strip()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_notations(text: str) -> None:
    for read in (
        parse,
        from_text,
        _option,
        lambda given: read_recipe(given.encode("utf-8", "replace"), "here"),
    ):
        refused_or_read(lambda read=read: read(text))


@settings(max_examples=60, deadline=None)
@given(MODELS)
def test_models(text: str) -> None:
    refused_or_read(lambda: build(text, device="meta"))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(PATHS, st.text(max_size=12) | VALUES.map(repr), max_size=3))
def test_settings(pairs: dict[str, str]) -> None:
    refused_or_read(lambda: parse_settings(pairs))


@settings(max_examples=60, deadline=None)
@given(SETTINGS)
def test_configurations(given_settings: dict[str, object]) -> None:
    refused_or_read(lambda: make_config(given_settings, "here"))


@settings(max_examples=60, deadline=None)
@given(LAYERS | VALUES, st.booleans())
def test_graphs(layers: object, whole: bool) -> None:
    refused_or_read(lambda: from_json({"layers": layers} if whole else layers, {}))


@pytest.mark.parametrize(
    "bits", ["quant.bits=x", "quant.=1", "=", "a.b.c=1", "\0.\0=\0", "quant.bits=" + "9" * 5000]
)
def test_settings_of_the_command_line(bits: str) -> None:
    from neurodeploy.cli.arguments import settings as read

    refused_or_read(lambda: read(argparse.Namespace(set=[bits], preset=None)))
