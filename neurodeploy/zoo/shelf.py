"""Where the trained networks lie in the package, and reading their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from neurodeploy.errors import InputError, UsageError
from neurodeploy.zoo.card import Card

PREFIX = "zoo:"
SHELF = Path(__file__).parents[1] / "models" / "zoo"
CARD, GRAPH, WEIGHTS, ARTEFACT = "card.json", "graph.json", "weights.safetensors", "network.onnx"


def is_zoo(name: object) -> bool:
    """True for `zoo:NAME`, whether there is such a network or not."""
    return isinstance(name, str) and name.startswith(PREFIX)


def names() -> tuple[str, ...]:
    """The networks of the zoo, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in SHELF.glob(f"*/{CARD}")))


def name_of(model: str) -> str:
    """`zoo:NAME` -> `NAME`; `UsageError` listing the networks where there is none of that name."""
    name = model.removeprefix(PREFIX)
    if name not in names():
        raise UsageError(f"there is no {PREFIX}{name}; there are {', '.join(PREFIX + n for n in names())}")
    return name


def folder(model: str) -> Path:
    """The folder of `zoo:NAME`; raises as `name_of`."""
    return SHELF / name_of(model)


def artefact(model: str) -> Path:
    """The 8-bit artefact of `zoo:NAME`; raises as `name_of`."""
    return folder(model) / ARTEFACT


def card(model: str) -> Card:
    """The card of `zoo:NAME`; raises as `name_of`, and `InputError` where it is damaged."""
    path = folder(model) / CARD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged: {error}. Install neurodeploy again") from None


def content(model: str, file: str) -> bytes:
    """The bytes of one file of `zoo:NAME`; raises as `card`, and `InputError` where they are not those of the card."""
    path = folder(model) / file
    wanted = card(model).files[file]
    found = path.read_bytes() if path.is_file() else b""
    digest = hashlib.sha256(found).hexdigest()
    if digest != wanted:
        raise InputError(
            f"{path} is missing or damaged: its sha256 is {digest[:12]}..., that of its card {wanted[:12]}.... "
            "Install neurodeploy again"
        )
    return found
