"""What a NIR file leaves open, and who says it: `--set nir.KEY=VALUE`, else `--from PRESET`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from neurodeploy.errors import UsageError

Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=1e6)]
Gain = Literal["leak", "one", "decay"]


class NirConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the front end; None: not said. NIR gives equations in continuous time, these make them steps.

    With x = dt / tau, decay a = 1 - x ('euler') or exp(-x) ('exp'), and a gain g for what comes in:

        v[t] = a v[t-1] + g I[t] + (1 - a) v_leak

    - `dt`: seconds per step; "r": what rockpool put into r = exp(-x) / x;
    - `reset`: to v_reset ("zero") or by the threshold ("subtract");
    - `reset_timing`: in the step of the spike ("same"), or as a term of the next step's equation ("next"):
      v = a v + g I - th s[t-1], or (a v + g I) (1 - s[t-1]); "snntorch": next, as its classes do it, see `PRESETS`;
    - `integration`: "euler" or "exp";
    - `comparison`: fires at v > threshold ("gt") or v >= threshold ("ge");
    - `spikes`: at most "one" in a step, as "many" as the threshold fits, or so many at most;
    - `clamp`: v is kept at or above this multiple of the threshold, or "none";
    - `if_convention`: the r of I and IF is per second, g = r dt ("dt"), or per step, g = r ("step");
    - `gain` of LIF and CubaLIF, `readout_gain` of LI and CubaLI: g = (1 - a) r ("leak"), 1 ("one") or a ("decay");
      "leak" where nothing is said with 'euler', which the equation then says;
    - `synapse_gain` of the current of CubaLI and CubaLIF, with w_in for r: the same;
    - `current_order`: the potential takes the current of this step ("new") or of the one before ("old");
    - `initial`: v starts at 0 ("zero"), v_leak ("leak") or v_reset ("reset");
    - `recurrence`: a cycle delays the "spikes", so that biases on the way act in step 0, or the "currents";
    - `time_unit`: time constants are in "seconds" (NIR's unit), or were multiplied by dt ("seconds-times-dt");
    - `readout`: an Output without neurons gives its value of each "step" (as NIR says), or their "sum" over time.
    """

    dt: Seconds | Literal["r"] | None = None
    reset: Literal["zero", "subtract"] | None = None
    reset_timing: Literal["same", "next", "snntorch"] | None = None
    integration: Literal["euler", "exp"] | None = None
    comparison: Literal["gt", "ge"] | None = None
    spikes: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)] | Literal["one", "many"] | None = None
    clamp: Annotated[float, msgspec.Meta(le=0.0, ge=-1e6)] | Literal["none"] | None = None
    if_convention: Literal["dt", "step"] | None = None
    gain: Gain | None = None
    readout_gain: Gain | None = None
    synapse_gain: Gain | None = None
    current_order: Literal["new", "old"] | None = None
    initial: Literal["zero", "leak", "reset"] | None = None
    recurrence: Literal["spikes", "currents"] | None = None
    time_unit: Literal["seconds", "seconds-times-dt"] | None = None
    readout: Literal["step", "sum"] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings before those of a preset, and before what NIR itself says."""

    given: NirConfig
    preset: str | None = None

    def find(self, key: str) -> Any:
        """What was said about `key`, or None."""
        said = getattr(self.given, key)
        if said is None and self.preset is not None:
            said = getattr(PRESETS[self.preset], key)
        return said

    def origin(self, key: str) -> str:
        """Who said it, for a note."""
        if getattr(self.given, key) is not None:
            return f"--set nir.{key}"
        return f"preset {self.preset}"


def settings(preset: str | None, config: NirConfig) -> Settings:
    """Settings and preset together; raises `UsageError` for a preset that does not exist."""
    if preset is not None and preset not in PRESETS:
        raise UsageError(
            f"--from {preset}: a .nir file is read with --from {', '.join(PRESETS)}, or --set nir.*"
        )
    return Settings(config, preset)


_SNNTORCH = NirConfig(
    dt=1e-4,
    reset="subtract",
    reset_timing="snntorch",
    integration="euler",
    comparison="gt",
    spikes="one",
    clamp="none",
    current_order="new",
    initial="zero",
    recurrence="spikes",
)
_SPIKINGJELLY = NirConfig(
    dt=1e-4,
    reset="zero",
    reset_timing="same",
    integration="euler",
    comparison="ge",
    spikes="one",
    clamp="none",
    if_convention="dt",
    current_order="new",
    initial="reset",
    recurrence="currents",
)
_NORSE = NirConfig(
    dt=1e-3,
    reset="zero",
    reset_timing="same",
    integration="euler",
    comparison="gt",
    spikes="one",
    clamp="none",
    if_convention="step",
    synapse_gain="one",
    current_order="new",
    initial="leak",
    recurrence="currents",
)
_SINABS = NirConfig(
    dt=1.0,
    reset="subtract",
    reset_timing="same",
    integration="exp",
    comparison="ge",
    spikes="many",
    clamp="none",
    if_convention="step",
    gain="leak",
    readout_gain="one",
    initial="zero",
)
_ROCKPOOL = NirConfig(
    dt="r",
    reset="subtract",
    reset_timing="same",
    integration="exp",
    comparison="ge",
    spikes="many",
    clamp="none",
    gain="one",
    readout_gain="decay",
    synapse_gain="decay",
    current_order="new",
    initial="zero",
)
_SPINNAKER2 = NirConfig(
    reset="subtract",
    reset_timing="same",
    integration="exp",
    spikes="one",
    clamp="none",
    if_convention="step",
    gain="leak",
    synapse_gain="leak",
    initial="zero",
)
_LAVA_DL = NirConfig(
    dt=1e-4,
    reset="zero",
    reset_timing="same",
    integration="euler",
    comparison="gt",
    spikes="one",
    clamp="none",
    if_convention="step",
    current_order="new",
    initial="zero",
)

PRESETS = {
    "snntorch": _SNNTORCH,
    "spikingjelly": _SPIKINGJELLY,
    "norse": _NORSE,
    "norse-1.1": msgspec.structs.replace(_NORSE, time_unit="seconds-times-dt"),
    "sinabs": _SINABS,
    "rockpool": _ROCKPOOL,
    "spinnaker2": _SPINNAKER2,
    "lava-dl": _LAVA_DL,
}
"""What the nets were that a framework writes, with the defaults of its classes, where its exporter keeps no trace.

