"""Out to a NIR file that other tools read, and back: how many spikes does the way through the file change?

`python examples/through_nir.py`
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nir
import numpy as np

import neurodeploy as nd
from neurodeploy.data import load
from neurodeploy.exporter import export

STEPS = 8


def main() -> None:
    """Export a compiled network, show what other tools see in the file, compile it again."""
    train, test = load("digits@train"), load("digits@test")
    run = nd.train("mlp:64-64-10,readout=spiking,reset=zero", train, rule="bptt", steps=STEPS, epochs=8)
    net = nd.compile(run.module, train.x, steps=STEPS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.nir"
        for note in export(net, "nir", path):
            print(f"note: {note}")
        graph = nir.read(path)
        print({name: type(node).__name__ for name, node in graph.nodes.items()})
        again = nd.compile(str(path), test.x, steps=STEPS)
    changed = int(np.count_nonzero(again.run(test.x).spikes != net.run(test.x).spikes))
    print(f"{changed} spikes changed on the way through the file")


if __name__ == "__main__":
    main()
