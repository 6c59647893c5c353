from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurodeploy.backend import LayerTrace, Progress, Result, get_backend, no_progress
from neurodeploy.compare import backends, compare, verify
from neurodeploy.compare.backends import first_mismatch
from neurodeploy.errors import BackendMissing, MismatchError, UsageError
from neurodeploy.ir import Graph, IntConv, IntInput, IntLIF, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from tests.nets import chain, stimulus

BOTH = ("engine", "onnxruntime")


class Wrong:
    """The engine, with one number of one layer changed on the way out."""

    name = "wrong"
    summary = "wrong on purpose"

    def __init__(self, layer: str = "lif1", what: str = "spikes", cut: bool = False) -> None:
        self._layer, self._what, self._cut = layer, what, cut

    def missing(self) -> str | None:
        return None

    def run(
        self, network: Network, stimulus: Stimulus, *, trace: bool = False, progress: Progress = no_progress
    ) -> Result:
        result = get_backend("engine").run(network, stimulus, trace=trace)
        right = result.traces[self._layer]
        values = np.array(getattr(right, self._what))
        values = values[1:] if self._cut else values
        if not self._cut:
            values[2, 1, 3] += 1
            values[3, 0, 0] += 1
        changed: LayerTrace = replace(right, **{self._what: values})
        return replace(result, backend=self.name, traces={**result.traces, self._layer: changed})


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Make an object the back end 'wrong'."""

    def register(backend: object) -> None:
        monkeypatch.setattr(
            backends, "get_backend", lambda name: backend if name == "wrong" else get_backend(name)
        )

    return register


def case() -> tuple[Network, Stimulus]:
    network = chain((6, 5, 4))
    return network, stimulus(network, np.random.default_rng(0))


def test_equal_back_ends() -> None:
    network, given = case()
    done = compare(network, given, BOTH)
    assert done.equal
    assert done.compared == 2 * 4 * 3 * (5 + 4)
    assert done.to_dict()["mismatches"] == []
    np.testing.assert_array_equal(done.predictions, get_backend("engine").run(network, given).prediction)
    assert str(done) == "engine = onnxruntime on 3 samples, 4 steps, 216 values each: 0 mismatches"


@pytest.mark.parametrize(("layer", "what"), [("lif1", "spikes"), ("lif1", "membrane"), ("lif2", "membrane")])
def test_first_difference(use: Callable[[object], None], layer: str, what: str) -> None:
    network, given = case()
    use(Wrong(layer, what))
    done = compare(network, given, ("engine", "wrong"))
    right = int(getattr(get_backend("engine").run(network, given, trace=True).traces[layer], what)[2, 1, 3])
    (found,) = done.mismatches
    assert (found.layer, found.what, found.step, found.sample, found.neuron) == (layer, what, 2, 1, 3)
    assert (found.first_value, found.second_value, found.differing) == (right, right + 1, 2)
    size = 4 * 3 * (5 if layer == "lif1" else 4)
    assert str(found) == (
        f"layer '{layer}', {what}, step 2, sample 1, neuron 3: engine {right}, wrong {right + 1} "
        f"(2 of {size} values of this layer differ)"
    )


def test_each_back_end_is_compared_with_the_first(use: Callable[[object], None]) -> None:
    use(Wrong())
    done = compare(*case(), ("engine", "onnxruntime", "wrong"))
    assert [m.second_backend for m in done.mismatches] == ["wrong"]


def test_verify_raises(use: Callable[[object], None]) -> None:
    use(Wrong())
    with pytest.raises(MismatchError, match="layer 'lif1', spikes, step 2, sample 1, neuron 3: engine"):
        verify(chain((6, 5, 4)), np.full((3, 6), 0.5), ("engine", "wrong"))


def test_another_shape_is_a_mismatch(use: Callable[[object], None]) -> None:
    use(Wrong(cut=True))
    with pytest.raises(
        MismatchError, match=r"layer 'lif1', spikes: engine has shape \(4, 3, 5\), wrong \(3, 3, 5\)"
    ):
        compare(*case(), ("engine", "wrong"))


@pytest.mark.parametrize(
    "names", [(), ("engine",), ("engine", "engine"), ("engine", "onnxruntime", "engine")]
)
def test_needs_two_back_ends(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="verify needs at least two different back ends"):
        compare(*case(), names)


def test_unknown_back_end() -> None:
    with pytest.raises(UsageError, match="there is no back end 'gpu'"):
        compare(*case(), ("engine", "gpu"))


def test_missing_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurodeploy.targets.onnxruntime import target

    monkeypatch.setattr(target, "find_spec", lambda name: None)
    with pytest.raises(
        BackendMissing, match="onnxruntime is not installed: pip install onnxruntime"
    ) as caught:
        compare(*case(), BOTH)
    assert caught.value.exit_code == 6
    with pytest.raises(BackendMissing):
        get_backend("onnxruntime").run(*case())


def test_overflows_are_said_for_the_back_ends_that_count() -> None:
    network, given = case()
    narrow = replace(network, registers=Registers(Register(8, "saturate"), Register(8, "saturate")))
    done = compare(narrow, given, ("engine", "onnxruntime"))
    assert done.equal
    assert list(done.overflows) == ["engine"]
    assert done.to_dict()["overflows"]["engine"] == done.overflows["engine"] > 0
    assert f"engine counts {done.overflows['engine']} overflows" in str(done)
    assert "overflows" not in str(compare(network, given, ("engine", "onnxruntime")))


def test_first_difference_of_a_map() -> None:
    shape = (2, 3, 2)
    ops = {
        "in": IntInput((2, 4, 3), 1.0, 0, 9),
        "conv": IntConv(np.ones((2, 2, 2, 2)), 0, (1, 1), (0, 0, 0, 0), (1, 1)),
        "lif": IntLIF(shape, 4096, 0, 0, 640, "subtract"),
        "out": Output(),
    }
    network = Network(Graph(ops, pairwise(ops)), 4, "any")
    right = get_backend("engine").run(network, stimulus(network, np.random.default_rng(0)), trace=True)
    spikes = right.traces["lif"].spikes.copy()
    spikes[1, 2, 1, 0, 1] += 1
    wrong = replace(right, traces={"lif": replace(right.traces["lif"], spikes=spikes)})
    found = first_mismatch(network, right, wrong)
    assert found is not None
    assert (found.step, found.sample, found.neuron) == (1, 2, 7)
    assert found.second_value == found.first_value + 1


class Elsewhere(Wrong):
    """The engine, wrong in the potentials of `lif1` in one step of every part but the first, earlier in each."""

    def __init__(self) -> None:
        self._parts = 0

    def run(
        self, network: Network, stimulus: Stimulus, *, trace: bool = False, progress: Progress = no_progress
    ) -> Result:
        result = get_backend("engine").run(network, stimulus, trace=trace, progress=progress)
        trace_ = result.traces["lif1"]
        membrane = trace_.membrane.copy()
        if self._parts:
            membrane[4 - self._parts, -1, 2] += 1
        self._parts += 1
        traces = {**result.traces, "lif1": replace(trace_, membrane=membrane)}
        return replace(result, backend=self.name, traces=traces)


def test_parts_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain((6, 5, 4))
    given = stimulus(network, np.random.default_rng(0), samples=7)
    whole = compare(network, given, BOTH)
    monkeypatch.setattr(backends, "VALUES_AT_ONCE", 3 * 2 * 4 * (5 + 4))
    calls: list[tuple[str, int, int]] = []

    def progress(name: str) -> Progress:
        return lambda done, total: calls.append((name, done, total))

    parts = compare(network, given, BOTH, progress)
    assert {name: done for name, done, _ in calls} == dict.fromkeys(BOTH, 7)
    assert {total for *_, total in calls} == {7}
    told = [done for name, done, _ in calls if name == "engine"]
    assert told == sorted(told) and {3, 6, 7} <= set(told)  # each part, and as finely as the threads end
    np.testing.assert_array_equal(parts.predictions, whole.predictions)
    assert replace(parts, seconds=(), predictions=whole.predictions) == replace(whole, seconds=())


def test_the_first_difference_of_all_parts(
    use: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = chain((6, 5, 4))
    given = stimulus(network, np.random.default_rng(0), samples=7)
    monkeypatch.setattr(backends, "VALUES_AT_ONCE", 3 * 2 * 4 * (5 + 4))
    use(Elsewhere())
    (found,) = compare(network, given, ("engine", "wrong")).mismatches
    assert (found.layer, found.what) == ("lif1", "membrane")
    assert (found.step, found.sample, found.neuron) == (2, 6, 2)
    assert (found.differing, found.compared) == (2, 7 * 4 * 5)
    assert found.second_value == found.first_value + 1


def test_no_part_holds_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain((6, 5, 4))
    ran: list[int] = []

    class Counted(Wrong):
        def run(self, network: Network, stimulus: Stimulus, **options: object) -> Result:
            ran.append(stimulus.samples)
            return get_backend("engine").run(network, stimulus, trace=True)

    monkeypatch.setattr(backends, "VALUES_AT_ONCE", 2 * 2 * 4 * (5 + 4) + 1)
    monkeypatch.setattr(backends, "installed", lambda names: [Counted(), Counted()])
    assert compare(network, stimulus(network, np.random.default_rng(0), samples=5), BOTH).equal
    assert ran == [2, 2, 2, 2, 1, 1]
