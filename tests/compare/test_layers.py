import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from neurodeploy.compare.layers import added, comparison, layer_sums
from neurodeploy.compare.values import LayerValues

STEPS, SAMPLES, NEURONS = 6, 20, 9


def values(seed, flips=0.0, noise=0.0, subtracts=1.0):
    """Random spikes and potentials; `flips` of the spikes and `noise` of the potentials are others."""
    rng, other = np.random.default_rng(3), np.random.default_rng(seed)
    rates = rng.random(NEURONS)
    spikes = (rng.random((STEPS, SAMPLES, NEURONS)) < rates).astype(np.float32)
    membrane = rng.normal(size=spikes.shape)
    flipped = np.where(other.random(spikes.shape) < flips, 1 - spikes, spikes)
    each = np.full(NEURONS, subtracts)
    return LayerValues(flipped, membrane + noise * other.normal(size=spikes.shape), np.ones(NEURONS), each)


def found(real, other, first_sample=0):
    return layer_sums({"lif": real}, {"lif": other}, first_sample)


def test_numbers_are_those_of_whole_arrays():
    real, other = values(0), values(1, flips=0.1, noise=0.2)
    one = comparison("lif", found(real, other)["lif"])
    differs = real.spikes != other.spikes
    assert one.mismatch_percent == pytest.approx(100 * differs.mean())
    assert one.mismatch_by_step == pytest.approx(100 * differs.mean(axis=(1, 2)))
    assert (one.rate_float, one.rate) == pytest.approx((real.spikes.mean(), other.spikes.mean()))
    error = real.membrane - other.membrane
    assert one.sqnr_db == pytest.approx(10 * np.log10((real.membrane**2).sum() / (error**2).sum()))
    a, b = real.membrane.ravel(), other.membrane.ravel()
    assert one.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_distance_of_rates_against_scipy():
    real, other = values(0), values(1, flips=0.3)
    rates = [one.spikes.mean(axis=(0, 1)) for one in (real, other)]
    assert comparison("lif", found(real, other)["lif"]).rate_emd == pytest.approx(
        wasserstein_distance(*rates)
    )


def test_first_divergence_is_the_earliest_step_then_sample_then_neuron():
    real, other = values(0), values(1, flips=0.02, noise=0.1, subtracts=0.5)
    first = comparison("lif", found(real, other, first_sample=100)["lif"]).first
    step, sample, neuron = np.argwhere(real.spikes != other.spikes)[0]
    assert (first.step, first.sample, first.neuron) == (step, sample + 100, neuron)
    at = (step, sample, neuron)
    assert (first.float_spike, first.spike) == (real.spikes[at], other.spikes[at])
    assert first.float_potential == pytest.approx(real.membrane[at] + real.spikes[at])
    assert first.potential == pytest.approx(other.membrane[at] + 0.5 * other.spikes[at])
    assert first.threshold == 1.0


def test_two_halves_add_up_to_the_whole():
    real, other = values(0), values(1, flips=0.02, noise=0.1)

    def half(one, part):
        return LayerValues(one.spikes[:, part], one.membrane[:, part], one.threshold, one.subtracts)

    parts = [slice(0, 7), slice(7, SAMPLES)]
    sums = {}
    for part in parts:
        sums = added(sums, found(half(real, part), half(other, part), part.start))
    whole, summed = comparison("lif", found(real, other)["lif"]), comparison("lif", sums["lif"])
    assert summed.first == whole.first and summed.mismatch_by_step == whole.mismatch_by_step
    assert (summed.sqnr_db, summed.cosine, summed.rate_emd) == pytest.approx(
        (whole.sqnr_db, whole.cosine, whole.rate_emd)
    )


def test_a_readout_has_no_spikes_to_compare():
    real, other = (
        LayerValues(np.zeros_like(v.spikes), v.membrane, None, None) for v in (values(0), values(1))
    )
    one = comparison("readout", found(real, other)["lif"])
    assert (one.mismatch_percent, one.rate, one.rate_emd, one.first) == (None, None, None, None)
    assert one.sqnr_db == float("inf") and one.to_dict()["exact"] is True and one.to_dict()["sqnr_db"] is None


def test_a_silent_layer_has_no_cosine():
    zero = LayerValues(*(np.zeros((2, 3, 4)),) * 2, np.ones(4), np.ones(4))
    one = comparison("lif", layer_sums({"lif": zero}, {"lif": zero})["lif"])
    assert one.cosine is None and one.sqnr_db == float("inf") and one.first is None