What is None is not known of the framework, or never in its files, and is asked for.

- snntorch 1.0.0 (export_nir.py, _neurons/): v = beta v + I; dt 1e-4 is fixed in its exporter. Defaults:
  `reset_mechanism="subtract"`, `reset_delay=True`. With "zero", Leaky sets v to zero before the next step, which
  gives the spikes of "same"; Synaptic, RLeaky and RSynaptic lose the next step's v: "next". `reset_delay=False` is
  `reset_timing=same`. RLeaky's and RSynaptic's recurrent layer gets the spikes of the step before.
- spikingjelly 2.0.0 (nir_exchange/to_nir.py): fires at the threshold, v starts at v_reset, hard reset only, r of IF
  is 1/dt.
- norse, from February 2026 (git 065a3b45): v starts at v_leak. LIFCell is written as CubaLIF with w_in 1, although
  what comes in is added to its current as it is: `synapse_gain="one"`. Files of others, which say w_in, are read by
  Norse with `synapse_gain="leak"`.
- norse-1.1 (1.1.0): the same, but writes dt/tau_mem_inv for tau, which is tau times dt.
- sinabs 3.1.3 (nir.py, layers/): tau in steps, so dt is 1. Defaults: MultiSpike, MembraneSubtract, `min_v_mem=None`;
  `norm_input=True` for LIF (`gain="leak"`), False for ExpLeak. tau_syn is dropped by its exporter.
- rockpool 3.1.0 (nn/modules/torch/nir.py): current and potential decay after they are added to: isyn = beta (isyn +
  I). dt stands in r. Its exporter drops recurrent weights, and biases of neurons.
- spinnaker2 (py-spinnaker2, s2_nir.py, defaults of ConversionConfig but dt): an importer; its connection delay of one
  step is a delay of the chip, not of the model. Its comparison and the order in CubaLIF are not documented.
- lava-dl (NIR repository, paper/nir_to_lava.py): an importer; slayer's CUBA neuron fires above the threshold by its
  own 1/scale, which on its integer states is ">".
"""
