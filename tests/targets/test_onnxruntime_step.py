"""The exported model of one step: the bits of a run, with its state in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from neurodeploy.artifact.onnx_step import build_step_model, step_states
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.onnxruntime.exporter import EXPORTER
from neurodeploy.targets.onnxruntime.target import ONNXRUNTIME
from tests.nets import chain, reference, reference_output, runs, stimulus


def starts(network: Network, samples: int) -> dict[str, Any]:
    """Every state before the first step."""
    found: dict[str, Any] = {}
    for name, state in step_states(network).items():
        shape = (samples, *state.shape)
        number = onnx.helper.tensor_dtype_to_np_dtype(state.type)
        begin: Any = state.start
        if isinstance(begin, str):
            begin = network.neurons[begin.rsplit(".", 1)[0]].initial_q
        found[name] = np.broadcast_to(begin, shape).astype(number)
    return found


def exact(network: Network, given_: Stimulus, session: Any) -> None:
    """Step by step the reference's output."""
    expected = reference_output(network, reference(network, given_))
    states, feed = step_states(network), starts(network, given_.samples)
    names = [output.name for output in session.get_outputs()]
    for t in range(given_.steps):
        results = dict(
            zip(names, session.run(names, {"x_t": given_.frame(t).astype(np.int32), **feed}), strict=True)
        )
        shown = results["membrane.step" if network.is_readout else "spikes.step"]
        np.testing.assert_array_equal(shown, expected[t])
        feed = {name: results[state.after] for name, state in states.items()}


@settings(max_examples=15)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    exact(network, given_, ONNXRUNTIME.session(build_step_model(network)))


def test_export_is_a_valid_model_and_says_where_states_begin(tmp_path: Path) -> None:
    network = chain()
    notes = EXPORTER.write(network, tmp_path / "step.onnx", {})
    assert [str(note) for note in notes] == [
        "lif1: state lif1.v_before -> lif1.v begins with 0",
        "lif2: state lif2.v_before -> lif2.v begins with 0",
    ]
    model = onnx.load(tmp_path / "step.onnx")
    onnx.checker.check_model(model, full_check=True)
    exact(network, stimulus(network, np.random.default_rng(0), static=False), ONNXRUNTIME.session(model))


@pytest.mark.parametrize("given_threads", ["1", "2"])
def test_threads_change_nothing(given_threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", given_threads)
    network = chain()
    exact(
        network, stimulus(network, np.random.default_rng(1)), ONNXRUNTIME.session(build_step_model(network))
    )
