"""What a report says, refuses and writes."""

import dataclasses
import hashlib
import json
import re

import numpy as np
import pytest

import neurodeploy as nd
import neurodeploy.report as package
from neurodeploy.chip import load_chip
from neurodeploy.compare import verify
from neurodeploy.errors import BackendMissing, InputError, UsageError
from neurodeploy.mapping.store import mapped
from neurodeploy.report import report, write
from neurodeploy.report.format import count, decimal, percent
from tests.report.conftest import dataset

LARGEST_PAGE = 1_500_000


@pytest.fixture(scope="module")
def files(made, tmp_path_factory):
    return write(made, tmp_path_factory.mktemp("report") / "new" / "folder")


def test_run_json_is_the_report(made, files):
    assert json.loads(files.json.read_bytes()) == json.loads(json.dumps(made.to_dict()))
    assert made.run["schema"] == "neurodeploy.report/1"


def test_the_page_fetches_nothing_and_is_small(files):
    page = files.html.read_text()
    assert "http://" not in page and "https://" not in page
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    assert len(page) < LARGEST_PAGE


def test_identifiers_of_the_page_are_unique(files):
    names = re.findall(r'\bid="([^"]+)"', files.html.read_text())
    assert len(names) == len(set(names))


def test_renderings_hold_the_numbers_of_run_json(made, files):
    run = json.loads(files.json.read_bytes())
    numbers = [run["verdict"]["text"].split(" of ")[0], run["network"]["graph_sha256"], run["data"]["sha256"]]
    numbers += [percent(row["integer"]["accuracy"]) for row in run["accuracy_by_steps"]]
    for row in run["layers"]:
        numbers += [count(row["membrane_high"]), decimal(row["headroom_bits"], 2), decimal(row["rate"], 4)]
        numbers += [decimal(row["against_float"]["sqnr_db"]), decimal(row["synapses"][0]["sqnr_db"])]
    numbers += [count(run["operations"][key]) for key in ("Effective_MACs", "Effective_ACs", "Dense")]
    numbers += [str(note["what"]) for note in run["notes"] if "_" not in note["what"]]
    markdown = files.markdown.read_text().replace("\\", "")
    page = files.html.read_text().replace("&gt;", ">").replace("&lt;", "<")
    for number in numbers:
        assert number in markdown and number in page


def test_every_section_and_plot_is_there(files):
    page = files.html.read_text()
    for anchor in ("layers", "divergence", "accuracy", "confusion", "potentials", "activity", "weights"):
        assert f'<section id="{anchor}">' in page
    assert page.count("<svg") == 6 and page.count("<img") == 1


def test_the_same_report_gives_the_same_files(made, files, network, module, tmp_path):
    again = report(network, dataset(), model=module, command=made.run["command"])
    assert {**again.to_dict(), "environment": 0} == {**made.to_dict(), "environment": 0}
    second = write(made, tmp_path)
    assert second.html.read_bytes() == files.html.read_bytes()
    assert second.json.read_bytes() == files.json.read_bytes()


def test_digest_is_that_of_the_saved_artefact(made, network, tmp_path):
    network.save(tmp_path / "n.onnx")
    digest = hashlib.sha256((tmp_path / "n.onnx").read_bytes()).hexdigest()
    assert made.run["network"]["artifact_sha256"] == digest


def test_without_a_float_model_the_report_says_so(network, tmp_path):
    found = report(network, dataset())
    assert "No float model was given" in found.verdict
    assert all(row["against_float"] is None for row in found.run["layers"])
    assert "Float against integer" not in write(found, tmp_path).markdown.read_text()


def test_equality_of_back_ends_is_claimed_only_when_verified(made, network):
    assert "Back ends were not compared" in made.verdict
    verified = verify(network, dataset().x, ("engine", "onnxruntime"))
    found = report(network, dataset(), verification=verified)
    assert "engine = onnxruntime: every spike and potential is equal on 40 samples" in found.verdict


def test_energy_says_that_it_is_not_calibrated(files):
    text = files.html.read_text()
    assert "J (uncalibrated) of dynamic energy; static power is not public" in text
    assert "Map of cores" not in text


