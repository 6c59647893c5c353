"""Trained files and networks of every family on Lava against the engine, every spike and potential.

    python benchmarks/lava_models.py DATA [RUN ...]

DATA is the folder of the project's real data (fashion-mnist, cifar10, netx, nir); each RUN is a folder that
`neurodeploy train` made on Fashion-MNIST. Networks without a file have random weights and thresholds at which they
fire.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from neurodeploy.compare import verify
from neurodeploy.compiler import compile
from neurodeploy.data import load
from neurodeploy.frontends.model import Reading
from neurodeploy.models import blocks, resnet, vgg
from neurodeploy.network import Network
from neurodeploy.training.neurons import LIF

BACKENDS = ("engine", "lava", "lava-batched")
Case = tuple[str, Network, np.ndarray, bool]


def runs(folder: Path, paths: list[str]) -> Iterator[Case]:
    """Trained networks on 64 images of the test set."""
    images = load(f"fashion-mnist:{folder / 'fashion-mnist'}@test").x[:64]
    for path in paths:
        yield path, compile(path, images), images, False


def residual(data: Path) -> Iterator[Case]:
    """Narrow networks of the residual families and VGG with feedback, on natural images of 16 x 16."""
    with np.load(data / "cifar10" / "cifar10_small.npz") as stored:
        pixels = stored["x_test"].transpose(0, 3, 1, 2)
    x = (pixels[:50, :, ::2, ::2] / 255).astype(np.float32)
    torch.manual_seed(0)
    for name, block in (
        ("resnet", blocks.basic_block),
        ("sew", blocks.sew_block),
        ("preact", blocks.preact_block),
    ):
        stem = {"conv": blocks.conv(3, 8, 3), "bn": torch.nn.BatchNorm2d(8)}
        if name != "preact":
            stem["lif"] = LIF(0.5, 0.3)
        body = resnet.stages(block, 8, (8, 16), (1, 1), 1, lambda: LIF(0.5, 0.3))
        if name == "preact":
            body["lif_end"] = LIF(0.5, 0.3)
        yield f"{name}, 8-16, 2 blocks", compiled({**stem, **body, **vgg.mean_head(16, 10)}, x), x, False
    vgg.OTTT_WIDTHS = (8, 16, vgg.POOL, 32, vgg.POOL, 32)
    yield "vgg-f, 8-16-P-32-P-32", compiled(vgg.vgg_f((3, 16, 16), 10, 0.5, 0.3), x), x, False


def compiled(layers: dict[str, torch.nn.Module], x: np.ndarray) -> Network:
    """A chain of layers, 4 time steps."""
    return compile(blocks.chain(**layers).eval(), x, steps=4)


def files(data: Path) -> Iterator[Case]:
    """Networks from files of other tools, with the input that came with them."""
    for name in ("portable_rec", "portable_cnn", "snntorch_mlp_sub_delay"):
        folder = data / "nir" / name
        x = np.load(folder / "io.npz")["input"][:, np.newaxis]
        preset = "snntorch" if name.startswith("snntorch") else "norse"
        reading = Reading(preset, {} if preset == "snntorch" else {"nir": {"dt": 1e-4}})
        samples = x.reshape(-1, *x.shape[2:])
        network = compile(str(folder / "graph.nir"), samples, steps=len(x), reading=reading)
        # The stored sample, and 49 shuffles of its steps.
        rng = np.random.default_rng(0)
        many = np.concatenate([x, *(x[rng.permutation(len(x))] for _ in range(49))], axis=1)
        yield f"{name}.nir", network, many, True
    binary = Reading(None, {"netx": {"input": "binary"}})
    for name, file in (
        ("oxford", "oxford/network.net"),
        ("mnist_tutorial", "mnist_tutorial/trained_mnist_network.net"),
    ):
        x = np.load(data / "netx" / name / "lava_run.npz")["input"].T[:, np.newaxis]
        yield f"{name}.net", compile(str(data / "netx" / file), steps=len(x), reading=binary), x, True
    folder = data / "netx" / "tinynet"
    image = (np.load(folder / "input_bias.npy").transpose(2, 1, 0) - 34) / 36
    tiny = compile(
        str(folder / "tiny.net"), steps=15, reading=Reading(None, {"netx": {"input": "graded:-1..1"}})
    )
    yield "tiny.net", tiny, image[np.newaxis], False


def main() -> None:
    """One line a network."""
    data, paths = Path(sys.argv[1]), sys.argv[2:]
    for cases in (runs(data, paths), files(data), residual(data)):
        for name, network, x, time_axis in cases:
            found = verify(network, x, backends=BACKENDS, time_axis=time_axis)
            fired = network.run(x, time_axis=time_axis, trace=True)
            rate = min(
                trace.spikes.mean()
                for layer, trace in fired.traces.items()
                if network.neurons[layer].reset != "none"
            )
            steps = found.steps * found.samples
            speed = ", ".join(
                f"{b} {1e3 * s / steps:.2f}" for b, s in zip(BACKENDS, found.seconds, strict=True)
            )
            print(
                f"{name}: {len(network.neurons)} layers, {found.samples} samples, {found.steps} steps, "
                f"{found.compared} values, {'0 mismatches' if found.equal else found.mismatches}; "
                f"least spikes per neuron and step {rate:.4f}; ms per sample and step: {speed}",
                flush=True,
            )


if __name__ == "__main__":
    main()
