import json
from dataclasses import replace

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.errors import InputError
from neurodeploy.quant.record import recorded, recorded_unit
from tests.nets import compiled, float_graph


def test_every_group_and_every_layer_of_neurons_is_recorded():
    graph, net = float_graph((6, 5, 4)), compiled()
    assert set(net.provenance["layers"]) == {"fc1", "lif1", "fc2", "lif2"}
    for name in ("fc1", "fc2"):
        found, weight = recorded(net, name), graph.op(name).weight
        error = ((weight - found["scale"] * net.graph.op(name).weight_q) ** 2).sum()
        assert found["sqnr_db"] == pytest.approx(10 * np.log10((weight**2).sum() / error), rel=1e-4)
        assert (found["bits"], found["clipped"], found["exact"]) == (8, 0, False)
    threshold = int(net.graph.op("lif1").threshold_q)
    assert recorded_unit(net, "lif1") * threshold == pytest.approx(1.0, abs=recorded_unit(net, "lif1"))


def test_an_exact_group_has_no_number_that_json_cannot_hold():
    graph = float_graph((6, 5, 4))
    exact = {"fc1": replace(graph.op("fc1"), weight=np.rint(graph.op("fc1").weight) * 127)}
    net = compiled(graph.replaced(exact))
    found = json.loads(json.dumps(net.provenance, allow_nan=False))["layers"]["fc1"]
    assert found["exact"] is True and found["sqnr_db"] is None


def test_the_record_is_in_the_artefact(tmp_path):
    net = compiled()
    net.save(tmp_path / "n.onnx")
    assert nd.load(tmp_path / "n.onnx").provenance["layers"] == net.provenance["layers"]


def test_a_network_made_of_integers_has_no_record():
    bare = replace(compiled(), provenance={})
    assert recorded(bare, "fc1") == {} and recorded_unit(bare, "lif1") is None


def test_a_foreign_record_is_refused():
    with pytest.raises(InputError, match="layer 'fc1': its record in the artefact is not a table"):
        recorded(replace(compiled(), provenance={"layers": {"fc1": 3}}), "fc1")
