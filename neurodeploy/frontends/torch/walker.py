"""From the trace of a module to the graph: its nodes in their order, each put into the graph by a table."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from inspect import signature
from typing import Any

from torch import fx

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.torch.builder import Builder
from neurodeploy.frontends.torch.functions import FUNCTIONS, METHODS, Function, Layer, unsupported
from neurodeploy.frontends.torch.one_step import OneStep, layer_name
from neurodeploy.frontends.torch.site import Site
from neurodeploy.frontends.torch.table import convert, membrane_index
from neurodeploy.ir import Graph, Input, Output, Readout, Shape
from neurodeploy.network import Note


@dataclass(frozen=True, slots=True)
class Built:
    """A graph; `summed` where its readout sums what the module returns; assumptions that a check may find wrong."""

    graph: Graph
    summed: bool
    suspicions: tuple[str, ...]


class Walker:
    """Walks the nodes of a trace; every node's result is a layer of the graph, a number, or a size."""

    def __init__(self, step: OneStep, shape: Shape, notes: list[Note]) -> None:
        self._step, self._shape, self._notes = step, shape, notes
        self._results: dict[str, Any] = {}
        self._tuples: set[str] = set()
        self._called: set[str] = set()
        self._summed = False

    def walk(self, traced: fx.Graph) -> Built:
        """The graph of a whole trace; raises `UnsupportedError` naming what has no meaning in it."""
        names = self._layer_names(traced)
        self._builder = Builder(names, self._notes)
        _erase_unused(traced)
        for name in sorted(names - self._layer_names(traced)):
            self._builder.note(name, "left out: its result is not used")
        for node in traced.nodes:
            getattr(self, f"_{node.op}")(node)
        return Built(self._builder.graph(), self._summed, tuple(self._builder.suspicions))

    def _layer_names(self, traced: fx.Graph) -> set[str]:
        return {layer_name(str(n.target), self._step.net) for n in traced.nodes if n.op == "call_module"}

    def _placeholder(self, node: fx.Node) -> None:
        self._results[node.name] = Layer(self._builder.add(self._builder.free("input"), Input(self._shape)))

    def _get_attr(self, node: fx.Node) -> None:
        value: Any = self._step
        for part in str(node.target).split("."):
            value = getattr(value, part)
        self._results[node.name] = value

    def _call_module(self, node: fx.Node) -> None:
        name = layer_name(str(node.target), self._step.net)
        if name in self._called:
            raise UnsupportedError(
                f"layer '{name}' is called twice in one time step; give each call its own layer, and a forward that "
                "loops over time must be cut to one step"
            )
        self._called.add(name)
        module = self._step.get_submodule(str(node.target))
        reads_membrane = self._reads_membrane(name, node, membrane_index(module))
        site = Site(self._builder, name, self._source(node, name), reads_membrane)
        self._results[node.name] = Layer(convert(module, site))

    def _reads_membrane(self, name: str, node: fx.Node, membrane: int) -> bool:
        """Which of the values that a layer returns are used, but for states that are handed on to the next step."""
        taken = {int(user.args[1]): user for user in node.users if _is_item(user)}  # type: ignore[arg-type]
        used = {index for index, user in taken.items() if _computes(user)}
        if taken:
            self._tuples.add(node.name)
        if used <= {0}:
            return False
        if used == {membrane}:
            return True
        raise UnsupportedError(f"layer '{name}': of its result and its states only one can be used")

    def _call_method(self, node: fx.Node) -> None:
        self._call(node, METHODS.get(str(node.target)), f".{node.target}()")

    def _call_function(self, node: fx.Node) -> None:
        if not _is_item(node):
            self._call(node, FUNCTIONS.get(node.target), getattr(node.target, "__name__", str(node.target)))
            return
        taken_from, index = self._results[_given(node)], node.args[1]
        if isinstance(taken_from, tuple):
            self._results[node.name] = taken_from[index]  # type: ignore[index]
        elif _given(node) in self._tuples:
            self._results[node.name] = taken_from
        else:
            raise unsupported(node.name, "getitem")

    def _call(self, node: fx.Node, function: Function | None, called: str) -> None:
        if function is None:
            raise unsupported(node.name, called)
        if None in (*node.args, *node.kwargs.values()) and self._step.required:
            raise self._step.second_input()
        arguments, named = fx.node.map_arg((node.args, node.kwargs), lambda given: self._results[given.name])
        layers = [given for given in _flat(arguments) if isinstance(given, Layer)]
        if not layers:
            raise unsupported(node.name, f"{called} of constants")
        site = Site(self._builder, self._builder.free(node.name), layers[0].name)
        try:
            bound = signature(function).bind(site, *arguments, **named)
        except TypeError:
            raise unsupported(node.name, f"{called} with {named}") from None
        try:
            self._results[node.name] = function(*bound.args, **bound.kwargs)
        except InputError as error:
            raise type(error)(f"operation '{node.name}': {error}") from None

    def _output(self, node: fx.Node) -> None:
        returned = node.args[0]
        values = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
        if self._step.required and not self._step.hands_on(len(values)):
            raise self._step.second_input()
        if not values or not isinstance(values[0], fx.Node):
            raise InputError(f"the module must return a tensor, not {returned}")
        self._check_others(values)
        if self._builder.memories:
            raise UnsupportedError("a feedback is recalled but never remembered")
        source = self._read_out(self._layer(values[0], "the output"))
        self._builder.add(self._builder.free("output"), Output(), source)

    def _check_others(self, values: tuple[Any, ...]) -> None:
        """Behind the result there may be states alone."""
        states: list[fx.Node] = []
        fx.node.map_arg(values[1:], states.append)
        strangers = [v for v in states if not (_is_item(v) and _given(v) in self._tuples)]
        if strangers:
            raise InputError(
                f"the module returns {len(values)} values; it must return one result, and behind it states of its "
                "neurons alone"
            )
        if states and not self._step.hands_on(len(values)):
            self._builder.note("output", f"{len(states)} states that the module returns too are left out")

    def _read_out(self, source: str) -> str:
        """The layer of neurons that gives the result: a sum over time behind anything that is none."""
        builder = self._builder
        if builder.is_neurons(source):
            return source
        self._summed = True
        builder.note(source, "has no neurons behind it: read out as the sum of its outputs over time")
        current = builder.as_current(source)
        return builder.add(builder.free("readout"), Readout(builder.types[current].shape, 1.0), current)

    def _source(self, node: fx.Node, name: str) -> str:
        """The one layer that a layer takes; states at rest, None, may follow."""
        given = [*node.args, *node.kwargs.values()]
        others = [value for value in given[1:] if value is not None]
        if not given or not isinstance(given[0], fx.Node) or others:
            raise InputError(
                f"layer '{name}' must take one tensor, and states that are None at first, not {given}"
            )
        return self._layer(given[0], f"layer '{name}'")

    def _layer(self, node: fx.Node, user: str) -> str:
        found = self._results[node.name]
        if not isinstance(found, Layer):
            raise InputError(f"{user} takes {found!r}, which is not the result of a layer")
        return found.name


def _erase_unused(traced: fx.Graph) -> None:
    """Leave out every node on whose result nothing depends."""
    for node in reversed(traced.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            traced.erase_node(node)


def _flat(arguments: Any) -> list[Any]:
    """All arguments of a call, with the items of lists among them."""
    return [one for given in arguments for one in (given if isinstance(given, (tuple, list)) else (given,))]


def _is_item(node: fx.Node) -> bool:
    """True for `x[i]` with a number i."""
    return node.target is operator.getitem and isinstance(node.args[1], int)


def _given(item: fx.Node) -> str:
    """Name of the node of which `item` is one."""
    return item.args[0].name if isinstance(item.args[0], fx.Node) else ""


def _computes(state: fx.Node) -> bool:
    """True where more happens to a state than that it is returned behind the result."""
    for user in state.users:
        if user.op != "output":
            return True
        returned = user.args[0]
        if returned is state or (isinstance(returned, (tuple, list)) and returned[0] is state):
            return True
    return False
