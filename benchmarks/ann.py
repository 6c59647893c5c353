"""An ANN by way of ONNX to spikes and to a chip's integers: accuracy against time steps. `benchmarks/ann.py --help`.

Trains a small residual network (convolutions, batch norm, a sum of branches, pools), exports it with torch.onnx,
converts it, and runs it in the float interpreter and, compiled for a chip, in the engine.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import msgspec
import numpy as np
import torch
from torch import nn

from neurodeploy.compiler import compile_graph
from neurodeploy.data import Dataset, load
from neurodeploy.frontends.onnx_ann import AnnConfig, OnnxAnn, open_ann
from neurodeploy.ir.interpreter import interpret

BATCH = 50


class Residual(nn.Module):
    """Conv, then one residual block, pool, conv, pool, linear; batch norm and ReLU behind every convolution."""

    def __init__(self, shape: tuple[int, ...], classes: int, width: int, stride: int, pool: str) -> None:
        super().__init__()
        channels, *extents = shape
        sizes = [(channels, width, stride), (width, width, 1), (width, width, 1), (width, 2 * width, 1)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, s, padding=1, bias=False) for i, o, s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o, _ in sizes)
        self.pool = nn.AvgPool2d(2) if pool == "average" else nn.MaxPool2d(2)
        places = [((n - 1) // stride + 1) // 4 for n in extents]
        self.linear = nn.Linear(2 * width * places[0] * places[1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Classes of `(N, *shape)`, not normalized."""
        first, second, third, last = (
            lambda h, conv=conv, norm=norm: norm(conv(h))
            for conv, norm in zip(self.convs, self.norms, strict=True)
        )
        a = torch.relu(first(x))
        b = torch.relu(third(torch.relu(second(a))) + a)
        return self.linear(self.pool(torch.relu(last(self.pool(b)))).flatten(1))


def images(data: Dataset) -> np.ndarray:
    """Samples with an axis of channels."""
    return data.x if data.x.ndim == 4 else data.x[:, np.newaxis]


def train(module: nn.Module, data: Dataset, epochs: int, batch: int, rate: float) -> None:
    """AdamW with one cycle of the learning rate."""
    x, y = torch.from_numpy(images(data).copy()), torch.from_numpy(data.labels().copy())
    optimizer = torch.optim.AdamW(module.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * (len(x) // batch))
    for _ in range(epochs):
        for chosen in torch.randperm(len(x))[: len(x) // batch * batch].split(batch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x[chosen]), y[chosen]).backward()
            optimizer.step()
            schedule.step()
    module.eval()


def export(module: nn.Module, shape: tuple[int, ...], path: Path) -> str:
    """Write the ONNX file; the name of the exporter that did."""
    sample = (torch.zeros(2, *shape),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if find_spec("onnxscript"):
            free = ({0: torch.export.Dim.DYNAMIC},)
            torch.onnx.export(module, sample, path, dynamo=True, verbose=False, dynamic_shapes=free)
            return "torch.onnx, dynamo"
        axes = {"x": {0: "n"}}
        torch.onnx.export(module, sample, path, dynamo=False, input_names=["x"], dynamic_axes=axes)
        return "torch.onnx, TorchScript"


def config(text: str) -> AnnConfig:
    """`percentile=99.9,correct=0`, or `recommended` for the defaults."""
    pairs = [] if text == "recommended" else [pair.split("=") for pair in text.split(",")]
    return msgspec.convert(dict(pairs), AnnConfig, strict=False)


def accuracies(
    model: OnnxAnn, sample: np.ndarray, test: Dataset, steps: int, target: str | None
) -> Iterator[float]:
    """Of the spiking network in the interpreter, and in integers."""
    imported, x = model.read(sample, steps), images(test)
    parts = [slice(i, i + BATCH) for i in range(0, len(x), BATCH)]
    yield np.mean(
        np.concatenate([interpret(imported.graph, x[part], steps).prediction for part in parts]) == test.y
    )
    if target is not None:
        network = compile_graph(imported.graph, sample, target, steps=steps, notes=imported.notes)
        yield np.mean(np.concatenate([network.run(x[part]).prediction for part in parts]) == test.y)


def arguments() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="digits")
    parser.add_argument("--train", type=int, default=60000, help="samples to train on")
    parser.add_argument("--test", type=int, default=10000, help="samples to test on")
    parser.add_argument("--calibrate", type=int, default=1000, help="training samples that calibrate")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--width", type=int, default=16, help="channels of the first convolution")
    parser.add_argument("--stride", type=int, default=1, help="of the first convolution")
    parser.add_argument("--pool", choices=["average", "max"], default="average")
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 8, 16, 32, 64])
    parser.add_argument("--configs", nargs="+", default=["recommended"], metavar="KEY=VALUE,...")
    parser.add_argument("--target", help="also compile for this chip and run its integers")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Train, export, convert; one line a configuration."""
    args = arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    data, test = load(f"{args.data}@train").limit(args.train), load(f"{args.data}@test").limit(args.test)
    shape = images(data).shape[1:]
    module, start = Residual(shape, data.classes, args.width, args.stride, args.pool), process_time()
    train(module, data, args.epochs, args.batch_size, args.learning_rate)
    with torch.no_grad():
        accuracy = np.mean(module(torch.from_numpy(images(test).copy())).argmax(1).numpy() == test.y)
    print(
        f"{args.data}: {len(data)} samples, {args.epochs} epochs, {process_time() - start:.0f} CPU s; seed {args.seed}"
    )
    print(f"ANN {accuracy:.2%} on {len(test)} test samples; calibrated on {args.calibrate} training samples")
    with TemporaryDirectory() as folder:
        print(f"exported by {export(module, shape, Path(folder) / 'ann.onnx')}", flush=True)
        for text in args.configs:
            model = open_ann(Path(folder) / "ann.onnx", None, config(text))
            for steps in args.steps:
                found = list(accuracies(model, images(data)[: args.calibrate], test, steps, args.target))
                shown = ", ".join(
                    f"{name} {a:.2%} ({100 * (a - accuracy):+.2f})"
                    for name, a in zip(("float", "integers"), found, strict=False)
                )
                print(f"{text:24} T={steps:3}: {shown}", flush=True)


if __name__ == "__main__":
    main()
