"""Counting loss, supervision and readout by numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.event import PRESETS, EventOptions, count_loss, readout, supervised


def train_of(*rows: str) -> torch.Tensor:
    """Spike trains of one sample, a row of 0 and 1 for each neuron -> (T, 1, C) double."""
    return torch.tensor([[float(c) for c in row] for row in rows], dtype=torch.float64).T.unsqueeze(1)


def test_hinge_forgives_what_is_more_than_wanted() -> None:
    spikes = train_of("0101", "0111", "0000", "0001")
    options = EventOptions(loss="hinge", desired=3, undesired=1)
    loss, by_time = count_loss(spikes, torch.tensor([0]), options)
    assert float(loss) == pytest.approx(4 / 2 * ((1 / 4) ** 2 + (2 / 4) ** 2))
    assert torch.equal(by_time, spikes * torch.tensor([0.25, -0.5, 0, 0], dtype=torch.float64))


def test_squares_count_both_ways() -> None:
    spikes = train_of("0101", "0111", "0000", "0001")
    loss, by_time = count_loss(spikes, torch.tensor([0]), EventOptions(desired=3, undesired=1))
    d = torch.tensor([-1, 2, -1, 0], dtype=torch.float64) / 4
    assert float(loss) == pytest.approx(float(d.square().mean()))
    torch.testing.assert_close(by_time, -2 / (4 * 4) * d * spikes)


def test_a_spike_is_wanted_at_every_step_by_default() -> None:
    assert EventOptions().wanted(7) == (7.0, 1.0)
    assert EventOptions(desired=5, undesired=2).wanted(7) == (5, 2)


def test_label_neuron_is_made_to_spike_where_it_rises_last() -> None:
    fired = torch.zeros(4, 3, 2, dtype=torch.bool)
    slope = torch.zeros(4, 3, 2)
    slope[:, 0, 1] = torch.tensor([0.2, 0.3, 0.06, 0.05])
    slope[:, 1, 0] = torch.tensor([-0.1, 0.01, 0.0, -0.3])
    forced = supervised(fired, slope, torch.tensor([1, 0, 0]))
    assert forced.nonzero().tolist() == [[0, 1, 0], [2, 0, 1]]
    assert not fired.any()


def test_early_spikes_break_ties() -> None:
    spikes = train_of("00011", "11000", "10000")
    votes = readout(spikes)
    expected = [[2.2 - 0.1 * 7 / 5, 2.2 - 0.1 * 1 / 5, 1.1]]
    torch.testing.assert_close(votes, torch.tensor(expected, dtype=torch.float64))
    assert int(votes.argmax()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"desired": 9}, "at most the 5 time steps, not 9 and 1. Try --steps 9"),
        ({"desired": 1}, "must be above the undesired"),
        ({"tau_g": 1.0}, "tau_g must be a number of steps above 1, not 1.0"),
        ({"kernel": "gauss"}, "kernel must be exponential or derivative, not 'gauss'"),
        ({"loss": "mse"}, "loss must be hinge or squares, not 'mse'"),
        ({"average_pool": "sum"}, "average_pool must be adjusted or plain, not 'sum'"),
        ({"input_scale": -1.0}, "input_scale must be 0 or more, not -1"),
        ({"gradient_norm": float("nan")}, "gradient_norm must be 0 or more, not nan"),
    ],
)
def test_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EventOptions(**options).wanted(5)  # type: ignore[arg-type]


def test_presets() -> None:
    assert PRESETS["paper"] == EventOptions()
    assert PRESETS["official"].input_scale == 0.85
