"""The integer machine: in numpy (`synapses`, `neurons`, `learning`), and in plain Python (`reference`)."""

from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, Register, decay, shift, signed_bits
from neurodeploy.semantics.learning import ThreeFactorRule
from neurodeploy.semantics.neurons import Registers, State, Step, step

__all__ = [
    "CURRENT_SHIFT",
    "Register",
    "Registers",
    "State",
    "Step",
    "ThreeFactorRule",
    "decay",
    "shift",
    "signed_bits",
    "step",
]
