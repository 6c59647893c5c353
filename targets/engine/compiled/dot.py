"""Products of bytes with signed bytes, summed in 32 bits: the inner loop of all dense and convolutional synapses.

One block is R rows of input times V * 16 neurons, in R * V vector registers. Weights are laid out for it: for each four
inputs the four weights of a neuron side by side, 16 neurons a vector. Where the processor has the instruction for it
(AVX-512 VNNI, `vpdpbusd`), it does 64 products at a time; elsewhere the same sums are written in plain vector code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from neurodeploy.targets.engine.compiled.table import INPUTS, LANES

VECTOR_BYTES = LANES * INPUTS

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_SUMS, _BYTES = ir.VectorType(_I32, LANES), ir.VectorType(_I8, VECTOR_BYTES)
ARGUMENTS = 10
"""Numbers that a block takes."""
INSTRUCTION = "llvm.x86.avx512.vpdpbusd.512"
"""What multiplies 64 bytes at once."""


def block(rows: int, vectors: int, fast: bool, listed: bool = False) -> Callable[..., None]:
    """`f(rows, offsets, segments, quads, weight, start, left, right, out, step, T)`, int64 but for the type T.

        sum[r, o] = start[o] + sum over s, q, i of x[rows[r] + offsets[s] + 4 q + i] * weight[s, q, o, i]
        out[r, o] = (sum[r, o] << left) >> right                    floor, o < vectors * 16

    Addresses: `rows`, `offsets`, `weight`, `start`, `out`. x are unsigned bytes, weight int8 aligned to 64 bytes, start
    int32, out int32 or int64 as T says, its rows `step` bytes apart. With `listed` there is one row and no segment:
    `offsets` are those of the only `quads` of inputs that are not 0, in units of four inputs, and the weight is indexed
    by them.
    """
    kind = f"neurodeploy_dot_{rows}_{vectors}{'_listed' * listed}{'' if fast else '_plain'}"

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *numbers, _ = arguments
        bits = signature.args[-1].dtype.bitwidth
        name = f"{kind}_{bits}"
        known = builder.module.globals.get(name)
        function = known or write_block(builder.module, name, rows, vectors, bits, fast, listed)
        builder.call(function, numbers)
        return context.get_dummy_value()

    @intrinsic
    def dot(
        typing: Any,
        rows: Any,
        offsets: Any,
        segments: Any,
        quads: Any,
        weight: Any,
        start: Any,
        left: Any,
        right: Any,
        out: Any,
        step: Any,
        T: Any,
    ) -> Any:
        return types.void(*[types.int64] * ARGUMENTS, T), generate

    found: Callable[..., None] = dot
    return found


def write_block(
    module: ir.Module, name: str, rows: int, vectors: int, bits: int, fast: bool, listed: bool
) -> ir.Function:
    """A block whose results have so many bits, in LLVM's intermediate language."""
    return _Writer(module, name, rows, vectors, bits, fast).write(listed)


