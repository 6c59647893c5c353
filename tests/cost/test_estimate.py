from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.cli.cost_text import cost_lines, quantity
from neurodeploy.cost import Traffic, estimate, measured_cost
from neurodeploy.cost.traffic import EVENTS
from tests.cost.nets import events, mlp
from tests.nets import chip_file

LOIHI1 = load_chip("loihi1")


def made(**counts: list[list[int]]) -> Traffic:
    """Traffic of one sample: events by `(steps, cores)`, all others 0."""
    steps, cores = np.shape(next(iter(counts.values())))
    arrays = {event: np.zeros((steps, 1, cores), np.int64) for event in EVENTS}
    for name, values in counts.items():
        arrays[name] = np.array(values, np.int64)[:, np.newaxis]  # type: ignore[index]
    return Traffic(arrays, np.array([2]), np.array([3]), np.array([0]), tiles=2, cores=3, chips=1)


def test_energy_by_hand() -> None:
    traffic = made(
        accesses=[[10, 5]],
        updates=[[4, 1]],
        spikes=[[2, 0]],
        packets_out=[[3, 0]],
        dense=[[0, 7]],
        conv=[[1, 0]],
    )
    found = estimate(replace(traffic, weight_updates=np.array([2.0, 0.0])), LOIHI1)
    expected = 15 * 51.2 + 5 * 21.6 + 2 * 69.3 + 3 * 111 + 7 * 35.5 + 24 + 2 * 3 + 3 * 4.2 + 2 * 120
    assert found.dynamic_joules == pytest.approx(expected * 1e-12, rel=1e-12)
    assert (found.energy_error, found.calibrated, found.unknown, found.digits) == (0.117, True, (), 2)


def test_time_is_that_of_the_busiest_core_and_the_barrier() -> None:
    traffic = made(
        accesses=[[10, 5], [10, 5]],
        spikes=[[2, 0], [0, 0]],
        packets_in=[[0, 0], [0, 4]],
        sparse=[[0, 0], [0, 9]],
    )
    found = estimate(traffic, LOIHI1)
    sending, receiving = 10 * 6.0 + 2 * 30.0, 4 * 16.0 + 9 * 4.7
    assert found.seconds == pytest.approx((sending + max(60.0, receiving)) * 1e-9 + 2 * 1.0e-6, rel=1e-12)
    assert found.barrier_seconds == pytest.approx(2e-6)
    assert found.static_joules == pytest.approx(0.1044 * (found.seconds or 0))


@pytest.mark.parametrize(
    ("tiles", "barrier"), [(1, 0.6e-6), (2, 1.0e-6), (3, 1.0e-6), (4, 1.4e-6), (32, 1.8e-6)]
)
def test_barrier_by_tiles(tiles: int, barrier: float) -> None:
    base = made(accesses=[[0]])
    found = estimate(replace(base, tiles=tiles), LOIHI1)
    assert found.barrier_seconds == pytest.approx(barrier)


def test_unknown_coefficients_are_named_and_left_out(tmp_path: Path) -> None:
    chip = load_chip(
        chip_file(
            tmp_path,
            (
                'spike = { value = 6.93e-11, unit = "J", grade = "approx"',
                'spike = { unit = "J", grade = "unknown"',
            ),
        )
    )
    silent, loud = estimate(made(spikes=[[0]]), chip), estimate(made(spikes=[[1]]), chip)
    assert loud.unknown == ("costs.energy.spike", "costs.energy.static_power")
    assert loud.dynamic_joules == silent.dynamic_joules == pytest.approx(18.6e-12)  # the hops alone
    assert (loud.energy_at_least, loud.time_at_least, silent.energy_at_least) == (True, False, False)
    lines = cost_lines(made(spikes=[[1]]), loud)
    assert any("energy: at least about 20 pJ" in line for line in lines)
    assert "  not public, left out: costs.energy.spike" in lines


def test_a_chip_without_any_public_cost_has_none() -> None:
    found = estimate(made(spikes=[[1]]), load_chip("speck2f"))
    assert (found.dynamic_joules, found.seconds, found.edp) == (None, None, None)
    assert "costs.latency.barrier" in found.unknown
    assert any("energy: unknown" in line for line in cost_lines(made(spikes=[[1]]), found))


@pytest.mark.parametrize(("name", "barrier", "least"), [("loihi1", 14.3e-6, False), ("loihi2", 0.2e-6, True)])
def test_several_chips_wait_for_each_other_and_cross_links(name: str, barrier: float, least: bool) -> None:
    two = replace(made(accesses=[[0, 0]]), chips=2, crossings=np.array([5]))
    found = estimate(two, load_chip(name))
    assert found.barrier_seconds == pytest.approx(barrier)
    assert (found.time_at_least, "costs.latency.barrier_chips" in found.unknown) == (least, least)
    assert "costs.energy.link" in found.unknown
    assert found.energy_at_least
    assert "contention on the links between chips" in found.not_modelled
    assert any("5.0 packets to another chip" in line for line in cost_lines(two, found))


def test_weight_updates_take_the_time_of_the_busiest_core() -> None:
    learning = replace(made(accesses=[[0, 0]]), weight_updates=np.array([300.0, 100.0]))
    still, found = (estimate(one, LOIHI1) for one in (made(accesses=[[0, 0]]), learning))
    assert found.seconds is not None and still.seconds is not None
    assert found.seconds - still.seconds == pytest.approx(300 * 6.1e-9)
    uncounted = estimate(learning, load_chip("loihi2"))
    assert (uncounted.time_at_least, uncounted.unknown[-1]) == (True, "costs.latency.weight_update")


def test_loihi2_is_flagged() -> None:
    found = estimate(made(spikes=[[1]]), load_chip("loihi2"))
    assert (found.calibrated, found.energy_error, found.digits, found.static_joules) == (False, None, 1, None)
    text = "\n".join(cost_lines(made(spikes=[[1]]), found))
    assert "about 90 pJ, uncalibrated" in text
    assert "inherited from loihi1" in text
    assert "not public, left out: costs.energy.static_power" in text


def test_every_coefficient_has_its_source() -> None:
    found = estimate(made(spikes=[[1]]), LOIHI1).to_dict()
    assert all(cost["source"] and cost["basis"] for cost in found["costs"])
    assert sum(cost["joules"] for cost in found["costs"]) == found["dynamic_joules"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.234e-6, 2, "1.2 uJ"),
        (12.34e-6, 2, "12 uJ"),
        (123.4e-6, 2, "120 uJ"),
        (0.99e-3, 1, "1 mJ"),
        (9.96e-7, 2, "1.0 uJ"),
        (3.0, 2, "3.0 J"),
        (0, 2, "0 J"),
    ],
)
def test_no_more_digits_than_known(value: float, digits: int, text: str) -> None:
    assert quantity(value, "J", digits) == text


def test_batches_of_samples_make_no_difference() -> None:
    network = mlp((8, 6, 3))
    given = events(network, 18)
    all_of_it, found = measured_cost(network, LOIHI1, given)
    parts = [measured_cost(network, LOIHI1, given.select(slice(a, b)))[0] for a, b in ((0, 7), (7, 18))]
    for event in EVENTS:
        assert all_of_it.total(event) == sum(part.total(event) for part in parts)
    assert (found.samples, found.steps) == (18, 8)
