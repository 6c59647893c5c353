"""The residual and recurrent networks of the papers, from torch to two back ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neurodeploy.compare import compare
from neurodeploy.compiler import compile, lowered_model
from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.model import TorchModel
from neurodeploy.ir.interpreter import interpret
from neurodeploy.models import build
from tests.nets import chip_file

STEPS = 3
NETWORKS = {
    "vgg-f:input=2x8x8,classes=3,threshold=0.3": 0.65,
    "resnet-18:input=2x8x8,classes=3,threshold=0.3": 0.6,
    "nf-resnet-34:input=2x32x32,classes=3,threshold=0.3": 0.7,
    "sew-resnet-34:input=2x32x32,classes=3,threshold=0.3": 0.7,
    "preact-resnet-34-avg:input=2x32x32,classes=3,threshold=0.3": 0.6,
}
"""The network, and the least share of spikes that 8-bit weights keep in any layer.

Parameters are drawn, so that deep layers amplify every difference; the first layer shows what rounding does.
"""


@pytest.mark.parametrize("spec", NETWORKS)
def test_two_back_ends_are_equal_and_near_the_float_network(spec: str, tmp_path: Path) -> None:
    module = build(spec, seed=1)
    generator = torch.Generator().manual_seed(2)
    for parameter in module.parameters():
        if not parameter.any():  # the papers start some layers at zero
            parameter.data = 0.05 * torch.randn(parameter.shape, generator=generator)
    chip = chip_file(tmp_path, ("cores = { value = 120", "cores = { value = 1000000"))
    x = np.random.default_rng(0).integers(0, 256, (2, *module.spec.input_shape)) / 255  # type: ignore[union-attr]
    network = compile(module, x, chip, steps=STEPS)
    done = compare(network, network.stimulus(x), ("engine", "onnxruntime"))
    assert done.equal, str(done)
    floats = interpret(lowered_model(TorchModel(module, spec), x, STEPS)[0], x, STEPS)
    traces = network.run(x, trace=True).traces
    spiking = [name for name, op in network.neurons.items() if op.reset != "none"]
    kept = {name: float((floats.spikes[name] == traces[name].spikes).mean()) for name in spiking}
    first = spiking[0]
    assert (floats.spikes[first][0] == traces[first].spikes[0]).mean() > 0.98
    assert min(kept.values()) > NETWORKS[spec], kept
    assert sum(bool(traces[name].spikes.any()) for name in spiking) > 0.9 * len(spiking)


def test_the_largest_of_currents_is_refused_by_name() -> None:
    module = build("preact-resnet-34:input=2x32x32,classes=3", seed=1)
    with pytest.raises(
        UnsupportedError, match=r"layer 'pool': only the maximum of binary spikes .*use average pooling"
    ):
        compile(module, np.random.default_rng(0).random((2, 2, 32, 32)), steps=2)
