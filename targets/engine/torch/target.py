"""The engine on torch as a back end: on the processor, or on a GPU."""

from __future__ import annotations

from importlib.util import find_spec
from time import perf_counter

from neurodeploy.backend import Progress, Result, no_progress, require_stimulus
from neurodeploy.errors import BackendMissing
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.run import CHUNK_ELEMENTS, result, run

GPU_ELEMENTS = 1 << 25
"""Largest number of (step, sample, neuron) elements of a layer at a time on a GPU, which is slow on few."""


class Torch:
    """The layer-by-layer engine with torch's operations, exact on every device.

    `device` is `cpu`, `cuda` or `cuda:N`.
    """

    summary = "the engine on torch: 'torch' on the CPU, 'torch:cuda' or 'torch:cuda:N' on a GPU"

    def __init__(self, device: str = "") -> None:
        self.name = f"torch:{device}" if device else "torch"
        self._device = device or "cpu"

    def on(self, device: str) -> Torch:
        """See `neurodeploy.backend.DeviceBackend.on`."""
        return Torch(device)

    def missing(self) -> str | None:
        """None, or how to install torch, or what GPUs there are not."""
        if find_spec("torch") is None:
            return "torch is not installed: pip install torch==2.13.0"
        from neurodeploy.training import choose_device

        try:
            choose_device(self._device)
        except BackendMissing as error:
            return str(error)
        return None

    def run(
        self,
        network: Network,
        stimulus: Stimulus,
        *,
        trace: bool = False,
        current: bool = False,
        progress: Progress = no_progress,
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`; `UsageError` for a device that torch does not know or have."""
        if (missing := self.missing()) is not None:
            raise BackendMissing(missing)
        from neurodeploy.targets.engine.torch import library
        from neurodeploy.targets.engine.torch.exact import exact
        from neurodeploy.training import choose_device

        require_stimulus(network, stimulus)
        device = choose_device(self._device)
        elements = CHUNK_ELEMENTS if device.type == "cpu" else GPU_ELEMENTS
        traced, start = frozenset(network.neurons if trace else ()), perf_counter()
        with exact(device):
            found = run(
                network, stimulus, traced, current, progress, library.Torch(device, elements), elements
            )
        output, traces, overflows = found
        return result(self.name, network, output, perf_counter() - start, traces, overflows)


TORCH = Torch()
