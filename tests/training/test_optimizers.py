from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import InputError
from neurodeploy.training.optimizers import make_optimizer, restore, weights_alone


def run(kind: str, theirs: type[torch.optim.Optimizer], **options: float) -> None:
    draw = torch.Generator().manual_seed(0)
    start = torch.randn(5, 4, generator=draw, dtype=torch.float64)
    mine, other = {"w": start.clone()}, torch.nn.Parameter(start.clone())
    optimizer = make_optimizer(kind, mine, options.get("momentum", 0.0), options["weight_decay"])
    torchs = theirs([other], lr=0.01, **options)
    for _ in range(5):
        gradient = torch.randn(5, 4, generator=draw, dtype=torch.float64)
        optimizer.update(mine, {"w": gradient}, 0.01)
        other.grad = gradient
        torchs.step()
    torch.testing.assert_close(mine["w"], other.detach(), rtol=1e-12, atol=1e-12)


def test_adam_equals_torch() -> None:
    run("adam", torch.optim.Adam, weight_decay=0.1)


def test_adamw_equals_torch() -> None:
    run("adamw", torch.optim.AdamW, weight_decay=0.1)


def test_sgd_equals_torch() -> None:
    run("sgd", torch.optim.SGD, weight_decay=0.1, momentum=0.9)


def test_refuses_the_state_of_another() -> None:
    parameters = {"w": torch.zeros(3)}
    sgd = make_optimizer("sgd", parameters, 0.9, 0.0)
    with pytest.raises(InputError, match="belongs to another network or optimizer"):
        restore(make_optimizer("adam", parameters, 0.9, 0.0), sgd.state)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_weights_alone_decay(kind: str) -> None:
    """Weights of synapses shrink without a gradient; biases, gains and batch norms stay."""
    shapes = {"conv.weight": (4, 2, 3, 3), "conv.gain": (4, 1, 1, 1), "fc.weight": (3, 5), "fc.bias": (3,)}
    parameters = {name: torch.ones(shape) for name, shape in (*shapes.items(), ("bn.weight", (4,)))}
    optimizer = make_optimizer(kind, parameters, 0.0, weights_alone(parameters, 0.5))
    optimizer.update(parameters, {name: torch.zeros_like(p) for name, p in parameters.items()}, 0.1)
    assert {name for name, p in parameters.items() if p.max() < 1} == {"conv.weight", "fc.weight"}
