"""Streams: step by step the bits of a run, and a state that can be taken and put back."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings

from neurodeploy.errors import InputError, UsageError
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.target import Engine
from tests.nets import chain, runs, stimulus

COMPILED = pytest.param(
    True, marks=pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
)


@pytest.mark.parametrize("compiled", [False, COMPILED])
@settings(max_examples=6)
@given(runs())
def test_steps_are_those_of_a_run(compiled: bool, drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    engine = Engine(compiled)
    whole = engine.run(network, given_)
    expected = whole.membrane if whole.membrane is not None else whole.spikes
    stream = engine.stream(network, given_.samples)
    for t in range(given_.steps):
        state = stream.state()
        stream.step_q(given_.frame(t))
        other = engine.stream(network, given_.samples)
        other.restore(state)
        np.testing.assert_array_equal(other.step_q(given_.frame(t)), expected[t])
        stream = other
    stream.reset()
    np.testing.assert_array_equal(stream.step_q(given_.frame(0)), expected[0])


@pytest.mark.parametrize("compiled", [False, COMPILED])
def test_a_state_goes_to_the_other_engine(compiled: bool) -> None:
    network = chain((6, 40, 4), steps=8)
    given_ = stimulus(network, np.random.default_rng(0), static=False)
    first, second = Engine(compiled).stream(network, 3), Engine(False).stream(network, 3)
    for t in range(4):
        first.step_q(given_.frame(t))
    second.restore(first.state())
    for t in range(4, 8):
        np.testing.assert_array_equal(first.step_q(given_.frame(t)), second.step_q(given_.frame(t)))


def test_real_input() -> None:
    network = chain(high=16, steps=3)
    x = np.random.default_rng(0).random((2, 6))
    result = network.run(x)
    stream = Engine().stream(network, 2)
    assert result.membrane is not None
    for t in range(3):
        np.testing.assert_array_equal(stream.step(x), result.membrane[t])
    assert stream.steps == 3


def test_refuses_what_is_not_the_networks() -> None:
    stream = Engine().stream(chain(high=16), 2)
    with pytest.raises(InputError, match="runs 2 samples side by side, not 3"):
        stream.step(np.zeros((3, 6)))
    with pytest.raises(InputError, match=r"integers of shape \(2, 6\), not int64 \(2, 5\)"):
        stream.step_q(np.zeros((2, 5), np.int64))
    with pytest.raises(InputError, match=r"values 0\.\.17, but the network was compiled for 0\.\.16"):
        stream.step_q(np.array([[0] * 6, [17] * 6]))
    with pytest.raises(InputError, match=r"state's 'lif1\.v' has shape \(2, 4\); the stream's has \(2, 5\)"):
        stream.restore({**stream.state(), "lif1.v": np.zeros((2, 4), np.int64)})
    with pytest.raises(
        InputError, match=r"state's 'lif1\.v' reaches 1099511627776; at most 8388608 is possible"
    ):
        stream.restore({**stream.state(), "lif1.v": np.full((2, 5), 1 << 40)})
    with pytest.raises(InputError, match=r"state's 'lif1\.v' must hold integers, not float64"):
        stream.restore({**stream.state(), "lif1.v": np.zeros((2, 5))})
    with pytest.raises(InputError, match="a whole number of samples side by side, not 0"):
        Engine().stream(chain(), 0)


def test_network_streams() -> None:
    network = chain(high=16)
    assert network.stream().step(np.full((1, 6), 0.5)).shape == (1, 4)
    with pytest.raises(UsageError, match="back end 'onnxruntime' has no streams; 'engine' has"):
        network.stream(backend="onnxruntime")
