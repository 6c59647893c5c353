"""Nets that are made and exported here: the graph gives the spikes that the framework gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.ir.interpreter import interpret

torch = pytest.importorskip("torch")
nir = pytest.importorskip("nir")

STEPS, INPUTS, HIDDEN, OUTPUTS = 60, 16, 32, 10
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    torch.manual_seed(5)
    with torch.no_grad():
        yield


def strong(layer: Any, factor: float = 10.0) -> Any:
    """The layer with larger weights, so that neurons fire."""
    layer.weight.mul_(factor)
    return layer


def differing(path: Path, x: Any, expected: Any, preset: str, **said: Any) -> int:
    """Output spikes of the file that are not those of the framework, which must be some."""
    graph = open_nir(path, preset, NirConfig(**said)).imported.graph
    run = interpret(graph, x.numpy()[:, np.newaxis], len(x), time_axis=True)
    given = expected.numpy()
    assert given.mean() > 0.005
    return int(np.count_nonzero(run.spikes[run.output][:, 0] != given.reshape(len(x), *given.shape[-1:])))


class SnnTorch:
    """Layers of snnTorch, whose states its exporter leaves filled."""

    def __init__(self) -> None:
        self.snn = pytest.importorskip("snntorch")
        self.export = pytest.importorskip("snntorch.export_nir").export_to_nir

    def run(self, path: Path, layers: list[Any], x: Any) -> Any:
        net = torch.nn.Sequential(*layers)
        nir.write(path, self.export(net, x[:1], ignore_dims=[0]))
        for layer in layers:
            for state in {"mem", "syn", "spk"} & set(dir(layer)):
                setattr(layer, state, torch.zeros(0))
        given = [net(x[t : t + 1]) for t in range(len(x))]
        return torch.stack([one[0][0] if isinstance(one, tuple) else one[0] for one in given])


@pytest.mark.parametrize("kind", ["Leaky", "Synaptic"])
@pytest.mark.parametrize(("mechanism", "late"), [("subtract", True), ("zero", True), ("zero", False)])
def test_snntorch(tmp_path: Path, kind: str, mechanism: str, late: bool) -> None:
    lib = SnnTorch()

    def neurons(n: int, output: bool = False) -> Any:
        rates = {
            "beta": torch.full((n,), 0.9),
            **({"alpha": torch.full((n,), 0.6)} if kind == "Synaptic" else {}),
        }
        return getattr(lib.snn, kind)(
            **rates,
            threshold=torch.ones(n),
            init_hidden=True,
            reset_mechanism=mechanism,
            reset_delay=late,
            output=output,
        )

    layers = [strong(torch.nn.Linear(INPUTS, HIDDEN)), neurons(HIDDEN)]
    layers += [strong(torch.nn.Linear(HIDDEN, OUTPUTS)), neurons(OUTPUTS, True)]
    x = torch.randn(STEPS, INPUTS)
    expected = lib.run(tmp_path / "n.nir", layers, x)
    said = {"reset": mechanism, **({} if late else {"reset_timing": "same"})}
    assert differing(tmp_path / "n.nir", x, expected, "snntorch", **said) == 0


@pytest.mark.parametrize("kind", ["RLeaky", "RSynaptic"])
@pytest.mark.parametrize("mechanism", ["subtract", "zero"])
def test_snntorch_recurrent_with_bias(tmp_path: Path, kind: str, mechanism: str) -> None:
    lib = SnnTorch()
    rates = {
        "beta": torch.full((HIDDEN,), 0.8),
        **({"alpha": torch.full((HIDDEN,), 0.6)} if kind[1] == "S" else {}),
    }
    recurrent = getattr(lib.snn, kind)(
        **rates,
        threshold=torch.ones(HIDDEN),
        linear_features=HIDDEN,
        init_hidden=True,
        reset_mechanism=mechanism,
    )
    strong(recurrent.recurrent, 2.0).bias.mul_(3.0)
    last = lib.snn.Leaky(
        beta=torch.full((OUTPUTS,), 0.8),
        threshold=torch.ones(OUTPUTS),
        init_hidden=True,
        reset_mechanism=mechanism,
        output=True,
    )
    layers = [
        strong(torch.nn.Linear(INPUTS, HIDDEN)),
        recurrent,
        strong(torch.nn.Linear(HIDDEN, OUTPUTS)),
        last,
    ]
    x = torch.randn(STEPS, INPUTS)
    expected = lib.run(tmp_path / "n.nir", layers, x)
    assert differing(tmp_path / "n.nir", x, expected, "snntorch", reset=mechanism) == 0


def jelly(path: Path, layers: list[Any], x: Any) -> Any:
    functional = pytest.importorskip("spikingjelly.activation_based.functional")
    export = pytest.importorskip("spikingjelly.activation_based.nir_exchange").export_to_nir
    net = torch.nn.Sequential(*layers)
    export(net, x[:1], save_path=path)
    functional.reset_net(net)
    return torch.stack([net(x[t : t + 1])[0] for t in range(len(x))])


@pytest.mark.parametrize("rest", [0.0, -0.5, 0.25])
@pytest.mark.parametrize("kind", ["IF", "LIF", "LIF with plain input", "CUBALIF"])
def test_spikingjelly(tmp_path: Path, kind: str, rest: float) -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    make: dict[str, Callable[[], Any]] = {
        "IF": lambda: neuron.IFNode(v_reset=rest),
        "LIF": lambda: neuron.LIFNode(tau=3.1, v_threshold=0.5, v_reset=rest),
        "LIF with plain input": lambda: neuron.LIFNode(tau=8.1, decay_input=False, v_reset=rest),
        "CUBALIF": lambda: neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, v_reset=rest),
    }
    layers = [strong(torch.nn.Linear(INPUTS, HIDDEN)), make[kind]()]
    layers += [strong(torch.nn.Linear(HIDDEN, OUTPUTS, bias=False)), make[kind]()]
    x = torch.randn(STEPS, INPUTS)
    expected = jelly(tmp_path / "n.nir", layers, x)
    assert differing(tmp_path / "n.nir", x, expected, "spikingjelly") == 0


def test_spikingjelly_convolutions(tmp_path: Path) -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    layers = [strong(torch.nn.Conv2d(2, 4, 3, stride=2, padding=1)), neuron.LIFNode(v_threshold=0.5)]
    layers += [strong(torch.nn.Conv2d(4, 6, 3, padding="same", bias=False)), neuron.LIFNode(v_threshold=0.5)]
    layers += [
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        strong(torch.nn.Linear(54, OUTPUTS)),
        neuron.IFNode(),
    ]
    x = torch.randn(20, 2, 12, 12)
    expected = jelly(tmp_path / "n.nir", layers, x)
    assert differing(tmp_path / "n.nir", x, expected, "spikingjelly") == 0


@pytest.mark.parametrize("leak", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["LIFBox", "LIF", "IAF"])
def test_norse(tmp_path: Path, kind: str, leak: float) -> None:
    norse = pytest.importorskip("norse.torch")
    iaf, box = (pytest.importorskip(f"norse.torch.module.{name}") for name in ("iaf", "lif_box"))

    def neurons(n: int) -> Any:
        def full(value: float) -> Any:
            return torch.full((n,), value)

        if kind == "IAF":
            return iaf.IAFCell(
                pytest.importorskip("norse.torch.functional.iaf").IAFParameters(v_th=full(1.0))
            )
        shared = {"tau_mem_inv": full(130.0), "v_leak": full(leak)}
        if kind == "LIFBox":
            return box.LIFBoxCell(norse.LIFBoxParameters(v_th=full(0.2), **shared), dt=1e-3)
        return norse.LIFCell(norse.LIFParameters(tau_syn_inv=full(200.0), v_th=full(0.3), **shared), dt=1e-3)

    layers = [strong(torch.nn.Linear(INPUTS, HIDDEN)), neurons(HIDDEN)]
    layers += [strong(torch.nn.Linear(HIDDEN, OUTPUTS)), neurons(OUTPUTS)]
    net, x, state, given = norse.SequentialState(*layers), torch.randn(STEPS, INPUTS), None, []
    nir.write(
        tmp_path / "n.nir", pytest.importorskip("norse.torch.utils.export_nir").to_nir(net, x[0], dt=1e-3)
    )
    for one in x:
        out, state = net(one, state)
        given.append(out)
    assert differing(tmp_path / "n.nir", x, torch.stack(given), "norse-1.1") == 0
