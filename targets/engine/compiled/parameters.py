"""A layer of neurons, ready: the fields of its row of the table, and its parameters in the order of its signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import DECAY_ONE, IntLIF
from neurodeploy.semantics import Register, bounds
from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.memory import Array, address, aligned
from neurodeploy.targets.engine.compiled.signals import Signal

NEVER = (1 << 31) - 1
"""A potential that no neuron on 32 bits reaches."""
_RESET = {"subtract": table.SUBTRACT, "zero": table.ZERO, "none": table.NONE}
_CHECK = {"saturate": table.SATURATE, "wrap": table.WRAP}


class Parameters:
    """Of one layer; registers that are not `checked` are proven to hold every value."""

    def __init__(
        self,
        op: IntLIF,
        checked: bounds.Checked,
        signal: Signal,
        number: np.dtype[Any],
    ) -> None:
        self.arrays: list[Array] = []
        self.initial = _each(op, op.initial_q, signal, number)
        self.fields: dict[str, int] = {
            "kind": table.NEURONS,
            "size": signal.size,
            "wide": op.reset != "none" and signal.dtype != np.uint8,
            "remembers": op.remembers_current,
            "clears": op.clear_current,
            "reset": _RESET[op.reset],
            "max_spikes": op.max_spikes,
            "refractory": op.refractory,
            "floors": op.v_min_q is not None,
            **_checks("u", checked.u),
            **_checks("v", checked.v),
            **_vector_form(op, signal, number),
        }
        given = {
            "keep_u": DECAY_ONE - op.du,
            "keep_v": DECAY_ONE - op.dv,
            "bias": op.bias_q,
            "fire_at": np.full((), NEVER) if op.reset == "none" else op.fire_at,
            "subtracts": op.subtracts_q,
            "v_min": np.full((), -NEVER) if op.v_min_q is None else op.v_min_q,
        }
        for name, values in given.items():
            self.arrays.append(aligned(_each(op, values, signal, number)))
            self.fields[name] = address(self.arrays[-1])


def _each(op: IntLIF, values: npt.NDArray[Any], signal: Signal, number: np.dtype[Any]) -> Array:
    whole = np.broadcast_to(values, op.shape).reshape(-1)
    return np.ascontiguousarray(whole if signal.order is None else whole[signal.order], number)


def _vector_form(op: IntLIF, signal: Signal, number: np.dtype[Any]) -> dict[str, int]:
    """Whether vector code has these neurons, and what it needs beside: masks."""
    simple = op.max_spikes == 1 and not op.refractory and number == np.int32
    fits = op.reset == "none" or signal.dtype == np.uint8
    return {
        "by_vectors": simple and fits,
        "to_zero": -(op.reset == "zero"),
        "clears_mask": -op.clear_current,
    }


def _checks(name: str, register: Register | None) -> dict[str, int]:
    if register is None:
        ends = {f"floor_{name}": -NEVER, f"ceiling_{name}": NEVER, f"mask_{name}": -1, f"base_{name}": 0}
        return {f"check_{name}": table.UNCHECKED, **ends}
    check = _CHECK[register.overflow]
    saturates, wraps = check == table.SATURATE, check == table.WRAP
    return {
        f"check_{name}": check,
        f"low_{name}": register.low,
        f"high_{name}": register.high,
        f"floor_{name}": register.low if saturates else -NEVER,
        f"ceiling_{name}": register.high if saturates else NEVER,
        f"mask_{name}": (1 << register.bits) - 1 if wraps else -1,
        f"base_{name}": register.low if wraps else 0,
    }
