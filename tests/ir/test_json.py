from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from neurodeploy.errors import InputError
from neurodeploy.ir import Graph, from_json, to_json
from neurodeploy.network import Network
from tests.nets import chain, float_graph, networks


@given(networks())
def test_round_trip(network: Network) -> None:
    data, arrays = to_json(network.graph)
    again = from_json(json.loads(json.dumps(data)), arrays)
    assert again == network.graph
    assert again.names == network.graph.names
    assert json.dumps(to_json(again)[0]) == json.dumps(data)


def test_float_round_trip() -> None:
    graph = float_graph(shape=(2, 3))
    assert from_json(*to_json(graph)) == graph


def changed(layer: str, field: str, value: Any) -> tuple[Any, Any]:
    data, arrays = to_json(chain().graph)
    next(entry for entry in data["layers"] if entry["name"] == layer)[field] = value
    return data, arrays


@pytest.mark.parametrize(
    ("layer", "field", "value", "message"),
    [
        ("fc1", "op", "conv9", "KeyError 'conv9'"),
        ("fc1", "op", ["int_dense"], "unhashable"),
        ("fc1", "inputs", ["gone"], "there is no layer 'gone'"),
        ("fc1", "inputs", "in", "there is no layer 'i'"),
        ("fc1", "inputs", ["in", "in"], "in -> fc1"),
        ("fc1", "name", "in", "two layers have the same name"),
        ("fc1", "colour", 1, "layer 'fc1': unknown field 'colour'"),
        ("fc1", "exponent", "3", "exponent must be an integer, not '3'"),
        ("fc1", "weight_q", {"array": "gone"}, "KeyError 'gone'"),
        ("fc1", "weight_q", {}, "KeyError 'array'"),
        ("lif1", "du", 5000, "du must be in 0..4096, not 5000"),
        ("lif1", "reset", {"array": "fc1.weight_q"}, "ValueError"),
        ("in", "shape", ["6"], "shape"),
        ("in", "levels", 10**400, "levels must be a finite number"),
    ],
)
def test_refuses(layer: str, field: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(*changed(layer, field, value))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "data", [None, 1, "layers", [], {}, {"layers": None}, {"layers": [1]}, {"layers": [{}]}]
)
def test_refuses_what_is_not_a_graph(data: Any) -> None:
    with pytest.raises(InputError, match="not the description of a graph"):
        from_json(data, {})


def test_error_of_an_op_names_its_layer() -> None:
    with pytest.raises(InputError, match="layer 'lif1'"):
        from_json(*changed("lif1", "dv", -1))


def test_missing_field() -> None:
    data, arrays = to_json(chain().graph)
    del data["layers"][1]["exponent"]
    with pytest.raises(InputError, match="KeyError 'exponent'"):
        from_json(data, arrays)


def test_description_is_plain() -> None:
    data, arrays = to_json(chain().graph)
    assert json.loads(json.dumps(data)) == data
    assert set(arrays) == {"fc1.weight_q", "lif1.bias_q", "fc2.weight_q", "lif2.bias_q"}
    assert isinstance(from_json(data, arrays), Graph)
