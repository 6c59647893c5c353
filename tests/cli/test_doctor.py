from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.metadata import requires

import pytest

from neurodeploy import doctor
from neurodeploy.backend import backend_entries

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def without_lava(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lava's own tests run it; here two back ends are enough."""
    entries = {
        name: entry for name, entry in backend_entries().items() if name not in ("lava", "lava-standard")
    }
    monkeypatch.setattr(doctor, "backend_entries", lambda: entries)


def test_back_ends_compute_two_neurons() -> None:
    for name in ("engine", "onnxruntime"):
        check = doctor.check_backend(name)
        assert (check.state, check.message) == ("ok", "two neurons, 6 steps: equal to the reference")


def test_json(call: Call) -> None:
    code, out, _ = call("doctor", "--json")
    found = json.loads(out)
    assert found["schema"] == "neurodeploy.doctor/1"
    assert {check["name"] for check in found["backends"]} == {
        "engine",
        "lava-batched",
        "onnxruntime",
        "torch",
    }
    assert code == (0 if found["healthy"] else 6)


def test_missing_package(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ("no-such-distribution", "nothing", ("no-such-distribution",))
    monkeypatch.setattr(doctor, "_PACKAGES", (missing,))
    code, out, err = call("doctor")
    assert code == 6
    assert "missing, for nothing: " in out
    assert "-m pip install no-such-distribution" in out
    assert "`neurodeploy doctor --fix` installs what is missing" in err


def test_wrong_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurodeploy.backend import get_backend
    from tests.compare.test_backends import Wrong

    class Other(Wrong):
        def run(self, network, stimulus, *, trace=False, progress=None):  # type: ignore[no-untyped-def]
            result = get_backend("engine").run(network, stimulus, trace=trace)
            result.traces["lif1"].membrane[3, 1, 0] += 1
            return result

    monkeypatch.setattr(doctor, "get_backend", lambda name: Other())
    check = doctor.check_backend("wrong")
    assert (check.state, check.message) == ("wrong", "layer 'lif1' differs from the reference in sample 1")


def test_every_package_of_the_extra_all_is_looked_at() -> None:
    lines = requires("neurodeploy") or []
    (all_of_them,) = (line for line in lines if line.endswith('extra == "all"'))
    extras = set(re.findall(r"[\w-]+", all_of_them.partition("[")[2].partition("]")[0]))
    needed = {line for line in lines if set(re.findall(r'extra == "(\w+)"', line)) & extras}
    names = {re.split(r"[^\w-]", line)[0] for line in needed}
    assert "torch" in names
    assert names <= {name for name, _, _ in doctor._PACKAGES}
