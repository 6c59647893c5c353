"""Weight updates: from what a learning run counted to energy on the cores that hold the synapses."""

from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.cost import in_order, measured_cost, weight_update_cost, weight_updates
from neurodeploy.cost.learning import updates_by_core
from neurodeploy.errors import UsageError
from neurodeploy.learning import learn
from neurodeploy.resources import layers
from tests.cost.nets import events, mlp
from tests.nets import chain, stimulus

LOIHI1 = load_chip("loihi1")


def test_they_lie_with_the_neurons_behind() -> None:
    network = layers(mlp((784, 256, 10)).graph)
    found = updates_by_core({"fc1": 600.0, "fc2": 7.0}, network, in_order(network, LOIHI1))
    assert found.tolist() == [300.0, 300.0, 7.0]


def test_a_group_that_is_not_there_is_refused() -> None:
    network = mlp((4, 3, 2))
    with pytest.raises(
        UsageError, match="weight updates are given for 'fc9'; the groups of synapses are fc1, fc2"
    ):
        measured_cost(network, LOIHI1, events(network, 1), weight_updates={"fc9": 1.0})


def test_counts_of_a_learning_run_become_energy() -> None:
    """The engine learns, its own counts are priced: 120 pJ for every synapse whose accumulator was not 0."""
    network, samples = chain((6, 9, 4)), 20
    given = stimulus(network, np.random.default_rng(5), samples)
    record = learn(network, given, np.arange(samples) % 4).record
    updates = weight_updates(record)
    assert list(updates) == record["layers"] == ["fc2"]
    asked = sum(one["asked"] for one in record["statistics"].values())
    assert asked > 0
    assert sum(updates.values()) * samples == pytest.approx(asked)
    cost = weight_update_cost(updates, LOIHI1)
    assert cost.joules == pytest.approx(asked / samples * 120e-12)
    assert "Davies" in cost.source
    with_learning = measured_cost(network, LOIHI1, given, weight_updates=updates)[1].dynamic_joules
    without = measured_cost(network, LOIHI1, given)[1].dynamic_joules
    assert with_learning is not None and without is not None
    assert with_learning - without == pytest.approx(cost.joules)


def test_a_record_without_counts_is_refused() -> None:
    with pytest.raises(UsageError, match="no counts of weight updates; learn with --backend engine"):
        weight_updates({"samples": 5, "statistics": {}})


def test_a_chip_that_does_not_tell_has_no_energy_for_them() -> None:
    cost = weight_update_cost({"fc": 3.0}, load_chip("speck2f"))
    assert (cost.count, cost.joules, cost.grade) == (3.0, None, "unknown")
