from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import (
    LIF,
    OPS,
    Dense,
    Flatten,
    Input,
    IntDense,
    IntInput,
    IntLIF,
    Output,
    Readout,
    TensorType,
)

VALUE4, SPIKE4 = TensorType((4,), "value"), TensorType((4,), "spike")
CURRENT3, POTENTIAL3 = TensorType((3,), "current"), TensorType((3,), "potential")


def int_lif(**changes: Any) -> IntLIF:
    fields: dict[str, Any] = {"du": 0, "dv": 0, "bias_q": np.zeros(3), "threshold_q": 1, "reset": "subtract"}
    return IntLIF((3,), **{**fields, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(np.zeros(3), np.zeros(3)), "op 'dense': weight must have 2 axes, not 1 (shape (3,))"),
        (lambda: Dense(np.zeros((3, 4)), np.zeros(4)), "bias (4,) does not belong to weight (3, 4)"),
        (lambda: Dense([[np.nan, 1.0]], [0.0]), "weight holds 1 of 2 values that are NaN or too large"),
        (lambda: Dense([[1.0]], [np.inf]), "bias holds 1 of 1 values that are NaN or too large"),
        (lambda: Dense([[1e39]], [0.0]), "weight holds 1 of 1 values"),
        (lambda: Readout((3,), 1.5), "op 'readout': decay must be in [0, 1], not 1.5"),
        (lambda: Readout((3,), float("nan")), "decay holds 1 of 1 values that are NaN"),
        (lambda: LIF((3,), -0.1, 1.0, "subtract", "ge"), "op 'lif': decay must be in [0, 1], not -0.1"),
        (lambda: LIF((3,), 0.5, 0.0, "subtract", "ge"), "threshold must be positive, not 0.0"),
        (
            lambda: LIF((3,), 0.5, float("inf"), "subtract", "ge"),
            "threshold holds 1 of 1 values that are NaN or too large",
        ),
        (lambda: Input((2, 0)), "op 'input': shape must be a shape of positive extents, not (2, 0)"),
        (lambda: Input(()), "shape must be a shape of positive extents, not ()"),
        (lambda: IntInput((3,), 0.0, 0, 1), "op 'int_input': levels must be positive, not 0.0"),
        (lambda: IntInput((3,), 1.0, 1, 9), "the range must hold 0 and more, not 1..9"),
        (lambda: IntInput((3,), 1.0, 0, 0), "the range must hold 0 and more, not 0..0"),
        (lambda: IntDense([[128]], 0), "op 'int_dense': weight_q must hold integers that fit int8"),
        (lambda: IntDense([[0.5]], 0), "weight_q must hold integers that fit int8"),
        (lambda: IntDense([[1]], 32), "exponent must be in -31..31, not 32"),
        (lambda: int_lif(bias_q=np.zeros(2)), "bias_q (2,) does not belong to shape (3,)"),
        (lambda: int_lif(du=4097), "op 'int_lif': du must be in 0..4096, not 4097"),
        (lambda: int_lif(dv=-1), "dv must be in 0..4096, not -1"),
        (lambda: int_lif(reset="soft"), "reset must be 'subtract', 'zero' or 'none', not 'soft'"),
        (lambda: int_lif(compare="eq"), "compare must be 'ge' or 'gt', not 'eq'"),
        (lambda: int_lif(threshold_q=0), "threshold_q must be in 1..2147483647 (0 with reset 'none'), not 0"),
        (lambda: int_lif(reset="none"), "a readout (reset 'none') has threshold_q 0"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: IntDense([[1]], 1.5),
        lambda: IntDense([[1]], -1.0),
        lambda: int_lif(threshold_q=3.5),
        lambda: int_lif(clear_current=5),
        lambda: IntInput((3,), 1.0, -0.5, 5),
        lambda: IntInput((3.0,), 1.0, 0, 5).result(()),
    ],
)
def test_integers_must_be_integers(make: Any) -> None:
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize(("reset", "compare"), [("none", "ge"), ("subtract", "le")])
def test_float_neurons_that_have_no_meaning(reset: Any, compare: Any) -> None:
    with pytest.raises(UnsupportedError, match=f"not '{reset if reset == 'none' else compare}'"):
        LIF((3,), 0.5, 1.0, reset, compare)


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (
            Dense(np.zeros((3, 5)), np.zeros(3)),
            (VALUE4,),
            "weight (3, 5) takes 5 inputs, but gets shape (4,)",
        ),
        (IntDense(np.zeros((3, 4)), 0), (), "must have exactly one input, not 0"),
        (IntDense(np.zeros((3, 4)), 0), (VALUE4, SPIKE4), "must have exactly one input, not 2"),
        (IntDense(np.zeros((3, 3)), 0), (CURRENT3,), "must be fed by value or spike, not current"),
        (int_lif(), (), "has no incoming synapses"),
        (int_lif(), (SPIKE4,), "takes current[3], but gets spike[4]"),
        (int_lif(), (CURRENT3, TensorType((2,), "current")), "takes current[3], but gets current[2]"),
        (Input((2,)), (VALUE4,), "must have no inputs, not 1"),
        (Flatten(), (POTENTIAL3,), "must be fed by value or spike or current, not potential"),
        (Output(), (CURRENT3,), "must be fed by spike or potential, not current"),
    ],
)
def test_types_that_do_not_fit(op: Any, inputs: tuple[TensorType, ...], message: str) -> None:
    with pytest.raises(InputError) as caught:
        op.result(inputs)
    assert message in str(caught.value)


def test_types_of_results() -> None:
    assert str(IntDense(np.zeros((3, 4)), 0).result((SPIKE4,))) == "current[3]"
    assert str(int_lif().result((CURRENT3, CURRENT3))) == "spike[3]"
    assert str(int_lif(reset="none", threshold_q=0).result((CURRENT3,))) == "potential[3]"
    assert str(Flatten().result((TensorType((2, 3), "spike"),))) == "spike[6]"


def test_equal_by_value() -> None:
    assert int_lif() == int_lif()
    assert int_lif() != int_lif(dv=1)
    assert int_lif() != int_lif(bias_q=np.array([0, 0, 1]))
    assert Flatten() != Output()
    with pytest.raises(TypeError, match="unhashable"):
        hash(int_lif())


def test_arrays_are_read_only_copies() -> None:
    weight = np.ones((2, 2), np.int8)
    op = IntDense(weight, 0)
    weight[0, 0] = 9
    assert op.weight_q[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        op.weight_q[0, 0] = 2


def test_fire_at() -> None:
    assert (int_lif(threshold_q=7).fire_at, int_lif(threshold_q=7, compare="gt").fire_at) == (7, 8)


def test_table_holds_every_kind_once() -> None:
    assert all(kind == op.kind for kind, op in OPS.items())
    assert len(OPS) == 18
