"""What samples over time are worth as calibration data: their time steps, against the same frames standing still.

`python benchmarks/time_steps.py` rounds the two networks of the zoo whose data change over time. Calibration: the first
300 recordings of nmnist@train, the first 1000 windows of myo@train. Cells: accuracy in % on samples that calibration
did not see, the other 700 of nmnist@train with all of nmnist@test, and myo@test. The network nmnist-conv was trained on
those 700.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from tables import table

from neurodeploy.compiler import CompileConfig, QuantConfig, compile
from neurodeploy.data import Dataset, load
from neurodeploy.frontends.zoo import open_zoo
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network

Array = npt.NDArray[np.float32]
BITS = (8, 4, 3, 2)
BATCH = 250
RULES = {
    "nearest": QuantConfig(),
    "gptq": QuantConfig(rounding="gptq"),
    "gptq, fit": QuantConfig(rounding="gptq", neurons="fit"),
}


def main() -> None:
    """Both tables."""
    for model, calibration, x, labels in (("zoo:nmnist-conv", *nmnist()), ("zoo:myo-mlp", *myo())):
        graph, steps = open_zoo(model).read(None, None).graph, calibration.steps or 1
        exact = [interpret(graph, part, steps, time_axis=True).prediction for part in parts(x)]
        rows = {
            f"{rule}, {how}": row
            for rule in RULES
            for how, row in compared(rule, model, calibration, x, labels)
        }
        table(
            f"{model}, {len(labels)} samples, float {100 * np.mean(np.concatenate(exact) == labels):.2f}",
            [f"{bits} bits" for bits in BITS],
            rows,
        )


def nmnist() -> tuple[Dataset, Array, npt.NDArray[np.int64]]:
    """Calibration data, samples `(T, N, *shape)`, labels."""
    train, test = load("nmnist@train", 10), load("nmnist@test", 10)
    x = np.concatenate([train.time_first[:, 300:], test.time_first], axis=1)
    return train.limit(300), x, np.concatenate([train.labels()[300:], test.labels()])


def myo() -> tuple[Dataset, Array, npt.NDArray[np.int64]]:
    """See `nmnist`."""
    test = load("myo@test", 16)
    return load("myo@train", 16).limit(1000), test.time_first, test.labels()


def compared(
    rule: str, model: str, calibration: Dataset, x: Array, labels: npt.NDArray[np.int64]
) -> Iterator[tuple[str, list[str]]]:
    """Accuracies by bits, calibrated on single frames and on time steps."""
    frames = calibration.x.reshape(-1, *calibration.shape)
    for how, sample, time_axis in (("frames", frames, False), ("time steps", calibration.time_first, True)):
        row = []
        for bits in BITS:
            network = compile(
                model, sample, bits=bits, config=CompileConfig(RULES[rule]), time_axis=time_axis
            )
            row.append(f"{100 * np.mean(predicted(network, x) == labels):.2f}")
        yield how, row


def predicted(network: Network, x: Array) -> npt.NDArray[np.int64]:
    """Class of each sample."""
    return np.concatenate([network.run(part, time_axis=True).prediction for part in parts(x)])


def parts(x: Array) -> Iterator[Array]:
    """`x` `(T, N, *shape)` in batches."""
    for first in range(0, x.shape[1], BATCH):
        yield x[:, first : first + BATCH]


if __name__ == "__main__":
    main()
