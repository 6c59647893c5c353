"""Work under NeuroBench's names against the package neurobench, in an environment of its own where there is one.

The environment is named by NEURODEPLOY_NEUROBENCH, the path of its Python (neurobench 2.3.0 and torch).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.compare.health import activity
from neurodeploy.ir import IntDense
from neurodeploy.report.operations import operations
from tests.cost.nets import events, mlp, traced

PYTHON = os.environ.get("NEURODEPLOY_NEUROBENCH")
PROGRAM = """
import json, sys
import numpy as np, torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import ConnectionSparsity
from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
from neurobench.models import TorchModel

given = np.load(sys.argv[1])
weights = [torch.tensor(given[name], dtype=torch.float64) for name in ("fc1", "fc2")]

class Spikes(torch.nn.Module):
    def forward(self, fired):
        return fired

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(w.shape[1], w.shape[0], bias=False).double() for w in weights)
        for layer, w in zip(self.layers, weights):
            layer.weight.data = w
        self.fired = torch.nn.ModuleList(Spikes() for _ in weights)

    def forward(self, x):  # (N, T, in)
        v = [torch.zeros(len(x), len(w), dtype=torch.float64) for w in weights]
        total = 0
        for t in range(x.shape[1]):
            s = x[:, t]
            for i, layer in enumerate(self.layers):
                v[i] = torch.trunc(v[i] * float(given["keep"]) / 4096) + layer(s) * 64
                s = self.fired[i]((v[i] >= float(given["threshold"])).double())
                v[i] = v[i] * (1 - s)
            total = total + s
        return total

model = TorchModel(Net())
model.add_activation_module(Spikes)
x = torch.tensor(given["x"], dtype=torch.float64)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, torch.zeros(len(x))), batch_size=len(x))
metrics = [[ConnectionSparsity], [ActivationSparsity, SynapticOperations]]
print("RESULT" + json.dumps(Benchmark(model, loader, [], [], metrics).run(verbose=False)))
"""


@pytest.mark.skipif(
    PYTHON is None, reason="NEURODEPLOY_NEUROBENCH does not name a Python that has neurobench"
)
def test_operations_are_those_of_neurobench(tmp_path: Path) -> None:
    network = mlp((20, 30, 5), zeros=0.3)
    given = events(network, 4)
    result = traced(network, given)
    first = network.neurons["lif1"]
    weights = {n: op.weight_q for n, op in network.graph.of(IntDense).items()}
    facts = {"threshold": int(first.threshold_q), "keep": 4096 - int(first.dv)}
    np.savez(tmp_path / "net.npz", x=given.x.transpose(1, 0, 2), **weights, **facts)  # type: ignore[arg-type]
    command = [str(PYTHON), "-c", PROGRAM, str(tmp_path / "net.npz")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    theirs = json.loads(done.stdout.partition("RESULT")[2])
    ours = operations(network, given, activity(network, result))
    for name in ("Effective_MACs", "Effective_ACs", "Dense"):
        assert ours[name] == theirs["SynapticOperations"][name]
    assert ours["ConnectionSparsity"] == pytest.approx(theirs["ConnectionSparsity"], abs=5e-5)
    assert ours["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"], abs=1e-4)
    assert ours["Effective_ACs"] > 0
