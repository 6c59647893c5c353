"""Networks that run on Lava's own processes alone: LIF (LIFReset), Dense, Sparse and their delayed forms.

Lava's LIF in fixed point (lava-nc 0.10.0, proc/lif/models.py), in this package's terms:

    u[t] = decay(u[t-1], du + 1) + (a[t] << 6)
    v[t] = decay(v[t-1], dv) + u[t] + (bias_mant << bias_exp)
    s[t] = v[t] > vth << 6,   then v = 0

with one du, dv, vth and bias_exp a process, du and dv of 12 bits, vth of 17, bias_mant of 13 and bias_exp of 3. (A
potential without memory needs dv = 4096, one more than 12 bits hold; Lava's simulation takes it.) At
`reset_interval`, `reset_offset` LIFReset starts a sample: u = v = 0. A readout is a LIF whose threshold is beyond its
reach. Source and result processes are ours: Lava has none for streams of samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import IntLIF
from neurodeploy.network import Network
from neurodeploy.semantics import CURRENT_SHIFT, Register, bounds
from neurodeploy.targets.lava.schedule import schedule

STATE_MAX = (1 << 23) - 1
"""Largest |u| and |v|: beyond it Lava wraps u in its own way, and clips v as a saturating register of 24 bits does."""
CLIPS = Register(24, "saturate")
THRESHOLD_STEP = 1 << CURRENT_SHIFT
VTH_MAX = (1 << 17) - 1
MANTISSA_MAX = (1 << 12) - 1
EXPONENT_MAX = 7
DELAY_MAX = 63


def require_standard(network: Network, *, streamed: bool = False) -> None:
    """Raise `UnsupportedError` that names, layer by layer, what Lava's own processes cannot do.

    `streamed`: all samples have to go through one run.
    """
    found = [f"  layer '{name}': {what}" for name, op in network.neurons.items() for what in _neurons(op)]
    found += [f"  layer '{name}': {what}" for name, what in _registers(network)]
    found += [f"  synapses '{name}': {what}" for name, what in _timing(network, streamed)]
    if found:
        listed = "\n".join(found)
        raise UnsupportedError(
            f"this network needs more than Lava's own processes:\n{listed}\nThe back end and the export 'lava' have "
            "processes for all of this"
        )


def one_by_one(network: Network) -> bool:
    """True where each sample needs a run of its own: what is delayed would reach into the next sample."""
    return any(arrival.delay for arrival in schedule(network.graph).arrivals)


def no_overflows(network: Network) -> dict[str, int] | None:
    """0 for each layer where registers provably hold everything, else None: Lava's LIF clips v without counting."""
    ends = (min(STATE_MAX, network.registers.u.high), min(STATE_MAX, network.registers.v.high))
    for name in network.neurons:
        reached = _reached(network, name)
        if reached.u.magnitude > ends[0] or reached.v.magnitude > ends[1]:
            return None
    return dict.fromkeys(network.neurons, 0)


def lif_arguments(op: IntLIF) -> dict[str, Any]:
    """Parameters of Lava's LIF for neurons that `require_standard` let pass."""
    mantissa, exponent = _bias(op)
    return {
        "du": int(op.du.flat[0]) - 1,
        "dv": int(op.dv.flat[0]),
        "bias_mant": np.ascontiguousarray(np.broadcast_to(mantissa, op.shape)).ravel().astype(np.int32),
        "bias_exp": exponent,
        "vth": VTH_MAX if op.reset == "none" else int(op.fire_at.flat[0] - 1) // THRESHOLD_STEP,
    }


