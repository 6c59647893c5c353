from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import FitError
from neurodeploy.ir import LIF, Dense, IntDense, Readout
from neurodeploy.quant.groups import Group, InputRange
from neurodeploy.quant.layer import HEADROOM_BITS, QuantizedLayer, quantize_layer
from neurodeploy.quant.weights import Method
from neurodeploy.semantics import Register, Registers, bounds
from tests.nets import rngs

SPIKES = InputRange(0, 1, 1.0)
PIXELS = InputRange(0, 255, 255.0)


def without_bias(weight: npt.ArrayLike) -> Dense:
    return Dense(np.asarray(weight), np.zeros(len(np.asarray(weight))))


def alone(
    dense: Dense, neurons: LIF | Readout, inputs: InputRange, registers: Registers, steps: int
) -> QuantizedLayer:
    return quantize_layer({"fc": Group(dense, inputs)}, neurons, {"fc": Method()}, registers, steps)


def random_layer(
    draw: np.random.Generator, inputs: InputRange, bits: int = 8, size: float = 1.0, threshold: float = 1.0
) -> tuple[Dense, LIF, QuantizedLayer]:
    dense = without_bias(size * draw.normal(size=(4, 9)))
    neurons = LIF((4,), 0.5, threshold, "subtract", "ge", bias=0.3 * size * draw.normal(size=4))
    return (
        dense,
        neurons,
        quantize_layer({"fc": Group(dense, inputs)}, neurons, {"fc": Method(bits)}, Registers(), 8),
    )


@given(rngs(), st.sampled_from([SPIKES, PIXELS]), st.integers(2, 8), st.floats(0.01, 50))
def test_integers_stand_for_the_real_numbers(
    draw: np.random.Generator, inputs: InputRange, bits: int, size: float
) -> None:
    dense, neurons, made = random_layer(draw, inputs, bits, size, size)
    shift = -made.synapses["fc"].exponent
    assert made.unit == pytest.approx(made.groups["fc"].weight.scale / inputs.levels * 2**shift)
    step = made.unit / 64
    assert abs(made.neurons.threshold_q * step - neurons.threshold) <= 0.5001 * step
    assert np.abs(made.neurons.bias_q * step - neurons.bias).max() <= 0.5001 * step
    x_q = draw.integers(inputs.low, inputs.high + 1, 9)
    a = (made.synapses["fc"].weight_q.astype(np.int64) @ x_q) >> shift
    real = dense.weight.astype(np.float64) @ (x_q / inputs.levels)
    from_weights = made.groups["fc"].weight.scale / 2 * np.abs(x_q / inputs.levels).sum()
    assert (np.abs(a * made.unit - real) <= from_weights * 1.0001 + made.unit).all()


@given(rngs(), st.integers(8, 24), st.integers(8, 24))
def test_the_shift_is_the_smallest_that_fits(draw: np.random.Generator, u_bits: int, v_bits: int) -> None:
    registers = Registers(Register(u_bits, "wrap"), Register(v_bits, "saturate"))
    dense, neurons = without_bias(draw.normal(size=(4, 9))), Readout((4,), 0.5)
    made = alone(dense, neurons, PIXELS, registers, 8)
    shift = -made.synapses["fc"].exponent

    def fits(exponent: int) -> tuple[bool, bool]:
        current = bounds.sums(IntDense(made.synapses["fc"].weight_q, exponent), PIXELS.low, PIXELS.high)
        found = bounds.neurons(replace(made.neurons, bias_q=np.zeros(4)), current, 8)
        return found.u.magnitude <= registers.u.high, found.v.magnitude <= registers.v.high

    least = next(n for n in range(25) if fits(-n)[0])
    tried = range(least, least + HEADROOM_BITS + 1)
    assert shift == next((n for n in tried if all(fits(-n))), least)


@pytest.mark.parametrize(
    ("decay", "dv"), [(0.0, 4096), (1.0, 0), (0.5, 2048), (0.2, 3277), (1 / 3, 2731), (0.99999, 0)]
)
def test_decay(decay: float, dv: int) -> None:
    made = alone(without_bias([[1.0]]), Readout((1,), decay), SPIKES, Registers(), 1)
    assert (made.neurons.du, made.neurons.dv) == (4096, dv)
    assert (made.neurons.reset, made.neurons.threshold_q) == ("none", 0)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("compare", ["ge", "gt"])