class _Writer:
    """Writes one block in LLVM's intermediate language."""

    def __init__(self, module: ir.Module, name: str, rows: int, vectors: int, bits: int, fast: bool) -> None:
        kind = ir.FunctionType(ir.VoidType(), [_I64] * ARGUMENTS)
        self._function = ir.Function(module, kind, name)
        self._function.linkage = "internal"
        self._function.attributes.add("noinline")
        self._module, self._rows, self._vectors, self._fast = module, rows, vectors, fast
        self._results = ir.VectorType(ir.IntType(bits), LANES)
        self._cells = [(r, v) for r in range(rows) for v in range(vectors)]

    def write(self, listed: bool) -> ir.Function:
        """The whole function."""
        if listed:
            self._listed()
        else:
            self._dense()
        return self._function

    def _dense(self) -> None:
        rows, offsets, segments, quads, weight, *_ = self._function.args
        entry, segment, loop, after, end = (
            self._function.append_basic_block(n) for n in ("entry", "segment", "loop", "after", "end")
        )
        b = ir.IRBuilder(entry)
        bases = [self._number(b, rows, _I64(r)) for r in range(self._rows)]
        b.branch(segment)
        b.position_at_end(segment)
        s, start = b.phi(_I64), b.phi(_I64)
        outer = [b.phi(_SUMS) for _ in self._cells]
        offset = self._number(b, offsets, s)
        places = [b.add(base, offset) for base in bases]
        b.branch(loop)
        b.position_at_end(loop)
        q, w = b.phi(_I64), b.phi(_I64)
        inner = [b.phi(_SUMS) for _ in self._cells]
        sums = self._products(b, [b.add(place, b.shl(q, _I64(2))) for place in places], w, inner)
        q_next, w_next = b.add(q, _I64(1)), b.add(w, _I64(VECTOR_BYTES * self._vectors))
        b.cbranch(b.icmp_signed("<", q_next, quads), loop, after)
        b.position_at_end(after)
        s_next = b.add(s, _I64(1))
        b.cbranch(b.icmp_signed("<", s_next, segments), segment, end)
        self._meet(s, (_I64(0), entry), (s_next, after))
        self._meet(start, (weight, entry), (w_next, after))
        self._meet(q, (_I64(0), segment), (q_next, loop))
        self._meet(w, (start, segment), (w_next, loop))
        for before, within, total in zip(outer, inner, sums, strict=True):
            self._meet(before, (ir.Constant(_SUMS, [0] * LANES), entry), (total, after))
            self._meet(within, (before, segment), (total, loop))
        b.position_at_end(end)
        self._store(b, sums)

    def _listed(self) -> None:
        rows, offsets, _, quads, weight, *_ = self._function.args
        entry, loop, end = (self._function.append_basic_block(n) for n in ("entry", "loop", "end"))
        b = ir.IRBuilder(entry)
        base = self._number(b, rows, _I64(0))
        b.branch(loop)
        b.position_at_end(loop)
        e = b.phi(_I64)
        inner = [b.phi(_SUMS) for _ in self._cells]
        quad = self._number(b, offsets, e)
        w = b.add(weight, b.mul(quad, _I64(VECTOR_BYTES * self._vectors)))
        sums = self._products(b, [b.add(base, b.shl(quad, _I64(2)))], w, inner)
        e_next = b.add(e, _I64(1))
        b.cbranch(b.icmp_signed("<", e_next, quads), loop, end)
        self._meet(e, (_I64(0), entry), (e_next, loop))
        for within, total in zip(inner, sums, strict=True):
            self._meet(within, (ir.Constant(_SUMS, [0] * LANES), entry), (total, loop))
        b.position_at_end(end)
        self._store(b, sums)

    def _products(self, b: ir.IRBuilder, places: list[Any], w: Any, sums: list[Any]) -> list[Any]:
        """`sums` with four more inputs of every row."""
        vectors = b.inttoptr(w, _SUMS.as_pointer())
        weights = [b.load(b.gep(vectors, [_I64(v)]), align=64) for v in range(self._vectors)]
        inputs = [b.load(b.inttoptr(place, _I32.as_pointer()), align=1) for place in places]
        spread = [self._spread(b, x, _SUMS) for x in inputs]
        return [
            self._product(b, total, spread[r], weights[v])
            for (r, v), total in zip(self._cells, sums, strict=True)
        ]

    def _product(self, b: ir.IRBuilder, total: Any, x: Any, w: Any) -> Any:
        if self._fast:
            kind = ir.FunctionType(_SUMS, [_SUMS] * 3)
            known = self._module.globals.get(INSTRUCTION)
            return b.call(known or ir.Function(self._module, kind, INSTRUCTION), [total, x, w])
        wide = ir.VectorType(_I32, VECTOR_BYTES)
        products = b.mul(b.zext(b.bitcast(x, _BYTES), wide), b.sext(b.bitcast(w, _BYTES), wide))
        undefined = ir.Constant(wide, ir.Undefined)
        for i in range(INPUTS):
            chosen = ir.Constant(_SUMS, [INPUTS * lane + i for lane in range(LANES)])
            total = b.add(total, b.shuffle_vector(products, undefined, chosen))
        return total

    def _store(self, b: ir.IRBuilder, sums: list[Any]) -> None:
        *_, start, left, right, out, step = self._function.args
        up, down = (self._spread(b, self._narrow(b, shift), self._results) for shift in (left, right))
        begin = b.inttoptr(start, _SUMS.as_pointer())
        starts = [b.load(b.gep(begin, [_I64(v)]), align=4) for v in range(self._vectors)]
        for (r, v), total in zip(self._cells, sums, strict=True):
            shifted = b.ashr(b.shl(self._wide(b, b.add(total, starts[v])), up), down)
            target = b.inttoptr(b.add(out, b.mul(step, _I64(r))), self._results.as_pointer())
            b.store(shifted, b.gep(target, [_I64(v)]), align=4)
        b.ret_void()

    def _narrow(self, b: ir.IRBuilder, number: Any) -> Any:
        return b.trunc(number, _I32) if self._results == _SUMS else number

    def _wide(self, b: ir.IRBuilder, sums: Any) -> Any:
        return sums if self._results == _SUMS else b.sext(sums, self._results)

    @staticmethod
    def _spread(b: ir.IRBuilder, number: Any, kind: ir.VectorType) -> Any:
        undefined = ir.Constant(kind, ir.Undefined)
        return b.shuffle_vector(
            b.insert_element(undefined, number, _I32(0)), undefined, ir.Constant(_SUMS, [0] * LANES)
        )

    @staticmethod
    def _number(b: ir.IRBuilder, address: Any, index: Any) -> Any:
        return b.load(b.gep(b.inttoptr(address, _I64.as_pointer()), [index]))

    @staticmethod
    def _meet(phi: Any, *ways: tuple[Any, Any]) -> None:
        for value, came_from in ways:
            phi.add_incoming(value, came_from)
