"""What is installed, what is missing, and whether every back end computes two neurons correctly."""

from __future__ import annotations

import importlib
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from neurodeploy.backend import backend_entries, get_backend
from neurodeploy.command_line import command_line
from neurodeploy.compiler import CompileConfig, NeuronConfig, compile_graph
from neurodeploy.errors import BackendFailed, NeurodeployError
from neurodeploy.ir import LIF, Dense, Graph, Input, Output, Readout
from neurodeploy.network import Network
from neurodeploy.semantics.reference import run_sample

TORCH = ("torch==2.13.0",)
LAVA = ("--no-deps", "--ignore-requires-python", "lava-nc==0.10.0")
PYTHON_RANGE = ((3, 10), (3, 13))


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution, what needs it, and the arguments of `pip install` that bring it."""

    name: str
    needed_for: str
    install: tuple[str, ...]
    version: str | None

    @property
    def fix(self) -> str:
        """The command that installs it."""
        return command_line(sys.executable, "-m", "pip", "install", *self.install)


@dataclass(frozen=True, slots=True)
class BackendCheck:
    """The two-neuron network on one back end: 'ok', 'missing' or 'wrong', and what to do."""

    name: str
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that `neurodeploy doctor` prints."""

    python: str
    python_ok: bool
    packages: tuple[Package, ...]
    backends: tuple[BackendCheck, ...]

    @property
    def healthy(self) -> bool:
        """True when nothing is missing and every back end is right."""
        present = all(package.version for package in self.packages)
        return self.python_ok and present and all(check.state == "ok" for check in self.backends)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        packages = [{**asdict(p), "fix": None if p.version else p.fix} for p in self.packages]
        return {**asdict(self), "packages": packages, "healthy": self.healthy}


_PACKAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("numpy", "everything", ("numpy",)),
    ("networkx", "everything", ("networkx",)),
    ("onnx", "artefacts", ("onnx",)),
    ("msgspec", "configuration and chips", ("msgspec",)),
    ("safetensors", "run folders", ("safetensors",)),
    ("torch", "train, compile", TORCH),
    ("scikit-learn", "the digits data, lava", ("scikit-learn",)),
    ("onnxruntime", "--backend onnxruntime", ("onnxruntime",)),
    ("scipy", "--backend lava", ("scipy",)),
    ("asteval", "--backend lava", ("asteval",)),
    ("lava-nc", "--backend lava", LAVA),
    ("matplotlib", "report", ("matplotlib",)),
    ("jinja2", "report", ("jinja2",)),
    ("h5py", ".nir and .net files", ("h5py",)),
    ("numba", "the engine as machine code", ("numba",)),
    ("joblib", "quantize --jobs", ("joblib",)),
    ("shtab", "--print-completion", ("shtab",)),
)


def diagnose() -> Diagnosis:
    """Look at the packages and run two neurons on every back end."""
    running = sys.version_info[:2]
    return Diagnosis(
        platform.python_version(),
        PYTHON_RANGE[0] <= running <= PYTHON_RANGE[1],
        tuple(Package(name, why, install, _version(name)) for name, why, install in _PACKAGES),
        tuple(check_backend(name) for name in backend_entries()),
    )


def install(packages: tuple[Package, ...]) -> None:
    """Install what is missing, one `pip install` each; raises `BackendFailed` with pip's last lines."""
    for package in packages:
        command = [sys.executable, "-m", "pip", "install", *package.install]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = " ".join(done.stderr.strip().splitlines()[-2:])
            raise BackendFailed(f"`{package.fix}` failed with status {done.returncode}: {last}")
    importlib.invalidate_caches()


def check_backend(name: str) -> BackendCheck:
    """Run `two_neurons` on a back end and compare every value with the plain-Python reference."""
    backend = get_backend(name)
    if (missing := backend.missing()) is not None:
        return BackendCheck(name, "missing", missing)
    network = two_neurons()
    x = np.array([[1.0, 0.25], [0.0, 1.0]])
    stimulus = network.stimulus(x)
    try:
        result = backend.run(network, stimulus, trace=True)
    except NeurodeployError as error:
        return BackendCheck(name, "wrong", str(error))
    for sample in range(stimulus.samples):
        expected = run_sample(network.graph, network.registers, [stimulus.x[sample].tolist()] * network.steps)
        for layer, trace in result.traces.items():
            if expected.membrane[layer] != trace.membrane[:, sample].tolist():
                return BackendCheck(
                    name, "wrong", f"layer '{layer}' differs from the reference in sample {sample}"
                )
    return BackendCheck(name, "ok", f"two neurons, {network.steps} steps: equal to the reference")


def two_neurons() -> Network:
    """One spiking neuron and one readout neuron that every back end can run, compiled for loihi2."""
    graph = Graph(
        {
            "input": Input((2,)),
            "fc1": Dense(np.array([[0.8, -0.4]]), np.array([0.1])),
            "lif1": LIF((1,), 0.5, 1.0, "zero", "gt"),
            "fc2": Dense(np.array([[0.7]]), np.array([-0.05])),
            "readout": Readout((1,), 1.0),
            "output": Output(),
        },
        [("input", "fc1"), ("fc1", "lif1"), ("lif1", "fc2"), ("fc2", "readout"), ("readout", "output")],
    )
    config = CompileConfig(neurons=NeuronConfig(threshold_step=64))
    return compile_graph(graph, np.array([[0.0, 0.25], [0.5, 1.0]]), steps=6, config=config)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
