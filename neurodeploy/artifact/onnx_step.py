"""A network as an ONNX model of one time step: its state goes in and comes out, for closed loops."""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from neurodeploy.artifact.onnx_functions import DOMAIN, OPSET
from neurodeploy.artifact.onnx_model import INTERFACE, IR_VERSION, State, parts_of, shown_by
from neurodeploy.ir import to_json
from neurodeploy.network import Network


def build_step_model(network: Network) -> onnx.ModelProto:
    """The ONNX model of one step, opset 21, IR 10.

    Inputs `x_t` int32 `(N, *shape)` and every state; outputs `spikes.step` and, for a readout, `membrane.step` int64
    `(N, *out)`, and every state of the next step. A state `NAME_before` of the inputs is `NAME` of the outputs, or
    `NAME_next` for a delay line; `step_states` gives both names. Raises as `build_model` does.
    """
    parts = parts_of(network)
    shown = shown_by(network, False, parts)
    for public, (inner, _) in shown.items():
        parts.add("Identity", [inner], f"{public}.step")
    weights = [node for node in parts.outer if node.op_type in ("Cast", "Transpose")]

    def typed(name: str, state: State) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, state.type, ["N", *state.shape])

    results = [
        helper.make_tensor_value_info(f"{public}.step", onnx.TensorProto.INT64, ["N", *shape])
        for public, (_, shape) in shown.items()
    ]
    graph = helper.make_graph(
        [*weights, *parts.body],
        "time_step",
        [
            helper.make_tensor_value_info("x_t", INTERFACE, ["N", *network.input.shape]),
            *(typed(state.before, state) for state in parts.states),
        ],
        [*results, *(typed(state.after, state) for state in parts.states)],
        [numpy_helper.from_array(array, name) for name, array in to_json(network.graph)[1].items()],
    )
    return helper.make_model(
        graph,
        ir_version=IR_VERSION,
        producer_name="neurodeploy",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        functions=[parts.functions[name] for name in sorted(parts.functions)],
    )


def step_states(network: Network) -> dict[str, State]:
    """The states of the model, by input name; `after` names the output, `start` what a sample begins with."""
    return {state.before: state for state in parts_of(network).states}
