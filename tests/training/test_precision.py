"""Products of 16 bits: near the exact ones, and only where they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from neurodeploy.data import load
from neurodeploy.errors import UsageError
from neurodeploy.models import build
from neurodeploy.training import Peers, TrainConfig, load_run, train
from neurodeploy.training.precision import Rounded, check_precision, multiply, rounded
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch, Gradients
from neurodeploy.training.rules import RULES
from neurodeploy.training.synapses import Convolution, Dense
from tests.training.networks import batch, conv, ready, standardised

LIF_RULES = ("ottt-a", "rate-m", "rate-s", "bptt")


def cosine(a: Gradients, b: Gradients) -> float:
    flat = [torch.cat([g.flatten() for g in found.gradients.values()]).double() for found in (a, b)]
    return float(torch.nn.functional.cosine_similarity(*flat, dim=0))


def both(module: nn.Module, rule: str, dtype: torch.dtype, of: Batch) -> tuple[Gradients, Gradients]:
    """Gradients in the module's own precision and with products of `dtype`."""
    exact, low = (RULES[rule].learner(module, "recommended", {}) for _ in range(2))
    low.round_to(dtype)
    with torch.no_grad():
        return exact.gradients(of), low.gradients(of)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rule", LIF_RULES)
def test_gradients_are_near_the_exact_ones(rule: str, dtype: torch.dtype) -> None:
    x, y = batch()
    for module in (ready(conv()), ready(standardised())):
        exact, low = both(module.float(), rule, dtype, Batch(x.float(), y, 5))
        assert cosine(exact, low) > 0.997
        assert {name: g.dtype for name, g in low.gradients.items()} == dict.fromkeys(
            exact.gradients, torch.float32
        )
        assert any(not torch.equal(g, low.gradients[name]) for name, g in exact.gradients.items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_event_rule(dtype: torch.dtype) -> None:
    x, y = batch()
    module, of = build("event:2x8x8-4C3(p1)-P2-3"), Batch(x.float(), y, 5)
    RULES["event"].learner(module, "recommended", {}).prepare(of)
    assert cosine(*both(module, "event", dtype, of)) > 0.99


def test_small_errors_survive_fp16() -> None:
    """1e-9 is 0 in fp16, and the sum of 4096 products of 60 x 60 is infinite."""
    error, weight = torch.full((4, 8), 1e-9), torch.ones(8, 3)
    assert torch.allclose(multiply(torch.matmul, error, weight, 8, torch.float16), error @ weight, rtol=1e-3)
    error, trace = torch.full((4096, 4), 60.0), torch.full((4096, 3), 60.0)
    found = multiply(lambda e, h: e.t() @ h, error, trace, 4096, torch.float16)
    assert torch.allclose(found, error.t() @ trace, rtol=1e-3)
    zero = multiply(torch.matmul, torch.zeros(2, 3), torch.zeros(3, 2), 3, torch.float16)
    assert torch.equal(zero, torch.zeros(2, 2))


def test_rounded_synapse_against_hand() -> None:
    layer = nn.Linear(5, 3)
    synapse = Rounded(Dense("fc", layer), torch.bfloat16)
    synapse.refresh()
    h, delta = torch.rand(4, 5), torch.rand(4, 3)
    w, low = layer.weight.detach().bfloat16().float(), h.bfloat16().float()
    with torch.no_grad():
        assert torch.allclose(synapse.current(h), (low @ w.t()).bfloat16().float() + layer.bias)
    expected = (delta.bfloat16().float().t() @ low).bfloat16().float()
    assert torch.allclose(synapse.weight_gradient(delta, h), expected)


def test_a_new_weight_is_rounded_again() -> None:
    layer = nn.Linear(2, 2, bias=False)
    synapse = Rounded(Dense("fc", layer), torch.bfloat16)
    with torch.no_grad():
        layer.weight.fill_(2.0)
        synapse.refresh()
        assert synapse.current(torch.ones(1, 2)).tolist() == [[4.0, 4.0]]


def test_only_synapses_are_rounded() -> None:
    network = rounded(network_of(conv()), torch.bfloat16)
    kinds = [type(node.op).__name__ for node in network.nodes]
    assert kinds.count("Rounded") == 3
    assert not network.of(Dense) and not network.of(Convolution)
    assert network.dtype() == torch.float32


def test_a_run_in_bf16_learns_and_resumes(tmp_path: Path) -> None:
    config = TrainConfig(precision="bf16")
    run = train(
        "mlp:64-64-10",
        load("digits@train"),
        rule="rate-m",
        steps=4,
        epochs=10,
        test=load("digits"),
        config=config,
        folder=tmp_path / "run",
    )
    assert run.info.last_test_accuracy is not None and run.info.last_test_accuracy > 0.93
    module, info = load_run(tmp_path / "run")
    assert info.config.precision == "bf16"
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_refuses_what_makes_no_sense() -> None:
    with pytest.raises(UsageError, match=r"precision fp16 is for GPUs, not for cpu\. Try bf16"):
        train("mlp:64-10", load("digits"), rule="bptt", steps=2, config=TrainConfig(precision="fp16"))
    check_precision("fp16", torch.device("cuda"))
    check_precision("bf16", Peers().device)
