"""Reading descriptions of chips: TOML files, strictly."""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect

from neurodeploy.chip.description import Chip
from neurodeploy.errors import InputError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHIPS_PACKAGE = "neurodeploy.targets.chips"


def chip_names() -> tuple[str, ...]:
    """Names of the chips that come with the package."""
    files = resources.files(CHIPS_PACKAGE).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".toml")))


def load_chip(name: str) -> Chip:
    """The chip called `name`, or the one that a `.toml` path describes.

    A description may begin with `base = "NAME"`: it then says only what differs from that chip of the package.

    Raises `UsageError` for an unknown name, `InputError` for a file that is not a chip description: the message
    names the path of what is missing, unknown, negative or without unit.
    """
    if name.endswith(".toml") and name not in chip_names():
        return _convert(name, _merged(name, _parse(name, _read(Path(name)))))
    if name not in chip_names():
        raise UsageError(
            f"there is no target {name!r}; there are: {', '.join(chip_names())}, or a path to a .toml"
        )
    return _convert(name, _merged(name, _shipped(name)))


def _shipped(name: str) -> dict[str, Any]:
    return _parse(name, (resources.files(CHIPS_PACKAGE) / f"{name}.toml").read_text("utf-8"))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the chip description {path}: {error}") from None


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"chip description {name}: {error}") from None


def _merged(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What `given` says over what its base says; a number is replaced as a whole, with its source."""
    base = given.pop("base", None)
    if base is None:
        return given
    if base not in chip_names():
        raise InputError(
            f"chip description {name}: base must be one of {', '.join(chip_names())}, not {base!r}"
        )
    return _over(_merged(base, _shipped(base)), given)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    joined = dict(below)
    for key, value in above.items():
        section = isinstance(value, dict) and isinstance(below.get(key), dict) and "source" not in value
        joined[key] = _over(below[key], value) if section else value
    return joined


def _convert(name: str, tree: dict[str, Any]) -> Chip:
    try:
        return msgspec.convert(tree, Chip)
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field .*?(?:at `\$([^`]*)`)?$", str(error))
        known = f". There are {', '.join(_keys(unknown[1] or ''))}" if unknown else ""
        raise InputError(f"chip description {name}: {error}{known}") from None


def _keys(path: str) -> tuple[str, ...]:
    """The keys of the section at `path`, as msgspec writes it: `.core.neurons`, `.boards[...]`."""
    section: Any = msgspec.inspect.type_info(Chip)
    for part in re.findall(r"\w+|\[", path):
        section = _inner(section, part)
    return tuple(key.encode_name for key in section.fields)


def _inner(section: Any, part: str) -> Any:
    """What stands in a section under a key, or in a table of any keys; never None where both may stand."""
    if part == "[":
        return section.value_type
    (kind,) = (key.type for key in section.fields if key.encode_name == part)
    if not isinstance(kind, msgspec.inspect.UnionType):
        return kind
    return next(one for one in kind.types if not isinstance(one, msgspec.inspect.NoneType))
