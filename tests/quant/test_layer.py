from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import FitError
from neurodeploy.ir import LIF, Dense, IntDense, Readout
from neurodeploy.quant.layer import HEADROOM_BITS, InputRange, QuantizedLayer, quantize_layer
from neurodeploy.semantics import Register, Registers, bounds
from tests.nets import rngs

SPIKES = InputRange(0, 1, 1.0)
PIXELS = InputRange(0, 255, 255.0)


def random_layer(
    draw: np.random.Generator, inputs: InputRange, bits: int = 8, size: float = 1.0, threshold: float = 1.0
) -> tuple[Dense, LIF, QuantizedLayer]:
    dense = Dense(size * draw.normal(size=(4, 9)), 0.3 * size * draw.normal(size=4))
    neurons = LIF((4,), 0.5, threshold, "subtract", "ge")
    return dense, neurons, quantize_layer(dense, neurons, inputs, bits, Registers(), 8)


@given(rngs(), st.sampled_from([SPIKES, PIXELS]), st.integers(2, 8), st.floats(0.01, 50))
def test_integers_stand_for_the_real_numbers(
    draw: np.random.Generator, inputs: InputRange, bits: int, size: float
) -> None:
    dense, neurons, made = random_layer(draw, inputs, bits, size, size)
    shift = -made.synapses.exponent
    assert made.unit == pytest.approx(made.weight.scale / inputs.levels * 2**shift)
    step = made.unit / 64
    assert abs(made.neurons.threshold_q * step - neurons.threshold) <= 0.5001 * step
    assert np.abs(made.neurons.bias_q * step - dense.bias).max() <= 0.5001 * step
    x_q = draw.integers(inputs.low, inputs.high + 1, 9)
    a = (made.synapses.weight_q.astype(np.int64) @ x_q) >> shift
    real = dense.weight.astype(np.float64) @ (x_q / inputs.levels)
    from_weights = made.weight.scale / 2 * np.abs(x_q / inputs.levels).sum()
    assert (np.abs(a * made.unit - real) <= from_weights * 1.0001 + made.unit).all()


@given(rngs(), st.integers(8, 24), st.integers(8, 24))
def test_the_shift_is_the_smallest_that_fits(draw: np.random.Generator, u_bits: int, v_bits: int) -> None:
    registers = Registers(Register(u_bits, "wrap"), Register(v_bits, "saturate"))
    dense, neurons = Dense(draw.normal(size=(4, 9)), np.zeros(4)), Readout((4,), 0.5)
    made = quantize_layer(dense, neurons, PIXELS, 8, registers, 8)
    shift = -made.synapses.exponent

    def fits(exponent: int) -> tuple[bool, bool]:
        current = bounds.sums(IntDense(made.synapses.weight_q, exponent), PIXELS.low, PIXELS.high)
        found = bounds.neurons(replace(made.neurons, bias_q=np.zeros(4)), current, 8)
        return found.u.magnitude <= registers.u.high, found.v.magnitude <= registers.v.high

    least = next(n for n in range(25) if fits(-n)[0])
    tried = range(least, least + HEADROOM_BITS + 1)
    assert shift == next((n for n in tried if all(fits(-n))), least)


@pytest.mark.parametrize(
    ("decay", "dv"), [(0.0, 4096), (1.0, 0), (0.5, 2048), (0.2, 3277), (1 / 3, 2731), (0.99999, 0)]
)
def test_decay(decay: float, dv: int) -> None:
    made = quantize_layer(Dense([[1.0]], [0.0]), Readout((1,), decay), SPIKES, 8, Registers(), 1)
    assert (made.neurons.du, made.neurons.dv) == (4096, dv)
    assert (made.neurons.reset, made.neurons.threshold_q) == ("none", 0)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("compare", ["ge", "gt"])
def test_reset_and_compare_stay(reset: str, compare: str) -> None:
    neurons = LIF((1,), 0.5, 1.0, reset, compare)  # type: ignore[arg-type]
    made = quantize_layer(Dense([[1.0]], [0.25]), neurons, SPIKES, 8, Registers(), 4).neurons
    assert (made.reset, made.compare, made.threshold_q, made.bias_q.tolist()) == (
        reset,
        compare,
        8128,
        [2032],
    )


def test_threshold_that_rounds_to_nothing() -> None:
    with pytest.raises(FitError, match=r"threshold 1e-06 is less than half of the smallest step .*0\.000123"):
        quantize_layer(Dense([[1.0]], [0.0]), LIF((1,), 0.5, 1e-6, "zero", "ge"), SPIKES, 8, Registers(), 4)


def test_sums_that_no_shift_fits() -> None:
    tiny = Registers(Register(4, "saturate"), Register(4, "saturate"))
    with pytest.raises(FitError, match="synaptic sums exceed 4 bits, or the threshold 4, even shifted by 24"):
        quantize_layer(Dense([[1.0, -1.0]], [0.0]), Readout((1,), 1.0), SPIKES, 8, tiny, 4)


def test_losses_say_what_was_changed() -> None:
    dense, neurons = Dense(np.full((1, 2000), 1.0), [0.1]), LIF((1,), 0.2, 1.0, "subtract", "ge")
    made = quantize_layer(dense, neurons, PIXELS, 8, Registers(), 4)
    synapses = [what for of_synapses, what in made.losses(dense, neurons) if of_synapses]
    behind = [what for of_synapses, what in made.losses(dense, neurons) if not of_synapses]
    assert synapses[0] == "weights at 0.00787402 a step, SQNR inf dB, 0 clipped"
    assert synapses[1] == f"sums shifted right by {-made.synapses.exponent} bits to fit the registers"
    assert behind[0] == "decay 0.2 -> 0.199951172 (819/4096)"
    assert behind[1].startswith(f"threshold 1 -> {made.neurons.threshold_q} (worth ")
    assert behind[2].startswith("bias rounded by at most ")


def test_shift_lets_the_potential_reach_its_threshold() -> None:
    dense = Dense(np.full((1, 3), 0.01), np.zeros(1))
    neurons = LIF((1,), 0.5, 1.0, "subtract", "ge")
    registers = Registers(Register(24, "wrap"), Register(16, "saturate"))
    made = quantize_layer(dense, neurons, SPIKES, 8, registers, 8)
    assert made.synapses.exponent < 0
    assert made.neurons.fire_at <= registers.v.high < 2 * made.neurons.fire_at
