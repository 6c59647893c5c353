"""Neurons in vector code: one pass over all steps of a window, with potentials and parameters in registers.

For neurons that fire at most once a step and do not rest, on 32 bits; the equations are those of `ir.IntLIF`.
What a layer does not have is computed with neutral numbers (a register without end, a floor that nothing reaches), but
for the memory of a current and the ends of registers, which cost most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, DECAY_BITS
from neurodeploy.targets.engine.compiled.table import ROW

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_SIGN, _FRACTION = 31, (1 << DECAY_BITS) - 1


def pass_over_time(lanes: int, remembers: bool, checked: bool) -> Callable[..., int]:
    """`f(row, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)`, all int64; returns the overflows.

    `chunks` times `lanes` neurons from number `first` on of a layer whose row of the table lies at address `row`.
    Addresses of the first of them: potentials `v`, currents `u`, inputs `a` and spikes `s` (bytes) of the first step,
    and the membrane potentials `m` to keep, or 0. `a_step`, `s_step`, `m_step`: bytes from step to step. Registers that
    hold every value are not `checked`.
    """
    name = f"neurodeploy_lif_{lanes}{'_current' * remembers}{'_checked' * checked}"

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        known = builder.module.globals.get(name)
        return builder.call(
            known or _Writer(builder.module, name, lanes, remembers, checked).function, arguments
        )

    @intrinsic
    def advance(
        typing: Any,
        row: Any,
        first: Any,
        v: Any,
        u: Any,
        a: Any,
        a_step: Any,
        s: Any,
        s_step: Any,
        m: Any,
        m_step: Any,
        steps: Any,
        chunks: Any,
    ) -> Any:
        return types.int64(*[types.int64] * 12), generate

    found: Callable[..., int] = advance
    return found


class _Writer:
    """Writes the function in LLVM's intermediate language: a loop over chunks around one over steps."""

    def __init__(self, module: ir.Module, name: str, lanes: int, remembers: bool, checked: bool) -> None:
        self._lanes, self._remembers, self._checked = lanes, remembers, checked
        self._vector = ir.VectorType(_I32, lanes)
        self.function = ir.Function(module, ir.FunctionType(_I64, [_I64] * 12), name)
        self.function.linkage = "internal"
        self.function.attributes.add("noinline")
        self._write()

    def _write(self) -> None:
        row, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks = self.function.args
        entry, chunk, loop, keep, after, done, end = (
            self.function.append_basic_block(n)
            for n in ("entry", "chunk", "loop", "keep", "after", "done", "end")
        )
        b = self._b = ir.IRBuilder(entry)
        self._row = row
        self._parameters = {
            name: b.add(self._field(name), b.shl(first, _I64(2)))
            for name in ("keep_u", "keep_v", "bias", "fire_at", "subtracts", "v_min")
        }
        uniform = ("floor_u", "ceiling_u", "mask_u", "base_u", "floor_v", "ceiling_v", "mask_v", "base_v")
        self._uniform = {n: self._spread(self._field(n)) for n in (*uniform, "to_zero", "clears_mask")}
        b.branch(chunk)
        b.position_at_end(chunk)
        c, counted_before = b.phi(_I64), b.phi(self._vector)
        self._place = b.shl(b.mul(c, _I64(self._lanes)), _I64(2))
        self._given = {name: self._load(b.add(base, self._place)) for name, base in self._parameters.items()}
        v_at, u_at = b.add(v, self._place), b.add(u, self._place)
        v_start, u_start = self._load(v_at), self._load(u_at) if self._remembers else self._constant(0)
        a_start, m_start = b.add(a, self._place), b.add(m, self._place)
        s_start = b.add(s, b.mul(c, _I64(self._lanes)))
        b.branch(loop)
        b.position_at_end(loop)
        t, a_at, s_at, m_at = (b.phi(_I64) for _ in range(4))
        v_now, u_now, counted = (b.phi(self._vector) for _ in range(3))
        v_next, u_next, spikes, total = self._step(v_now, u_now, self._load(a_at), counted)
        b.store(
            b.trunc(spikes, ir.VectorType(_I8, self._lanes)),
            b.inttoptr(s_at, ir.VectorType(_I8, self._lanes).as_pointer()),
            align=1,
        )
        b.cbranch(b.icmp_signed("!=", m, _I64(0)), keep, after)
        b.position_at_end(keep)
        self._store(v_next, m_at)
        b.branch(after)
        b.position_at_end(after)
        t_next = b.add(t, _I64(1))
        a_next, s_next, m_next = b.add(a_at, a_step), b.add(s_at, s_step), b.add(m_at, m_step)
        b.cbranch(b.icmp_signed("<", t_next, steps), loop, done)
        for phi, start, following in (
            (t, _I64(0), t_next),
            (a_at, a_start, a_next),
            (s_at, s_start, s_next),
            (m_at, m_start, m_next),
            (v_now, v_start, v_next),
            (u_now, u_start, u_next),
            (counted, counted_before, total),
        ):
            phi.add_incoming(start, chunk)
            phi.add_incoming(following, after)
        b.position_at_end(done)
        self._store(v_next, v_at)
        if self._remembers:
            self._store(u_next, u_at)
        c_next = b.add(c, _I64(1))
        b.cbranch(b.icmp_signed("<", c_next, chunks), chunk, end)
        c.add_incoming(_I64(0), entry)
        c.add_incoming(c_next, done)
        counted_before.add_incoming(self._constant(0), entry)
        counted_before.add_incoming(total, done)
        b.position_at_end(end)
        count = _I64(0)
        for lane in range(self._lanes):
            count = b.add(count, b.sext(b.extract_element(total, _I32(lane)), _I64))
        b.ret(count)

    def _step(self, v: Any, u: Any, a: Any, counted: Any) -> tuple[Any, Any, Any, Any]:
        """v, u and spikes of the next step, and the overflows counted so far."""
        b, given = self._b, self._given
        drive = b.shl(a, self._constant(CURRENT_SHIFT))
        if self._remembers:
            drive = b.add(self._decay(u, given["keep_u"]), drive)
        u, counted = self._hold(drive, "u", counted)
        v = b.add(b.add(self._decay(v, given["keep_v"]), u), given["bias"])
        v, counted = self._hold(v, "v", counted)
        v = self._larger(v, given["v_min"])
        fires = b.sext(b.icmp_signed(">=", v, given["fire_at"]), self._vector)
        taken = b.or_(
            b.and_(self._uniform["to_zero"], v), b.and_(b.not_(self._uniform["to_zero"]), given["subtracts"])
        )
        v = b.sub(v, b.and_(taken, fires))
        u = b.and_(u, b.not_(b.and_(fires, self._uniform["clears_mask"])))
        return v, u, b.and_(fires, self._constant(1)), counted

    def _decay(self, x: Any, keep: Any) -> Any:
        """x * keep / 4096 toward zero: with x = 4096 high + low, high keep + (low keep [+ 4095 for x < 0]) >> 12."""
        b = self._b
        bits, fraction = self._constant(DECAY_BITS), self._constant(_FRACTION)
        high, low = b.ashr(x, bits), b.and_(x, fraction)
        up = b.and_(b.ashr(x, self._constant(_SIGN)), fraction)
        return b.add(b.mul(high, keep), b.ashr(b.add(b.mul(low, keep), up), bits))

    def _hold(self, x: Any, name: str, counted: Any) -> tuple[Any, Any]:
        """What register `name` holds after x is written to it."""
        if not self._checked:
            return x, counted
        b, uniform = self._b, self._uniform
        held = self._smaller(self._larger(x, uniform[f"floor_{name}"]), uniform[f"ceiling_{name}"])
        base = uniform[f"base_{name}"]
        held = b.add(b.and_(b.sub(held, base), uniform[f"mask_{name}"]), base)
        beyond = b.sext(b.icmp_signed("!=", held, x), self._vector)
        return held, b.sub(counted, beyond)

    def _larger(self, x: Any, y: Any) -> Any:
        return self._b.select(self._b.icmp_signed(">", x, y), x, y)

    def _smaller(self, x: Any, y: Any) -> Any:
        return self._b.select(self._b.icmp_signed("<", x, y), x, y)

    def _field(self, name: str) -> Any:
        offset = _I64(ROW.fields[name][1])  # type: ignore[index]
        return self._b.load(self._b.inttoptr(self._b.add(self._row, offset), _I64.as_pointer()))

    def _spread(self, number: Any) -> Any:
        b, undefined = self._b, ir.Constant(self._vector, ir.Undefined)
        one = b.insert_element(undefined, b.trunc(number, _I32), _I32(0))
        return b.shuffle_vector(one, undefined, ir.Constant(self._vector, [0] * self._lanes))

    def _constant(self, number: int) -> Any:
        return ir.Constant(self._vector, [number] * self._lanes)

    def _load(self, at: Any) -> Any:
        return self._b.load(self._b.inttoptr(at, self._vector.as_pointer()), align=4)

    def _store(self, value: Any, at: Any) -> None:
        self._b.store(value, self._b.inttoptr(at, self._vector.as_pointer()), align=4)
