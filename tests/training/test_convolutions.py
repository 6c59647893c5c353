"""OTTT and BPTT on convolutional, standardised and residual networks against automatic differentiation."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.training import LIF, gradients
from neurodeploy.training.modules import Residual
from tests.training import autograd_rules as reference
from tests.training.networks import (
    N,
    T,
    batch,
    conv,
    fed_back,
    frames_of,
    ready,
    relative,
    residual,
    spiking_readout,
    standardised,
)

NETWORKS = {
    "conv": conv,
    "standardised": standardised,
    "residual": residual,
    "spiking": spiking_readout,
    "feedback": fed_back,
}


def expect(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], limit: float = 1e-11) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert relative(found[name], gradient) < limit, name


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("switches", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("time_axis", [False, True])
def test_ottt_equals_autograd(network: str, switches: tuple[bool, ...], time_axis: bool) -> None:
    if network == "residual" and not switches[0]:
        return
    module, (x, y) = ready(NETWORKS[network]()), batch()
    frames = frames_of(x) if time_axis else x.expand(T, *x.shape)
    names = ("first_layer_trace", "readout_trace", "bias_trace")
    options = dict(zip(names, switches, strict=True))
    decay = 0.7 if network == "spiking" else 0.5
    loss, outputs, expected = reference.ottt(module, frames, y, decay, **options)
    found = gradients(module, frames if time_axis else x, y, "ottt-a", T, time_axis=time_axis, **options)
    torch.testing.assert_close(found.outputs, outputs, rtol=0, atol=1e-12)
    assert found.loss == pytest.approx(loss, rel=1e-12)
    expect(found.gradients, expected)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("loss", ["step", "mean"])
def test_bptt_equals_autograd(network: str, detach: bool, loss: str) -> None:
    module, (x, y) = ready(NETWORKS[network]()), batch()
    frames = frames_of(x)
    value, outputs, expected = reference.bptt(module, frames, y, detach, loss)
    found = gradients(module, frames, y, "bptt", T, time_axis=True, detach_reset=detach, loss=loss)
    torch.testing.assert_close(found.outputs, outputs, rtol=0, atol=1e-12)
    assert found.loss == pytest.approx(value, rel=1e-12)
    expect(found.gradients, expected)


@pytest.mark.parametrize("detach", [False, True])
def test_bptt_with_reset_to_zero(detach: bool) -> None:
    module, (x, y) = ready(conv(reset="zero")), batch()
    _, _, expected = reference.bptt(module, x.expand(T, *x.shape), y, detach)
    expect(gradients(module, x, y, "bptt", T, detach_reset=detach).gradients, expected)


def test_last_spiking_layer_of_ottt_is_bptt() -> None:
    """Detached reset, instantaneous loss: a convolution before a linear readout, and a spiking readout."""
    module, (x, y) = ready(nn.Sequential(conv()[:7], nn.Flatten(), nn.Linear(24, 3))), batch()
    frames = frames_of(x)
    exact = gradients(module, frames, y, "bptt", T, time_axis=True).gradients
    found = gradients(module, frames, y, "ottt-a", T, time_axis=True).gradients
    for name in ("0.4.weight", "0.4.bias", "2.weight", "2.bias"):
        assert float((found[name] - exact[name]).abs().max()) < 1e-12
    assert relative(found["0.0.weight"], exact["0.0.weight"]) > 1e-3
    module = ready(spiking_readout())
    exact = gradients(module, frames, y, "bptt", T, time_axis=True).gradients
    found = gradients(module, frames, y, "ottt-a", T, time_axis=True).gradients
    assert float((found["3.weight"] - exact["3.weight"]).abs().max()) < 1e-12


def test_bptt_readout_against_finite_differences() -> None:
    """The spikes do not depend on the readout, so its derivative is a true one."""
    module, (x, y) = ready(conv()), batch()
    found = gradients(module, x, y, "bptt", T).gradients["9.weight"]
    with torch.no_grad():
        for index in ((0, 0), (1, 3), (2, 5)):
            losses = []
            for shift in (1e-5, -2e-5):
                module[9].weight[index] += shift
                losses.append(gradients(module, x, y, "bptt", T).loss)
            module[9].weight[index] += 1e-5
            assert float(found[index]) == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-6, abs=1e-9)


def test_batch_of_one_is_its_row() -> None:
    module, (x, y) = ready(standardised()), batch()
    rows = [gradients(module, x[i : i + 1], y[i : i + 1], "ottt-a", T).gradients for i in range(N)]
    whole = gradients(module, x, y, "ottt-a", T).gradients
    expect({name: sum(row[name] for row in rows) / N for name in whole}, whole, 1e-11)  # type: ignore[misc]


def test_delayed_errors_are_those_of_the_first_steps() -> None:
    module, (x, y) = ready(conv()), batch()
    frames = frames_of(x)
    late = gradients(module, frames, y, "ottt-a", T, time_axis=True, error_delay=2).gradients
    early = gradients(module, frames[: T - 2], y, "ottt-a", T - 2, time_axis=True).gradients
    expect(late, {name: g * (T - 2) / T for name, g in early.items()})
    with pytest.raises(UsageError, match=r"error_delay 5 with 5 time steps.*at most 4"):
        gradients(module, x, y, "ottt-a", T, error_delay=5)
    with pytest.raises(UsageError, match="error_delay must be 0 or more steps, not -1"):
        gradients(module, x, y, "ottt-a", T, error_delay=-1)


def test_ottt_refuses_batch_norm_and_mixed_decays() -> None:
    x, y = batch()
    with pytest.raises(UnsupportedError, match=r"layer '1' is batch norm.*Use ScaledWSConv2d"):
        gradients(ready(conv(norm=True)), x, y, "ottt-a", T)
    mixed = nn.Sequential(nn.Conv2d(2, 4, 1), Residual(LIF(0.3), LIF(0.9)), nn.Flatten(), nn.Linear(256, 3))
    with pytest.raises(UnsupportedError, match=r"layer '0' belongs to neurons of decays 0.3, 0.9"):
        gradients(ready(mixed), x, y, "ottt-a", T)
