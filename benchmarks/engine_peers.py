"""Float inference of the benchmark's networks in snnTorch, SpikingJelly and thrindex; called by `engine.py`; JSON."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import torch


def modules(spec: dict[str, Any], neuron: Any) -> list[torch.nn.Module]:
    """The layers; `neuron()` makes those of spikes."""
    shape, found = list(spec["shape"]), []
    for layer in spec["layers"]:
        if layer == "P":
            found.append(torch.nn.MaxPool2d(2))
            shape = [shape[0], shape[1] // 2, shape[2] // 2]
            continue
        if isinstance(layer, list):
            found += [torch.nn.Conv2d(shape[0], layer[0], layer[1], padding=layer[1] // 2), neuron()]
            shape[0] = layer[0]
            continue
        if len(shape) > 1:
            found.append(torch.nn.Flatten())
            shape = [int(torch.tensor(shape).prod())]
        found += [torch.nn.Linear(shape[0], layer), neuron()]
        shape = [layer]
    return found


def snntorch(spec: dict[str, Any]) -> Any:
    """A step function over time, as its tutorials write it."""
    from snntorch import Leaky

    net = torch.nn.Sequential(*modules(spec, lambda: Leaky(beta=0.5, init_hidden=True)))

    def run(x: torch.Tensor) -> None:
        for module in net:
            if isinstance(module, Leaky):
                module.reset_mem()
        for t in range(spec["steps"]):
            net(x if spec["static"] else x[t])

    return run


def spikingjelly(spec: dict[str, Any]) -> Any:
    """Multi-step mode: all steps of a layer at a time; a static first layer once."""
    from spikingjelly.activation_based import functional, neuron

    layers = modules(spec, lambda: neuron.LIFNode(tau=2.0, step_mode="m"))

    def run(x: torch.Tensor) -> None:
        for layer in layers:
            functional.reset_net(layer)
        seq = x
        still = bool(spec["static"])
        for layer in layers:
            if isinstance(layer, neuron.LIFNode):
                if still:
                    seq, still = seq.unsqueeze(0).expand(spec["steps"], *seq.shape), False
                seq = layer(seq)
            elif still:
                seq = layer(seq)
            else:
                out = layer(seq.flatten(0, 1))
                seq = out.reshape(seq.shape[0], seq.shape[1], *out.shape[1:])

    return run


def thrindex(spec: dict[str, Any]) -> Any:
    """Its container unrolls all layers over time."""
    from thrindex.snn import LIF, Sequential

    net = Sequential(*modules(spec, lambda: LIF(threshold=1.0, tau_mem=2.0)))

    def run(x: torch.Tensor) -> None:
        net(x.unsqueeze(0).expand(spec["steps"], *x.shape) if spec["static"] else x)

    return run


def main() -> None:
    """Measure the libraries that are there."""
    spec = json.loads(sys.argv[1])
    lead = (spec["batch"],) if spec["static"] else (spec["steps"], spec["batch"])
    x = (torch.rand(*lead, *spec["shape"]) < spec["rate"]).float()
    found = {}
    for name, make in (("snntorch", snntorch), ("spikingjelly", spikingjelly), ("thrindex", thrindex)):
        if find_spec(name) is None:
            continue
        run, seconds = make(spec), []
        with torch.no_grad():
            for _ in range(spec["repeats"] + 1):
                start = perf_counter()
                run(x)
                seconds.append(perf_counter() - start)
                if seconds[0] > 20:
                    break
        seconds = seconds[1:] or seconds
        found[name] = (spec["batch"] / min(seconds), spec["batch"] / median(seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
