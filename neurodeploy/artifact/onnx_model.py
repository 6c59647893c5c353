"""A network as an ONNX model: one Scan over time whose body calls the local functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neurodeploy.artifact.onnx_functions import (
    DOMAIN,
    OPSET,
    Function,
    dense_function,
    neuron_attributes,
    neuron_function,
)
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import DECAY_ONE, Flatten, IntDense, IntInput, IntLIF, Output, Shape
from neurodeploy.network import Network
from neurodeploy.semantics import bounds

IR_VERSION = 10
INTERFACE = TensorProto.INT32


@dataclass
class _Parts:
    """The pieces of the model while it is put together."""

    body: list[onnx.NodeProto] = field(default_factory=list)
    outer: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    functions: dict[str, onnx.FunctionProto] = field(default_factory=dict)
    states: list[tuple[str, str, int]] = field(default_factory=list)
    value: dict[str, str] = field(default_factory=dict)


def build_model(network: Network, trace: bool = False) -> onnx.ModelProto:
    """The ONNX model of a network, opset 21, IR 10, without metadata.

    Input `x` int32 `(T, N, *shape)`; outputs `spikes` int32 `(T, N, *out)` and, for a readout, `membrane`
    int32 `(T, N, *out)`. T and N are dynamic. With `trace` every layer of neurons adds `NAME.s` and `NAME.v`.
    Raises `UnsupportedError` for an operation without an ONNX form.
    """
    parts = _Parts()
    for name in network.graph.names:
        _emit(network, name, parts)
    results = _results(network, trace)
    scan = _scan(network, parts, results)
    graph = helper.make_graph(
        [*parts.outer, scan, *(_to_interface(public, f"{public}.wide") for public in results)],
        "network",
        [helper.make_tensor_value_info("x", INTERFACE, ["T", "N", *network.input.shape])],
        [
            helper.make_tensor_value_info(p, INTERFACE, ["T", "N", *shape])
            for p, (_, shape) in results.items()
        ],
        parts.initializers,
    )
    return helper.make_model(
        graph,
        ir_version=IR_VERSION,
        producer_name="neurodeploy",
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        functions=[parts.functions[name] for name in sorted(parts.functions)],
    )


def _emit(network: Network, name: str, parts: _Parts) -> None:
    op = network.graph.op(name)
    sources = [parts.value[source] for source in network.graph.sources(name)]
    if isinstance(op, IntInput):
        parts.value[name] = "x_t"
    elif isinstance(op, Flatten):
        parts.value[name] = f"{name}.flat"
        parts.body.append(helper.make_node("Flatten", sources, [parts.value[name]], axis=1))
    elif isinstance(op, IntDense):
        _emit_dense(network, name, op, sources[0], parts)
    elif isinstance(op, IntLIF):
        _emit_neurons(name, op, network, sources, parts)
    elif not isinstance(op, Output):
        raise UnsupportedError(f"layer '{name}': '{op.kind}' has no ONNX form")


def _emit_dense(network: Network, name: str, op: IntDense, source: str, parts: _Parts) -> None:
    wide = _sum_bound(network, name, op) >= bounds.EXACT_FLOAT32
    accumulate = TensorProto.DOUBLE if wide else TensorProto.FLOAT
    parts.initializers.append(numpy_helper.from_array(op.weight_q, f"{name}.weight_q"))
    parts.outer += [
        helper.make_node("Cast", [f"{name}.weight_q"], [f"{name}.weight_real"], to=accumulate),
        helper.make_node("Transpose", [f"{name}.weight_real"], [f"{name}.weight"], perm=[1, 0]),
    ]
    attributes = {"factor": 1 << abs(op.exponent)} if op.exponent else {}
    _call(parts, dense_function(op, accumulate), [source, f"{name}.weight"], [f"{name}.a"], attributes)
    parts.value[name] = f"{name}.a"


def _sum_bound(network: Network, name: str, op: IntDense) -> int:
    graded = network.graph.types[network.graph.sources(name)[0]].signal == "value"
    return bounds.partial_sums(op, max(-network.input.low, network.input.high) if graded else 1)


def _emit_neurons(name: str, op: IntLIF, network: Network, sources: list[str], parts: _Parts) -> None:
    current = sources[0]
    for i, other in enumerate(sources[1:], start=1):
        parts.body.append(helper.make_node("Add", [current, other], [f"{name}.sum_{i}"]))
        current = f"{name}.sum_{i}"
    parts.initializers.append(numpy_helper.from_array(op.bias_q, f"{name}.bias_q"))
    states = ["v", "u"] if op.du < DECAY_ONE else ["v"]
    parts.states += [(f"{name}.{s}_before", f"{name}.{s}", op.shape[0]) for s in states]
    _call(
        parts,
        neuron_function(op, network.registers),
        [current, *(f"{name}.{s}_before" for s in states), f"{name}.bias_q"],
        [f"{name}.s", *(f"{name}.{s}" for s in states)],
        neuron_attributes(op),
    )
    parts.value[name] = f"{name}.s"


def _call(
    parts: _Parts, function: Function, inputs: list[str], outputs: list[str], attributes: dict[str, int]
) -> None:
    parts.functions[function.name] = function.proto
    node = helper.make_node(function.name, inputs, outputs, domain=DOMAIN)
    node.attribute.extend(helper.make_attribute(key, attributes[key]) for key in sorted(attributes))
    parts.body.append(node)


def _results(network: Network, trace: bool) -> dict[str, tuple[str, Shape]]:
    """Public name of every output -> name in the Scan body, and shape."""
    output = network.graph.output
    shape = network.graph.types[output].shape
    results = {"spikes": (f"{output}.s", shape)}
    if network.is_readout:
        results["membrane"] = (f"{output}.v", shape)
    if trace:
        for name, op in network.neurons.items():
            results |= {
                f"{name}.s.trace": (f"{name}.s", op.shape),
                f"{name}.v.trace": (f"{name}.v", op.shape),
            }
    return results


def _scan(network: Network, parts: _Parts, results: dict[str, tuple[str, Shape]]) -> onnx.NodeProto:
    def int64(name: str, shape: Sequence[str | int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.INT64, shape)

    frame = helper.make_tensor_value_info("x_t", INTERFACE, ["N", *network.input.shape])
    copies = [
        helper.make_node("Identity", [inner], [f"{public}.step"]) for public, (inner, _) in results.items()
    ]
    body = helper.make_graph(
        [*parts.body, *copies],
        "time_step",
        [*(int64(before, ["N", n]) for before, _, n in parts.states), frame],
        [
            *(int64(after, ["N", n]) for _, after, n in parts.states),
            *(int64(f"{public}.step", ["N", *shape]) for public, (_, shape) in results.items()),
        ],
    )
    parts.outer.append(helper.make_node("Shape", ["x"], ["samples"], start=1, end=2))
    for before, _, n in parts.states:
        parts.outer += _zeros(before, n)
    return helper.make_node(
        "Scan",
        [*(f"{before}.zero" for before, _, _ in parts.states), "x"],
        [*(f"{after}.last" for _, after, _ in parts.states), *(f"{public}.wide" for public in results)],
        body=body,
        num_scan_inputs=1,
    )


def _zeros(name: str, size: int) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Constant", [], [f"{name}.size"], value_ints=[size]),
        helper.make_node("Concat", ["samples", f"{name}.size"], [f"{name}.shape"], axis=0),
        helper.make_node(
            "ConstantOfShape",
            [f"{name}.shape"],
            [f"{name}.zero"],
            value=numpy_helper.from_array(np.zeros(1, np.int64)),
        ),
    ]


def _to_interface(public: str, inner: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [inner], [public], to=INTERFACE)
