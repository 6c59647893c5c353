from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy import ir
from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.imported import Imported
from tests.frontends.agreement import Forward, active, imported, result_of, seeded

pytest.importorskip("norse")
import norse.torch as norse
from norse.torch.functional.reset import reset_subtract, reset_value


def number(value: float) -> torch.Tensor:
    return torch.as_tensor(value)


def last_cell() -> nn.Module:
    return norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=number(300.0), v_th=number(0.2)))


def chain(neurons: nn.Module, last: nn.Module) -> Imported:
    """States are a list that is taken and returned."""
    return imported(norse.SequentialState(seeded(nn.Linear(8, 12)), neurons, seeded(nn.Linear(12, 5)), last))


@pytest.mark.parametrize("reset", [reset_value, reset_subtract])
@pytest.mark.parametrize(("leak", "back"), [(0.0, 0.0), (0.02, -0.1), (-0.05, 0.05)])
def test_lif_box(reset: Any, leak: float, back: float) -> None:
    parameters = norse.LIFBoxParameters(
        number(200.0), number(leak), number(0.2), number(back), reset_method=reset
    )
    graph = active(chain(norse.LIFBoxCell(parameters), norse.LIFBoxCell(parameters)))
    lif, base = graph.of(ir.LIF)["1"], back if reset is reset_value else 0.0
    assert lif.decay == 1.0 - float(np.float32(0.2))
    np.testing.assert_allclose([lif.threshold, lif.initial], [0.2 - base, leak - base], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("leak", "back"), [(0.0, 0.0), (0.02, -0.1)])
def test_lif(leak: float, back: float) -> None:
    parameters = norse.LIFParameters(number(300.0), number(150.0), number(leak), number(0.3), number(back))
    lif = active(chain(norse.LIFCell(parameters), last_cell())).of(ir.LIF)["1"]
    assert lif.current_decay == pytest.approx(0.7, rel=1e-6)


def test_lif_recurrent() -> None:
    parameters = norse.LIFParameters(number(500.0), number(250.0), v_th=number(0.4))
    cell = seeded(norse.LIFRecurrentCell(12, 9, parameters), low=-0.3, high=0.4)
    module = norse.SequentialState(seeded(nn.Linear(8, 12)), cell, seeded(nn.Linear(9, 5)), last_cell())
    graph = active(imported(module))
    assert ("1", "1.delay") in graph.feedback


def test_integrate_and_fire() -> None:
    parameters = norse.IAFParameters(number(1.0), number(-0.2))
    lif = active(chain(norse.IAFCell(parameters), norse.IAFCell())).of(ir.LIF)["1"]
    assert (lif.decay, lif.compare, lif.reset) == (1.0, "gt", "zero")


@pytest.mark.parametrize("last", [norse.LICell(), norse.LIBoxCell()])
def test_readouts(last: nn.Module) -> None:
    found = chain(norse.LIFBoxCell(norse.LIFBoxParameters(v_th=number(0.2))), last)
    active(found)
    assert found.graph.of(ir.Readout)["3"].decay == pytest.approx(0.9)
    assert result_of(found, (8,)).is_readout


def test_readout_with_its_own_weights() -> None:
    cell = seeded(norse.LILinearCell(12, 4))
    found = imported(norse.SequentialState(seeded(nn.Linear(8, 12)), norse.IAFCell(), cell))
    assert found.graph.sources("2.weights") == ("1",)


def test_states_at_rest_in_every_step() -> None:
    module = Forward(lambda self, x: self.lif(self.fc(x))[0], fc=nn.Linear(8, 3), lif=norse.IAFCell())
    seeded(module.fc)
    with pytest.raises(InputError, match="the traced graph does not compute what the module does"):
        imported(module)


@pytest.mark.parametrize(
    ("neurons", "message"),
    [
        (norse.LIF(), r"layer '1' is a norse.torch.module.lif.LIF, which takes whole sequences; use LIFCell"),
        (
            norse.LSNNCell(),
            r"layer '1' is a norse.*LSNNCell, which is not supported; supported are IAFCell, ",
        ),
        (
            norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=number(2000.0))),
            r"layer '1': op 'lif': decay must be in \[0, 1\], not -1.0",
        ),
        (
            norse.LICell(norse.LIParameters(v_leak=number(0.1))),
            "layer '1': a readout starts at 0; its v_leak must be",
        ),
    ],
)
def test_refused(neurons: nn.Module, message: str) -> None:
    with pytest.raises(UnsupportedError if "which" in message else InputError, match=message):
        chain(neurons, last_cell())
