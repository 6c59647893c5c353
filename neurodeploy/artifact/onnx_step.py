"""A network as an ONNX model of one time step: its state goes in and comes out, for closed loops."""

from __future__ import annotations

import onnx

from neurodeploy.artifact.onnx_model import State, assembled, parts_of, shown_by, step_interface
from neurodeploy.network import Network


def build_step_model(network: Network) -> onnx.ModelProto:
    """The ONNX model of one step, opset 21, IR 10.

    Inputs `x_t` int32 `(N, *shape)` and every state; outputs `spikes.step` and, for a readout, `membrane.step` int64
    `(N, *out)`, and every state of the next step. A state `NAME_before` of the inputs is `NAME` of the outputs, or
    `NAME_next` for a delay line; `step_states` gives both names. Raises as `build_model` does.
    """
    parts = parts_of(network)
    shown = shown_by(network, False, parts)
    before, given, after, results = step_interface(network.input, parts, shown)
    nodes = [*parts.outer, *parts.body]
    return assembled("time_step", parts, nodes, [given, *before], [*results, *after])


def step_states(network: Network) -> dict[str, State]:
    """The states of the model, by input name; `after` names the output, `start` what a sample begins with."""
    return {state.before: state for state in parts_of(network).states}
