"""Runs a .net file with lava-dl's netx and prints what it took; a process of its own for `benchmarks/lava_speed.py`.

    python benchmarks/lava_netx.py NET.net X.npy STEPS

X.npy holds spikes `(samples, *shape)`, shown STEPS times each, all samples in one run. Prints one JSON object: seconds
of the run and the number of output spikes of each sample. lava-dl 0.6.0 runs under neurodeploy's layer for Lava; a
folder that holds it unpacked may stand on PYTHONPATH.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from time import perf_counter
from types import ModuleType

import numpy as np

from neurodeploy.targets.lava import compat

warnings.filterwarnings("ignore")
compat.prepare()
# netx imports all of slayer, which imports OpenCV and torchvision for this part alone.
sys.modules["lava.lib.dl.slayer.object_detection"] = ModuleType("object_detection")

from lava.lib.dl.netx import hdf5  # noqa: E402
from lava.magma.core.run_conditions import RunSteps  # noqa: E402
from lava.magma.core.run_configs import Loihi2SimCfg  # noqa: E402
from lava.proc.io.sink import RingBuffer as Sink  # noqa: E402
from lava.proc.io.source import RingBuffer as Source  # noqa: E402


def main() -> None:
    """Build, run, read, stop."""
    path, x, steps = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
    # Without an input layer of its own netx leaves the first hop to the caller.
    net = hdf5.Network(net_config=path, reset_interval=steps, reset_offset=1)
    layers, total = len(net.layers), steps * len(x)
    shown = np.repeat(x, steps, axis=0).T.reshape(*net.inp.shape, total)
    source = Source(data=np.pad(shown, [(0, 0)] * len(net.inp.shape) + [(0, layers)]))
    sink = Sink(shape=net.out.shape, buffer=total + layers)
    source.s_out.connect(net.inp)
    net.out.connect(sink.a_in)
    net._log_config.level = 40
    configuration = Loihi2SimCfg(select_tag="fixed_pt")
    net.create_runtime(run_cfg=configuration)
    start = perf_counter()
    net.run(condition=RunSteps(num_steps=total + layers), run_cfg=configuration)
    seconds = perf_counter() - start
    spikes = np.asarray(sink.data.get()).reshape(-1, total + layers)[:, layers:]
    net.stop()
    counts = spikes.reshape(len(spikes), len(x), steps).sum(axis=2).T.astype(int)
    print(json.dumps({"seconds": seconds, "counts": counts.tolist()}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
