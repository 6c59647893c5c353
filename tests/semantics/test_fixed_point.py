from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.semantics import Register, decay, shift

LARGE = st.integers(-(1 << 40), 1 << 40) | st.sampled_from([0, 1, -1, 4095, -4095, 4096, -4096])


@given(LARGE, st.integers(0, 4096))
def test_decay_is_toward_zero(x: int, d: int) -> None:
    kept = abs(x) * (4096 - d) // 4096
    assert decay(np.array([x]), d).tolist() == [kept if x >= 0 else -kept]


@given(LARGE, st.integers(-31, 20))
def test_shift_is_floor(x: int, exponent: int) -> None:
    expected = x * 2**exponent if exponent >= 0 else x // 2**-exponent
    assert shift(np.array([x]), exponent).tolist() == [expected]


@given(LARGE, st.sampled_from([2, 8, 16, 24, 32]))
def test_saturate(x: int, bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    register = Register(bits, "saturate")
    assert (register.low, register.high) == (-top, top)
    assert register.hold(np.array([x])).tolist() == [min(max(x, -top), top)]
    assert register.overflows(np.array([x])) == (abs(x) > top)


@given(LARGE, st.sampled_from([2, 8, 16, 24, 32]))
def test_wrap_is_twos_complement(x: int, bits: int) -> None:
    register = Register(bits, "wrap")
    held = int(register.hold(np.array([x]))[0])
    assert (held - x) % 2**bits == 0
    assert -(2 ** (bits - 1)) <= held < 2 ** (bits - 1)
    assert register.overflows(np.array([x])) == (held != x)


@pytest.mark.parametrize(
    ("overflow", "x", "held"),
    [
        ("saturate", [127, 128, -127, -128], [127, 127, -127, -127]),
        ("wrap", [127, 128, -128, -129], [127, -128, -128, 127]),
    ],
)
def test_ends_of_eight_bits(overflow: str, x: list[int], held: list[int]) -> None:
    register = Register(8, overflow)  # type: ignore[arg-type]
    assert register.hold(np.array(x)).tolist() == held
    assert register.overflows(np.array(x)) == sum(a != b for a, b in zip(x, held, strict=True))