def _neurons(op: IntLIF) -> Iterator[str]:
    """What of the neurons' parameters Lava's LIF does not have."""
    if op.reset == "subtract":
        yield "a spike subtracts the threshold; Lava's LIF resets to zero. Train with reset 'zero'"
    elif op.reset == "zero":
        yield from _threshold(op)
    for name in ("du", "dv"):
        values = getattr(op, name)
        if np.ptp(values):
            yield f"{name} differs between neurons ({values.min()}..{values.max()}); Lava's LIF has one"
    if not op.du.all():
        yield "its current never decays (du 0); Lava's register leaks at least 1/4096 a step"
    if op.clear_current:
        yield "a spike clears the current; Lava's LIF keeps it"
    if op.initial_q.any():
        yield f"its potential starts at up to {np.abs(op.initial_q).max()}; Lava's LIF starts at 0"
    if op.v_min_q is not None:
        yield f"its potential has a least value ({op.v_min_q.min()}); Lava's LIF has none"
    if op.max_spikes > 1:
        yield f"it fires up to {op.max_spikes} times a step; Lava's LIF once"
    if op.refractory:
        yield f"it rests {op.refractory} steps after a spike; Lava has no such process in fixed point"
    if _bias(op)[1] > EXPONENT_MAX:
        yield (
            f"biases of up to {np.abs(op.bias_q).max()} are no mantissa of up to {MANTISSA_MAX} with one exponent of "
            f"up to {EXPONENT_MAX}. Compile for loihi2, which rounds them so"
        )


def _threshold(op: IntLIF) -> Iterator[str]:
    if np.ptp(op.fire_at):
        yield f"thresholds differ between neurons ({op.fire_at.min()}..{op.fire_at.max()}); Lava's LIF has one"
        return
    above = int(op.fire_at.flat[0]) - 1
    if above % THRESHOLD_STEP:
        near = max(1, round(above / THRESHOLD_STEP)) * THRESHOLD_STEP
        yield (
            f"it fires above {above}; Lava's LIF fires above multiples of {THRESHOLD_STEP}, the nearest is {near}. "
            f"Compile with --set neurons.threshold_step={THRESHOLD_STEP}"
        )
    elif above // THRESHOLD_STEP > VTH_MAX:
        yield f"its threshold {above} is beyond Lava's {VTH_MAX * THRESHOLD_STEP}. Compile with fewer --bits"


def _bias(op: IntLIF) -> tuple[Any, int]:
    """Mantissas and the least exponent that are exactly the biases; an exponent beyond the largest where none is."""
    for exponent in range(EXPONENT_MAX + 1):
        mantissa = op.bias_q >> exponent
        if np.array_equal(mantissa << exponent, op.bias_q) and np.abs(mantissa).max() <= MANTISSA_MAX:
            return mantissa, exponent
    return op.bias_q, EXPONENT_MAX + 1


def _registers(network: Network) -> Iterator[tuple[str, str]]:
    """Layers whose u or v cannot be proven to stay where Lava's and the target's registers do the same."""
    u, v = network.registers.u, network.registers.v
    for name, op in network.neurons.items():
        reached = _reached(network, name)
        ends = {"u": min(STATE_MAX, u.high)}
        if op.reset == "none":
            ends["v"] = min(VTH_MAX * THRESHOLD_STEP, v.high)
        elif v != CLIPS:
            ends["v"] = min(STATE_MAX, v.high)
        for register, end in ends.items():
            most = getattr(reached, register).magnitude
            if most > end:
                yield (
                    name,
                    f"{register} could reach {most} for some input; past {end} Lava's LIF does something else than the "
                    "target. Compile with fewer --bits, or fewer steps",
                )


def _reached(network: Network, name: str) -> bounds.NeuronBounds:
    op = network.neurons[name]
    return bounds.neurons(op, bounds.current(network.graph, name, network.registers), network.steps)


def _timing(network: Network, streamed: bool) -> Iterator[tuple[str, str]]:
    """Ways through synapses that Lava's own processes cannot keep in step."""
    made = schedule(network.graph)
    driven = max((int(op.bias_q.max()) for op in network.neurons.values()), default=0)
    for arrival in made.arrivals:
        if arrival.wait > DELAY_MAX:
            yield arrival.synapses, f"spikes wait {arrival.wait} steps; Lava's delays end at {DELAY_MAX}"
        if not arrival.delay:
            continue
        if streamed:
            yield (
                arrival.synapses,
                f"spikes arrive {arrival.delay} steps late, in the next sample of a stream",
            )
        if made.period > 1:
            yield (
                arrival.synapses,
                f"a later layer feeds an earlier one: a step takes {made.period} of Lava's, whose LIF does not wait",
            )
        if driven > 0:
            yield (
                arrival.synapses,
                f"spikes arrive {arrival.delay} steps late, and a bias of up to {driven} makes some before the first "
                "step; Lava's LIF cannot hold a bias back",
            )
