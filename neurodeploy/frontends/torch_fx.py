"""From a single-step torch module to a float graph: symbolic tracing with the supported modules as leaves."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from neurodeploy.errors import InputError, NeurodeployError, UnsupportedError
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.torch_check import check_against_module
from neurodeploy.frontends.torch_modules import MODULES, convert
from neurodeploy.ir import Dense, Flatten, Graph, Input, Op, Output, Readout, Shape, verify
from neurodeploy.network import Note


class _Tracer(fx.Tracer):
    """Keeps supported modules and our own layers whole, so that layers stay layers and errors name them."""

    def is_leaf_module(self, m: torch.nn.Module, module_qualified_name: str) -> bool:
        ours = type(m).__module__.startswith("neurodeploy.training.")
        return ours or type(m) in MODULES or super().is_leaf_module(m, module_qualified_name)


def import_torch(module: torch.nn.Module, shape: Shape, steps: int, sample: Any) -> Imported:
    """The float graph of `module`, whose `forward` takes one time step `(N, *shape)` and returns one.

    `sample` is real input, `(N, *shape)`, for the check: module and graph run `steps` time steps in double
    precision and must give the same spikes. A last layer without neurons is read out by its sum over time,
    which becomes a `Readout` with decay 1. The module is not changed.

    Raises `UnsupportedError` for a layer or operation without a meaning in the graph, `InputError` where module
    and graph differ.
    """
    modes = {part: part.training for part in module.modules()}
    try:
        return _import(module.eval(), shape, steps, sample)
    finally:
        for part, training in modes.items():
            part.training = training


def _import(module: torch.nn.Module, shape: Shape, steps: int, sample: Any) -> Imported:
    try:
        traced = _Tracer().trace(module)
    except NeurodeployError:
        raise
    except Exception as error:
        raise UnsupportedError(
            f"{type(module).__name__} cannot be traced ({type(error).__name__}: {error}); its forward must be one "
            "time step without control flow that depends on data"
        ) from None
    notes: list[Note] = []
    graph = _Builder(module, shape, notes).build(traced)
    check_against_module(module, graph, steps, sample)
    return Imported(graph, tuple(notes))


class _Builder:
    """Collects operations and edges while it walks the traced nodes in order."""

    def __init__(self, module: torch.nn.Module, shape: Shape, notes: list[Note]) -> None:
        self._module, self._shape, self._notes = module, shape, notes
        self._ops: dict[str, Op] = {}
        self._edges: list[tuple[str, str]] = []
        self._layer: dict[str, str] = {}
        self._used: set[str] = set()
        self._taken: set[str] = set()

    def build(self, traced: fx.Graph) -> Graph:
        self._taken = {str(node.target) for node in traced.nodes if node.op == "call_module"}
        for node in traced.nodes:
            handler = getattr(self, f"_{node.op}", None)
            if handler is None:
                raise UnsupportedError(
                    f"operation '{node.name}' ({node.op} of {node.target}) is not supported"
                )
            handler(node)
        return verify(Graph(self._ops, self._edges))

    def _placeholder(self, node: fx.Node) -> None:
        if self._ops:
            raise UnsupportedError(f"the module has a second input '{node.name}'; only one is supported")
        self._add(node, self._free("input"), Input(self._shape), ())

    def _call_module(self, node: fx.Node) -> None:
        name = str(node.target)
        if name in self._used:
            raise UnsupportedError(
                f"layer '{name}' is called twice in one time step; give each call its own layer"
            )
        self._used.add(name)
        source = self._source(node)
        op = convert(name, self._module.get_submodule(name), self._type_shape(source))
        if op is None:
            self._layer[node.name] = source
            self._notes.append(Note(name, "left out: it changes nothing when the network runs"))
        else:
            self._add(node, name, op, (source,))

    def _call_method(self, node: fx.Node) -> None:
        if node.target != "flatten":
            raise UnsupportedError(
                f"operation '{node.name}' calls .{node.target}(), which is not supported; use a module"
            )
        self._flatten(node)

    def _call_function(self, node: fx.Node) -> None:
        if node.target is torch.flatten:
            self._flatten(node)
            return
        called = getattr(node.target, "__name__", str(node.target))
        raise UnsupportedError(
            f"operation '{node.name}' calls {called}, which is not supported; use a module instead"
        )

    def _flatten(self, node: fx.Node) -> None:
        if _dims(node) not in ((1,), (1, -1)):
            raise UnsupportedError(
                f"operation '{node.name}' flattens axes {_dims(node)}; only (1, -1) is supported"
            )
        self._add(node, self._free(node.name), Flatten(), (self._source(node),))

    def _output(self, node: fx.Node) -> None:
        source = self._source(node)
        if isinstance(self._ops[source], Dense):
            readout = self._free("readout")
            self._ops[readout] = Readout(self._type_shape(source), 1.0)
            self._edges.append((source, readout))
            self._notes.append(
                Note(source, "has no neurons behind it: read out as the sum of its outputs over time")
            )
            source = readout
        output = self._free("output")
        self._ops[output] = Output()
        self._edges.append((source, output))

    def _add(self, node: fx.Node, name: str, op: Op, sources: tuple[str, ...]) -> None:
        self._ops[name] = op
        self._edges.extend((source, name) for source in sources)
        self._layer[node.name] = name

    def _free(self, name: str) -> str:
        """The name, with '_' behind it as often as a layer of the module is called so."""
        while name in self._taken or name in self._ops:
            name += "_"
        return name

    def _source(self, node: fx.Node) -> str:
        given = node.args[0] if node.args else None
        if not isinstance(given, fx.Node) or len(node.all_input_nodes) != 1:
            raise InputError(f"'{node.name}' must take exactly one tensor, not {node.args}")
        return self._layer[given.name]

    def _type_shape(self, name: str) -> Shape:
        return Graph(self._ops, self._edges).types[name].shape


def _dims(node: fx.Node) -> tuple[Any, ...]:
    """(start_dim, end_dim) of a call of torch.flatten, as far as given."""
    named = (node.kwargs[key] for key in ("start_dim", "end_dim") if key in node.kwargs)
    return (*node.args[1:], *named)
