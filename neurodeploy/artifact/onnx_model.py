"""A network as an ONNX model: one Scan over time whose body calls the local functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neurodeploy.artifact.onnx_functions import DOMAIN, OPSET, Function
from neurodeploy.artifact.onnx_neurons import arrays, neuron_function, results, states
from neurodeploy.artifact.onnx_synapses import accumulate_type, conv_function, dense_function
from neurodeploy.errors import FitError, UnsupportedError
from neurodeploy.ir import (
    Delay,
    Flatten,
    Graph,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    Op,
    Output,
    Shape,
    to_json,
)
from neurodeploy.network import Network
from neurodeploy.semantics import Registers, bounds

IR_VERSION = 10
INTERFACE = TensorProto.INT32


@dataclass(frozen=True, slots=True)
class State:
    """A state of the Scan: names before and after a step, shape without the batch, type, and its start.

    `start` is an int, or the name of an initializer that broadcasts to the shape.
    """

    before: str
    after: str
    shape: Shape
    type: int = TensorProto.INT64
    start: int | str = 0


@dataclass
class Parts:
    """The pieces of the model while it is put together; `value` names the tensor that carries a layer's result."""

    graph: Graph
    registers: Registers
    body: list[onnx.NodeProto] = field(default_factory=list)
    outer: list[onnx.NodeProto] = field(default_factory=list)
    functions: dict[str, onnx.FunctionProto] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    value: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node of the Scan body."""
        self.body.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def call(self, function: Function, inputs: list[str], outputs: list[str]) -> None:
        """A call of a local function in the Scan body."""
        self.functions[function.name] = function.proto
        self.body.append(function.call(inputs, outputs))


def build_model(network: Network, trace: bool = False) -> onnx.ModelProto:
    """The ONNX model of a network, opset 21, IR 10, without metadata.

    Input `x` int32 `(T, N, *shape)`; outputs `spikes` int32 `(T, N, *out)` and, for a readout, `membrane`
    int32 `(T, N, *out)`. T and N are dynamic. With `trace` every layer of neurons adds `NAME.s_trace` and
    `NAME.v_trace`. The initializers are the arrays of the graph, under their names.
    Raises `UnsupportedError` for an operation without an ONNX form, `FitError` for sums that are not exact and
    for inputs wider than int32.
    """
    parts = parts_of(network)
    shown = shown_by(network, trace, parts)
    scan = _scan(network.input, parts, shown)
    nodes = [*parts.outer, scan, *(_to_interface(public) for public in shown)]
    given = [helper.make_tensor_value_info("x", INTERFACE, ["T", "N", *network.input.shape])]
    results = [helper.make_tensor_value_info(p, INTERFACE, ["T", "N", *s]) for p, (_, s) in shown.items()]
    return assembled("network", parts, nodes, given, results)


def assembled(
    name: str,
    parts: Parts,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """The model of these nodes, with the arrays of the graph as initializers and the functions that `parts` call."""
    arrays = [
        numpy_helper.from_array(array, array_name) for array_name, array in to_json(parts.graph)[1].items()
    ]
    graph = helper.make_graph(nodes, name, inputs, outputs, arrays)
    return helper.make_model(
        graph,
        ir_version=IR_VERSION,
        producer_name="neurodeploy",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        functions=[parts.functions[name] for name in sorted(parts.functions)],
    )


def parts_of(network: Network) -> Parts:
    """The nodes, functions and states of one time step; raises as `build_model` does."""
    _require_forms(network.graph)
    bounds.require_exact(network.graph, network.registers)
    _require_interface(network.input)
    parts = Parts(network.graph, network.registers)
    for name in network.graph.names:
        _emit(name, parts)
    for name, op in network.graph.of(Delay).items():
        _put(name, op, parts)
    return parts


def _require_forms(graph: Graph) -> None:
    for name in graph.names:
        if type(op := graph.op(name)) not in _EMIT:
            raise UnsupportedError(f"layer '{name}': '{op.kind}' has no ONNX form")


def _require_interface(op: IntInput) -> None:
    low, high = -(1 << 31), (1 << 31) - 1
    if op.low < low or op.high > high:
        raise FitError(
            f"its inputs {op.low}..{op.high} do not fit the artefact's int32 ({low}..{high}); use a smaller input scale"
        )


def _emit(name: str, parts: Parts) -> None:
    op = parts.graph.op(name)
    # The inputs of a delay may come later in the step: it passes on what it holds, see `_put`.
    sources = [] if isinstance(op, Delay) else [parts.value[source] for source in parts.graph.sources(name)]
    try:
        parts.value[name] = _EMIT[type(op)](name, op, sources, parts)
    except UnsupportedError as error:
        raise UnsupportedError(f"layer '{name}': {error}") from None


def _input(name: str, op: IntInput, sources: list[str], parts: Parts) -> str:
    return "x_t"


def _output(name: str, op: Output, sources: list[str], parts: Parts) -> str:
    return sources[0]


def _flatten(name: str, op: Flatten, sources: list[str], parts: Parts) -> str:
    return parts.add("Flatten", sources, f"{name}.flat", axis=1)


def _dense(name: str, op: IntDense, sources: list[str], parts: Parts) -> str:
    given = bounds.carried(parts.graph, parts.graph.sources(name)[0], parts.registers)
    parts.outer += [
        helper.make_node(
            "Cast", [f"{name}.weight_q"], [f"{name}.weight_real"], to=accumulate_type(op, given)
        ),
        helper.make_node("Transpose", [f"{name}.weight_real"], [f"{name}.weight"], perm=[1, 0]),
    ]
    parts.call(dense_function(op, given), [*sources, f"{name}.weight"], [f"{name}.a"])
    return f"{name}.a"


def _conv(name: str, op: IntConv, sources: list[str], parts: Parts) -> str:
    given = bounds.carried(parts.graph, parts.graph.sources(name)[0], parts.registers)
    parts.outer.append(
        helper.make_node("Cast", [f"{name}.weight_q"], [f"{name}.weight"], to=accumulate_type(op, given))
    )
    parts.call(conv_function(op, given), [*sources, f"{name}.weight"], [f"{name}.a"])
    return f"{name}.a"


def _neurons(name: str, op: IntLIF, sources: list[str], parts: Parts) -> str:
    current = _total(name, sources, parts)
    start: int | str = f"{name}.initial_q" if op.initial_q.ndim else int(op.initial_q)
    kept = states(op)
    parts.states += [
        State(f"{name}.{s}_before", f"{name}.{s}", op.shape, start=start if s == "v" else 0) for s in kept
    ]
    inputs = [current, *(f"{name}.{s}_before" for s in kept), *(f"{name}.{field}" for field in arrays(op))]
    outputs = [f"{name}.{result.removesuffix('_next')}" for result in results(op)]
    parts.call(neuron_function(op, parts.registers), inputs, outputs)
    return f"{name}.v" if op.reset == "none" else f"{name}.s"


def _total(name: str, sources: list[str], parts: Parts) -> str:
    """The sum of all groups of synapses; a scalar zero where there are none."""
    if not sources:
        return parts.add("Constant", [], f"{name}.no_synapses", value_int=0)
    current = sources[0]
    for i, other in enumerate(sources[1:], start=1):
        current = parts.add("Add", [current, other], f"{name}.sum_{i}")
    return current


def _delay(name: str, op: Delay, sources: list[str], parts: Parts) -> str:
    number = INTERFACE if op.signal == "value" else TensorProto.INT64
    parts.states.append(State(f"{name}.line", f"{name}.line_next", (op.steps, *op.shape), number))
    oldest = parts.add("Constant", [], f"{name}.oldest", value_int=0)
    return parts.add("Gather", [f"{name}.line", oldest], f"{name}.y", axis=1)


def _put(name: str, op: Delay, parts: Parts) -> None:
    """The line of a delay, (N, steps, *shape), at the end of the step: without its oldest, with the newest."""
    axis = parts.add("Constant", [], f"{name}.axis", value_ints=[1])
    newest = [parts.value[parts.graph.sources(name)[0]], axis]
    if op.steps == 1:
        parts.add("Unsqueeze", newest, f"{name}.line_next")
        return
    end = parts.add("Constant", [], f"{name}.end", value_ints=[op.steps])
    held = parts.add("Slice", [f"{name}.line", axis, end, axis], f"{name}.held")
    parts.add("Concat", [held, parts.add("Unsqueeze", newest, f"{name}.newest")], f"{name}.line_next", axis=1)


_EMIT: Mapping[type[Op], Callable[[str, Any, list[str], Parts], str]] = {
    IntInput: _input,
    Flatten: _flatten,
    IntDense: _dense,
    IntConv: _conv,
    IntLIF: _neurons,
    Delay: _delay,
    Output: _output,
}
"""What each kind of layer becomes in the Scan body; returns the tensor that carries its result."""


def shown_by(network: Network, trace: bool, parts: Parts) -> dict[str, tuple[str, Shape]]:
    """Public name of every output -> name in the Scan body, and shape."""
    output = network.graph.output
    result, shape = parts.value[output], network.graph.types[output].shape
    shown = {"spikes": (result, shape)}
    if network.is_readout:
        shown = {"spikes": (_silence(output, result, parts), shape), "membrane": (result, shape)}
    for name, op in network.neurons.items() if trace else ():
        silent = op.reset == "none"
        spikes = _silence(name, f"{name}.v", parts) if silent else f"{name}.s"
        shown |= {f"{name}.s_trace": (spikes, op.shape), f"{name}.v_trace": (f"{name}.v", op.shape)}
    return shown


def _silence(name: str, like: str, parts: Parts) -> str:
    """Zeros: the spikes of a readout."""
    silence = f"{name}.silence"
    if all(silence not in node.output for node in parts.body):
        zero = parts.add("Constant", [], f"{name}.no_spike", value_int=0)
        parts.add("Mul", [like, zero], silence)
    return silence


def _scan(op: IntInput, parts: Parts, shown: dict[str, tuple[str, Shape]]) -> onnx.NodeProto:
    before, given, after, results = step_interface(op, parts, shown)
    body = helper.make_graph(parts.body, "time_step", [*before, given], [*after, *results])
    parts.outer.append(helper.make_node("Shape", ["x"], ["samples"], start=1, end=2))
    for state in parts.states:
        parts.outer += _start(state)
    return helper.make_node(
        "Scan",
        [*(f"{s.before}_start" for s in parts.states), "x"],
        [*(f"{s.after}_last" for s in parts.states), *(f"{public}.wide" for public in shown)],
        body=body,
        num_scan_inputs=1,
    )


Values = list[onnx.ValueInfoProto]


def step_interface(
    op: IntInput, parts: Parts, shown: dict[str, tuple[str, Shape]]
) -> tuple[Values, onnx.ValueInfoProto, Values, Values]:
    """Of one time step: the states before it, its input `x_t`, the states after it, and `PUBLIC.step` of what is shown.

    The nodes that name the latter are added to the body.
    """

    def typed(name: str, number: int, shape: Sequence[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, number, ["N", *shape])

    for public, (inner, _) in shown.items():
        parts.add("Identity", [inner], f"{public}.step")
    return (
        [typed(s.before, s.type, s.shape) for s in parts.states],
        typed("x_t", INTERFACE, op.shape),
        [typed(s.after, s.type, s.shape) for s in parts.states],
        [typed(f"{public}.step", TensorProto.INT64, shape) for public, (_, shape) in shown.items()],
    )


def _start(state: State) -> list[onnx.NodeProto]:
    """The state before the first step, (N, *shape)."""
    name, nodes, value = state.before, [], state.start
    if isinstance(value, int):
        number = np.array(value, helper.tensor_dtype_to_np_dtype(state.type))
        value = f"{name}_value"
        nodes.append(helper.make_node("Constant", [], [value], value=numpy_helper.from_array(number)))
    return [
        *nodes,
        helper.make_node("Constant", [], [f"{name}_extents"], value_ints=list(state.shape)),
        helper.make_node("Concat", ["samples", f"{name}_extents"], [f"{name}_shape"], axis=0),
        helper.make_node("Expand", [value, f"{name}_shape"], [f"{name}_start"]),
    ]


def _to_interface(public: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [f"{public}.wide"], [public], to=INTERFACE)
