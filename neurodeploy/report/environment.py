"""Where and with what a report was made, and digests that recognise its subject again."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any

from neurodeploy.ir.json import graph_digest
from neurodeploy.network import Network

CORE = ("neurodeploy", "numpy", "onnx")


def environment(seconds: dict[str, float], with_torch: bool) -> dict[str, Any]:
    """Versions and wall times: the only section that may differ between two reports on the same files."""
    names = (*CORE, "torch") if with_torch else CORE
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: version(name) for name in names},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def network_facts(network: Network) -> dict[str, Any]:
    """Target, steps, input grid, registers and digests.

    `artifact_sha256` is that of the file which `Network.save` writes; `graph_sha256` covers operations,
    edges and arrays alone, so that it stays the same whatever is noted about the network.
    """
    from neurodeploy.artifact import to_bytes

    given = network.input
    return {
        "target": network.target,
        "steps": network.steps,
        "input": {"shape": list(given.shape), "levels": given.levels, "low": given.low, "high": given.high},
        "registers": {
            name: {"bits": r.bits, "overflow": r.overflow}
            for name, r in (("u", network.registers.u), ("v", network.registers.v))
        },
        "artifact_sha256": hashlib.sha256(to_bytes(network)).hexdigest(),
        "graph_sha256": graph_digest(network.graph),
    }