def test_reset_and_compare_stay(reset: str, compare: str) -> None:
    neurons = LIF((1,), 0.5, 1.0, reset, compare, bias=0.25)  # type: ignore[arg-type]
    made = alone(without_bias([[1.0]]), neurons, SPIKES, Registers(), 4).neurons
    assert (made.reset, made.compare, made.threshold_q, made.bias_q.tolist()) == (
        reset,
        compare,
        8128,
        2032,
    )


def test_threshold_that_rounds_to_nothing() -> None:
    with pytest.raises(FitError, match=r"threshold 1e-06 is less than half of the smallest step .*0\.000123"):
        alone(without_bias([[1.0]]), LIF((1,), 0.5, 1e-6, "zero", "ge"), SPIKES, Registers(), 4)


def test_sums_that_no_shift_fits() -> None:
    tiny = Registers(Register(4, "saturate"), Register(4, "saturate"))
    with pytest.raises(FitError, match=r"synaptic sums exceed 4 bits, .* even shifted by"):
        alone(without_bias([[1.0, -1.0]]), Readout((1,), 1.0), SPIKES, tiny, 4)


def test_losses_say_what_was_changed() -> None:
    neurons = LIF((1,), 0.2, 1.0, "subtract", "ge", bias=0.1)
    made = alone(without_bias(np.full((1, 2000), 1.0)), neurons, PIXELS, Registers(), 4)
    synapses = [what for where, what in made.losses("lif", neurons) if where == "fc"]
    behind = [what for where, what in made.losses("lif", neurons) if where == "lif"]
    assert synapses[0] == "weights at 0.00787402 a step, SQNR inf dB, 0 clipped"
    assert (
        synapses[1]
        == f"sums shifted right by {-made.synapses['fc'].exponent} bits to fit the registers and the other synapses"
    )
    assert behind[0] == "decay 0.2 -> 0.199951172 (819/4096)"
    assert behind[1].startswith(f"threshold 1 -> {made.neurons.threshold_q} (worth ")
    assert behind[2].startswith("bias rounded by at most ")


def test_shift_lets_the_potential_reach_its_threshold() -> None:
    dense = without_bias(np.full((1, 3), 0.01))
    neurons = LIF((1,), 0.5, 1.0, "subtract", "ge")
    registers = Registers(Register(24, "wrap"), Register(16, "saturate"))
    made = alone(dense, neurons, SPIKES, registers, 8)
    assert made.synapses["fc"].exponent < 0
    assert made.neurons.fire_at <= registers.v.high < 2 * made.neurons.fire_at


@given(rngs(), st.integers(4, 8), st.floats(0.1, 10))
def test_groups_share_one_unit(draw: np.random.Generator, bits: int, ratio: float) -> None:
    groups = {
        "pixels": Group(without_bias(draw.normal(size=(4, 9))), PIXELS),
        "spikes": Group(without_bias(ratio * draw.normal(size=(4, 5))), SPIKES),
    }
    made = quantize_layer(
        groups, LIF((4,), 0.5, 1.0, "subtract", "ge"), dict.fromkeys(groups, Method(bits)), Registers(), 8
    )
    for name, group in groups.items():
        weight, synapses = made.groups[name].weight, made.synapses[name]
        assert weight.clipped == 0
        unit = weight.scale / group.inputs.levels * 2.0**-synapses.exponent
        assert unit == pytest.approx(made.unit, rel=1e-12)
        used = np.abs(synapses.weight_q.astype(int)).max() / ((1 << (bits - 1)) - 1)
        assert used > 0.5 - 1 / (1 << (bits - 1)) or synapses.exponent in (31, -31)


def test_neurons_without_synapses() -> None:
    pacemaker = LIF((2,), 0.0, 1.0, "zero", "ge", bias=1.0)
    made = quantize_layer({}, pacemaker, {}, Registers(), 4).neurons
    assert (int(made.bias_q), int(made.threshold_q), int(made.dv)) == (2048, 2048, 4096)
