"""From compiled functions to an object file that needs no numba, only the C library."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir

from neurodeploy.targets.engine.compiled.execute import assembly
from neurodeploy.targets.engine.compiled.kernel import ENTRY, EXTERNAL
from neurodeploy.targets.engine.compiled.processor import processor


def object_file(number: np.dtype[Any]) -> bytes:
    """The machine for currents and potentials of this type; its function is named `kernel.ENTRY`."""
    text, name = assembly(number)
    module = binding.parse_assembly(text)
    module.get_function(name).name = ENTRY
    module.link_in(binding.parse_assembly(_never_called()))
    called = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if unknown := called.difference(EXTERNAL):
        raise RuntimeError(f"the engine's machine code calls {', '.join(sorted(unknown))}")
    content: bytes = processor().machine().emit_object(module)
    return content


def _never_called() -> str:
    """What numba calls for arrays that own memory, of which the code has none: a trap."""
    module = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
    builder = ir.IRBuilder(ir.Function(module, kind, "NRT_MemInfo_call_dtor").append_basic_block())
    builder.call(ir.Function(module, ir.FunctionType(ir.VoidType(), []), "llvm.trap"), [])
    builder.unreachable()
    return str(module)
