"""From a torch module to the graph of its operations."""

from __future__ import annotations

import operator

import torch
import torch.fx

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.maps import Flattened, Sum
from neurodeploy.training.modules import Recall, Remember, Residual
from neurodeploy.training.operations import OPERATIONS, operation
from neurodeploy.training.structure import Input, Network, Node, Op, Recalled, Remembered
from neurodeploy.training.synapses import FeedbackConvolution, Synapse


def network_of(module: torch.nn.Module) -> Network:
    """The graph of a module; synapses hold the module's own parameters.

    A Sequential is read layer by layer, another module is traced by `torch.fx`. Raises `UnsupportedError`
    naming the first layer that cannot be trained and why.
    """
    nodes = [Node("", Input(), ())]
    if isinstance(module, torch.nn.Sequential):
        last = _read(nodes, "", module, 0)
        if last != len(nodes) - 1:
            raise UnsupportedError("the network must end in the value computed last")
    else:
        _read_traced(nodes, module)
    _check_feedback(nodes)
    network = Network(tuple(nodes))
    if not network.of(Synapse):
        raise UnsupportedError("the network has no Linear or Conv2d layer, so there is nothing to train")
    return network


def _read(nodes: list[Node], name: str, module: torch.nn.Module, source: int) -> int:
    """Append the nodes of a layer, chain or residual block that takes the value of `source`; the last one."""
    if isinstance(module, torch.nn.Sequential):
        for child_name, child in module.named_children():
            source = _read(nodes, f"{name}.{child_name}" if name else child_name, child, source)
        return source
    if isinstance(module, Residual):
        body = _read(nodes, f"{name}.body", module.body, source)
        shortcut = _read(nodes, f"{name}.shortcut", module.shortcut, source)
        return _append(nodes, Node(name, Sum(), (body, shortcut)))
    if isinstance(module, Recall):
        recalled = _append(nodes, Node(name, Recalled(module.memory), ()))
        synapse = FeedbackConvolution(f"{name}.conv", module.conv, int(module.up.scale_factor))  # type: ignore[arg-type]
        fed_back = _append(nodes, Node(f"{name}.conv", synapse, (recalled,)))
        return _append(nodes, Node(name, Sum(), (source, fed_back)))
    if isinstance(module, Remember):
        return _append(nodes, Node(name, Remembered(module.memory), (source,)))
    if type(module) is torch.nn.Identity:
        return source
    return _append(nodes, Node(name, operation(name, module), (source,)))


def _check_feedback(nodes: list[Node]) -> None:
    """Raise `UnsupportedError` unless each memory is recalled once, and remembered once behind that."""
    recalled: dict[int, str] = {}
    for node in nodes:
        if isinstance(node.op, Recalled):
            if id(node.op.memory) in recalled:
                raise UnsupportedError(
                    f"layer {node.name!r} recalls a memory that another layer recalls already"
                )
            recalled[id(node.op.memory)] = node.name
        elif isinstance(node.op, Remembered) and not recalled.pop(id(node.op.memory), ""):
            raise UnsupportedError(f"layer {node.name!r} remembers what no layer before it recalls")
    for name in recalled.values():
        raise UnsupportedError(f"layer {name!r} recalls what no layer behind it remembers; add a Remember")


def _append(nodes: list[Node], node: Node) -> int:
    nodes.append(node)
    return len(nodes) - 1


class _Tracer(torch.fx.Tracer):
    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        if type(m) in OPERATIONS or isinstance(m, Residual | Recall | Remember):
            return True
        return super().is_leaf_module(m, module_qualified_name)


def _read_traced(nodes: list[Node], module: torch.nn.Module) -> None:
    """Append the nodes of a traced module, the one that it returns last."""
    kind = type(module).__name__
    if type(module) in OPERATIONS:
        raise UnsupportedError(f"cannot train a single {kind}; put the layers in a torch.nn.Sequential")
    try:
        graph = _Tracer().trace(module)
    except Exception as error:
        raise UnsupportedError(f"cannot train a {kind}: torch.fx cannot trace it: {error}") from None
    index: dict[torch.fx.Node, int] = {}
    used: set[str] = set()
    for step in graph.nodes:
        sources = tuple(index[n] for n in step.all_input_nodes)
        if step.op == "placeholder":
            if 0 in index.values():
                raise UnsupportedError(f"cannot train a {kind}: it takes more than one input")
            index[step] = 0
        elif step.op == "output":
            if len(sources) != 1 or sources[0] != len(nodes) - 1:
                raise UnsupportedError(f"cannot train a {kind}: it must return the value computed last")
        elif step.op == "call_module":
            name = str(step.target)
            if name in used:
                raise UnsupportedError(f"layer {name!r} is used twice; make it two layers")
            used.add(name)
            index[step] = _read(nodes, name, module.get_submodule(name), sources[0])
        else:
            index[step] = _append(nodes, Node(step.name, _function(step), sources))


def _function(step: torch.fx.Node) -> Op:
    """The operation of a function or method in a traced module."""
    if step.target in (operator.add, operator.iadd, torch.add, "add", "add_"):
        if len(step.all_input_nodes) == len(step.args) == 2 and not step.kwargs:
            return Sum()
    elif step.target in (torch.flatten, "flatten") and not step.kwargs and step.args[1:] in ((1,), (1, -1)):
        return Flattened()
    raise UnsupportedError(
        f"operation {step.name!r} ({step.target}) cannot be trained; in a forward() there may be layers, "
        "the sum of two values and flatten(1)"
    )
