"""The published schema of run.json."""

import copy
import dataclasses
import json
from importlib import resources

import pytest

from neurodeploy.compare import verify
from neurodeploy.report import report
from tests.report.conftest import dataset

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed (extra 'dev')")


@pytest.fixture(scope="module")
def validator():
    text = resources.files("neurodeploy.report").joinpath("run.schema.json").read_text()
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_report_keeps_it(made, validator):
    validator.validate(json.loads(made.to_json()))


def test_a_report_of_all_kinds_keeps_it(network, validator):
    learned = dataclasses.replace(network, learning={"layer": "fc3", "curve": []})
    verified = verify(network, dataset().x, ("engine", "onnxruntime"))
    validator.validate(json.loads(report(learned, dataset(), verification=verified).to_json()))


def test_every_section_is_described(made, validator):
    assert list(validator.schema["properties"]) == list(made.to_dict())


def test_the_schema_refuses_what_is_wrong(made, validator):
    run = json.loads(made.to_json())
    changes = (
        (("schema",), "neurodeploy.report/0"),
        (("verdict", "accuracy", "integer", "accuracy"), 87.2),
        (("layers", 0, "reset"), "never"),
        (("network", "graph_sha256"), "abc"),
        (("more",), 1),
    )
    for path, value in changes:
        wrong = copy.deepcopy(run)
        place = wrong
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert not validator.is_valid(wrong), path
