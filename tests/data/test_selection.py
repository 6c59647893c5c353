from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.data import first_and_rest, joined, load, of_classes, select
from neurodeploy.errors import InputError


def test_select_keeps_order_and_repeats() -> None:
    data = load("digits").limit(5)
    chosen = select(data, np.array([4, 0, 4]))
    assert np.array_equal(chosen.x, data.x[[4, 0, 4]])
    assert chosen.labels().tolist() == data.labels()[[4, 0, 4]].tolist()
    with pytest.raises(InputError, match="no sample is left of 5"):
        select(data, np.array([], int))


def test_of_classes() -> None:
    data = load("digits")
    some = of_classes(data, [3, 7])
    assert set(some.labels()) == {3, 7}
    assert len(some) == int(np.isin(data.labels(), [3, 7]).sum())
    with pytest.raises(InputError, match="digits@test: no sample is left"):
        of_classes(data, [11])


def test_first_and_rest_share_no_sample() -> None:
    data = load("digits").limit(60)
    first, rest = first_and_rest(data, 20, seed=3)
    assert (len(first), len(rest)) == (20, 40)
    both = joined([first, rest])
    assert sorted(map(bytes, both.x)) == sorted(map(bytes, data.x))
    assert np.array_equal(first.x, first_and_rest(data, 20, seed=3)[0].x)
    assert not np.array_equal(first.x, first_and_rest(data, 20, seed=4)[0].x)


@pytest.mark.parametrize("first", [0, 60, 61])
def test_both_parts_hold_samples(first: int) -> None:
    with pytest.raises(InputError, match=f"has 60 samples, of which {first} cannot be set apart"):
        first_and_rest(load("digits").limit(60), first, seed=0)
