"""For which processor machine code is made: this one, unless numba's variables name another."""

from __future__ import annotations

import os
from dataclasses import dataclass

from llvmlite import binding


@dataclass(frozen=True, slots=True)
class Processor:
    """LLVM's names: the triple of the machine, the processor, and its instruction sets (`+avx2,-avx512f`)."""

    triple: str
    name: str
    features: str

    @property
    def multiplies_bytes(self) -> bool:
        """True where one instruction multiplies 64 bytes and sums them (AVX-512 VNNI)."""
        return "+avx512vnni" in self.features.split(",")

    def machine(self) -> binding.TargetMachine:
        """What turns LLVM's language into code for this processor."""
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_triple(self.triple)
        made: binding.TargetMachine = target.create_target_machine(
            cpu=self.name, features=self.features, opt=3, codemodel="jitdefault", jit=True
        )
        return made


def processor() -> Processor:
    """As numba chooses it: `NUMBA_CPU_NAME` and `NUMBA_CPU_FEATURES`, where they are set."""
    name, features = os.environ.get("NUMBA_CPU_NAME"), os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        features = "" if name == "generic" else _features()
    return Processor(binding.get_process_triple(), name or binding.get_host_cpu_name(), features)


def _features() -> str:
    try:
        found: str = binding.get_host_cpu_features().flatten()
    except RuntimeError:
        return ""
    return found