def test_energy_on_the_cores_of_the_map(network, tmp_path):
    kept = mapped(network, load_chip("loihi2"))
    made = report(kept, dataset())
    energy = made.run["operations"]["energy"]
    assert energy["mapping"] == kept.provenance["mapping"]
    assert energy["cores"] == len(energy["mapping"]["cores"])
    assert "Map of cores" in write(made, tmp_path).html.read_text()


def test_no_energy_where_no_cost_is_public(network, tmp_path):
    made = report(dataclasses.replace(network, target="xylo-a3"), dataset())
    assert made.run["operations"]["energy"] is None
    assert "No energy is given: no cost of an operation" in write(made, tmp_path).html.read_text()


def test_hostile_names_stay_text(network, tmp_path):
    name = "<script>alert(1)</script>|`x`\n# head"
    files = write(report(network, dataset(name=name, spec=name), command=f"run {name}"), tmp_path)
    assert "<script>alert" not in files.html.read_text()
    assert "&lt;script&gt;alert(1)" in files.html.read_text()
    fenced = re.sub(r"^```+text\n.*?^```+$", "", files.markdown.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert "\n# head" not in fenced and "\\<script\\>" in fenced


def test_learning_is_shown_with_its_curve(network, tmp_path):
    curve = [{"samples": 0, "accuracy": 0.125}, {"samples": 50, "accuracy": 0.875}]
    record = {
        "rule": {"name": "<ottt>", "rate": 0.5},
        "layers": ["fc3"],
        "accuracy_after": 0.875,
        "curve": curve,
    }
    learned = dataclasses.replace(network, learning=record)
    found = report(learned, dataset())
    page = write(found, tmp_path).html.read_text()
    assert '<section id="learning">' in page and "87.50 %" in page and "&lt;ottt&gt;" in page
    layers = {row["synapses"][0]["layer"]: row["synapses"][0] for row in found.run["layers"]}
    assert layers["fc3"]["sqnr_db"] is None and layers["fc1"]["sqnr_db"] is not None


def test_many_classes_list_the_confusions_instead_of_a_matrix(tmp_path):
    from neurodeploy.models import build
    from neurodeploy.report.sections import sections

    data = dataset()
    net = nd.compile(build("mlp:16-30", seed=1), data.x, steps=3)
    found = next(s for s in sections(report(net, data).run) if s.anchor == "confusion")
    assert found.tables[0].caption == "Most frequent confusions"


def test_labels_out_of_range_name_the_sample(network):
    labels = np.arange(40) % 5
    labels[11] = 5
    with pytest.raises(InputError, match=r"sample 11 has label 5.*labels 0\.\.4"):
        report(network, dataset(y=labels))


def test_data_without_labels_are_refused(network):
    with pytest.raises(InputError, match=r"toy\.npz has no labels"):
        report(network, dataset(y=None))


def test_a_limit_below_one_is_refused(network):
    with pytest.raises(UsageError, match="1 or more, not 0"):
        report(network, dataset(), limit=0)


def test_a_model_of_another_network_is_refused(network):
    from neurodeploy.models import build

    with pytest.raises(InputError, match="do not belong together"):
        report(network, dataset(), model=build("mlp:16-30-12-5", seed=1))


def test_missing_renderer_names_the_command(made, tmp_path, monkeypatch):
    monkeypatch.setattr("neurodeploy.report.writer.RENDERERS", ("matplotlib", "no_such_module"))
    with pytest.raises(BackendMissing, match=r"needs no_such_module.*pip install 'neurodeploy\[report\]'"):
        write(made, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        write(made, tmp_path / "file" / "report")


def test_the_package_can_be_called(network):
    assert nd.report(network, dataset(), limit=5).accuracy == package(network, dataset(), limit=5).accuracy


def test_repr_is_the_verdict(made):
    assert repr(made).startswith("Report(") and made.verdict in repr(made)


def test_the_change_of_a_network_that_learned_is_not_blamed_on_rounding(network, module):
    learned = dataclasses.replace(network, learning={"layer": "fc3", "verified_on": None})
    assert "this change is not rounding alone" in report(learned, dataset(), model=module).verdict
    assert "not rounding alone" not in report(network, dataset(), model=module).verdict


def test_tables_sort_and_pictures_zoom_from_the_keyboard(files):
    page = files.html.read_text()
    assert page.count('<div class="picture">') == page.count("<figure>") == 7
    assert "head.tabIndex = 0" in page and 'addEventListener("keydown"' in page
    assert 'createElement("button")' in page
