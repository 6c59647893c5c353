"""A file of torch's exporter, and a trained network from its file to the integers of a chip."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.compiler import compile_graph
from neurodeploy.data import load
from neurodeploy.frontends.onnx_ann import AnnConfig, open_ann
from neurodeploy.frontends.onnx_ann.evaluate import activations
from neurodeploy.frontends.onnx_ann.fold import fold
from neurodeploy.frontends.onnx_ann.reference import check_against_reference
from neurodeploy.ir.interpreter import interpret
from tests.frontends.onnx_ann.files import images

torch = pytest.importorskip("torch")


class Residual(torch.nn.Module):  # type: ignore[misc]
    """Conv, BN, ReLU, Conv, BN, + shortcut, ReLU6, average pool, flatten, dropout, Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            torch.nn.Conv2d(1, 4, 3, padding=1),
            torch.nn.Conv2d(4, 4, 3, padding=1, bias=False),
        )
        self.norms = torch.nn.ModuleList([torch.nn.BatchNorm2d(4), torch.nn.BatchNorm2d(4)])
        self.last = torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Dropout())
        self.linear = torch.nn.Linear(64, 5)
        for norm in self.norms:
            norm.running_mean.uniform_(-0.2, 0.2)
            norm.running_var.uniform_(0.05, 0.2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.relu(self.norms[0](self.first(x)))
        b = torch.nn.functional.relu6(self.norms[1](self.second(a)) + a)
        return self.linear(self.last(b))


def export(module: torch.nn.Module, shape: tuple[int, ...], path: Path, **options: object) -> None:
    """By the exporter that needs no further package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(2, *shape),),
            path,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
            **options,
        )


@pytest.mark.parametrize("folded", [True, False])
def test_torch_exporter(folded: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Residual().eval()
    mode = torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE
    export(module, (1, 8, 8), tmp_path / "m.onnx", do_constant_folding=folded, training=mode)
    x, model = images(1, 8, 8, samples=3), open_ann(tmp_path / "m.onnx", None, AnnConfig())
    check_against_reference(model.ann, model.file, x)
    ann = fold(model.ann)
    ours = activations(ann.graph, x, frozenset({ann.output}))[ann.output]
    with torch.no_grad():
        np.testing.assert_allclose(ours, module(torch.from_numpy(x)).numpy(), rtol=1e-4, atol=1e-5)


def test_digits_keep_their_accuracy_in_spikes_and_in_integers(tmp_path: Path) -> None:
    train, test = load("digits@train"), load("digits@test")
    x, y = torch.from_numpy(train.x.copy()), torch.from_numpy(train.labels().copy())
    torch.manual_seed(0)
    layers = [
        torch.nn.Flatten(),
        torch.nn.Linear(64, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 32),
        torch.nn.ReLU(),
    ]
    module = torch.nn.Sequential(*layers, torch.nn.Linear(32, 10))
    parameters = list(module.parameters())
    for _ in range(250):
        loss = torch.nn.functional.cross_entropy(module(x), y)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 0.5 * gradient
    with torch.no_grad():
        accuracy = (module(torch.from_numpy(test.x.copy())).argmax(1).numpy() == test.y).mean()
    assert accuracy > 0.95
    export(torch.nn.Sequential(module, torch.nn.Softmax(1)), (8, 8), tmp_path / "m.onnx")
    model = open_ann(tmp_path / "m.onnx", None, AnnConfig())
    for steps, allowed in ((8, 0.01), (32, 0.005)):
        imported = model.read(train.x, steps)
        spikes = interpret(imported.graph, test.x, steps).prediction
        network = compile_graph(imported.graph, train.x, steps=steps, notes=imported.notes)
        integers = network.run(test.x).prediction
        assert (spikes == test.y).mean() >= accuracy - allowed
        assert (integers == test.y).mean() >= accuracy - allowed - 0.005
