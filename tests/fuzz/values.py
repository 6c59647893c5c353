"""Mutations of values as JSON and TOML have them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.fuzz import raw

ODD: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 255, 1 << 20, 1 << 31, 1 << 40, 1 << 63, -(1 << 63), 10**30),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan")),
    *("", "a", "0", "../../x", "/etc/passwd", "é\u202e\U0001f600", "\x00", "x" * 5000, "loihi2", "%s{}"),
    *(None, True, False, [], {}, [[]], [0], {"a": 0}, [1 << 40, 1 << 40]),
)


def mutate(value: Any, draw: Random) -> Any:
    """The same with one change somewhere inside; the value itself is left as it is."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        return _changed_dict(dict(value), draw)
    if isinstance(value, list) and value and draw.random() < 0.85:
        return _changed_list(list(value), draw)
    if isinstance(value, (int, float)) and draw.random() < 0.4:
        return draw.choice((-value, value + 1, value - 1, value * 2, value / 2, [value], str(value)))
    if isinstance(value, str) and draw.random() < 0.4:
        return raw.mutate(value.encode(), draw).decode("utf-8", "replace")
    return draw.choice(ODD)


def _changed_dict(value: dict[str, Any], draw: Random) -> dict[str, Any]:
    key = draw.choice(list(value))
    action = draw.random()
    if action < 0.08:
        del value[key]
    elif action < 0.14:
        value[draw.choice(("more", "", "é", f"{key}_", key.upper()))] = value[key]
    elif action < 0.2:
        value[key] = value[draw.choice(list(value))]
    else:
        value[key] = mutate(value[key], draw)
    return value


def _changed_list(value: list[Any], draw: Random) -> list[Any]:
    place = draw.randrange(len(value))
    action = draw.random()
    if action < 0.1:
        del value[place]
    elif action < 0.2:
        value.insert(place, draw.choice(value))
    else:
        value[place] = mutate(value[place], draw)
    return value


def json_text(content: bytes, draw: Random) -> bytes:
    """JSON with one value changed, or nested deeper than anyone reads."""
    if draw.random() < 0.02:
        depth = draw.choice((100, 2000, 200_000))
        return b"[" * depth + b"]" * depth
    try:
        return json.dumps(mutate(json.loads(content), draw), ensure_ascii=draw.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, OverflowError, RecursionError):
        return raw.mutate(content, draw)


def json_lines(content: bytes, draw: Random) -> bytes:
    """JSON lines, one of them changed, missing, twice or moved."""
    lines = content.splitlines()
    if not lines:
        return raw.mutate(content, draw)
    place = draw.randrange(len(lines))
    action = draw.random()
    if action < 0.1:
        del lines[place]
    elif action < 0.2:
        lines.insert(draw.randrange(len(lines)), lines[place])
    else:
        lines[place] = json_text(lines[place], draw)
    return b"\n".join(lines) + b"\n"


def toml_text(content: bytes, draw: Random) -> bytes:
    """TOML with one value, key or line changed."""
    lines = content.decode("utf-8", "replace").split("\n")
    place = draw.choice([i for i, line in enumerate(lines) if line.strip()] or [0])
    key, equals, _ = lines[place].partition("=")
    action = draw.random()
    if action < 0.15:
        del lines[place]
    elif action < 0.3:
        lines.insert(draw.randrange(len(lines) + 1), lines[place])
    elif action < 0.8 and equals:
        lines[place] = f"{key}= {_toml(draw.choice(ODD))}"
    elif action < 0.82:
        depth = draw.choice((50, 300, 5000))
        lines[place] = f"{key or 'a'} = {'[' * depth}{']' * depth}"
    else:
        lines[place] = raw.mutate(lines[place].encode(), draw).decode("utf-8", "replace")
    return "\n".join(lines).encode("utf-8", "replace")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)
