"""Mutations of any bytes: what a bad disk, a cut transfer or an enemy makes of a file."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Mutation = Callable[[bytes, Random], bytes]
EDGES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 24, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40)
WIDE_EDGES = (*EDGES, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


def flip(content: bytes, draw: Random) -> bytes:
    """One to eight bits."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(content: bytes, draw: Random) -> bytes:
    """The end is missing."""
    return content[: draw.randrange(len(content))]


def remove(content: bytes, draw: Random) -> bytes:
    """A piece is missing."""
    start, end = _piece(content, draw)
    return content[:start] + content[end:]


def repeat(content: bytes, draw: Random) -> bytes:
    """A piece is there up to 16 times."""
    start, end = _piece(content, draw)
    return content[:start] + content[start:end] * draw.randint(2, 16) + content[end:]


def move(content: bytes, draw: Random) -> bytes:
    """A piece is written over another place."""
    start, end = _piece(content, draw)
    place = draw.randrange(len(content))
    return content[:place] + content[start:end] + content[place + end - start :]


def noise(content: bytes, draw: Random) -> bytes:
    """Random bytes are put in."""
    place = draw.randrange(len(content) + 1)
    return content[:place] + draw.randbytes(draw.choice((1, 2, 4, 8, 64))) + content[place:]


def number(content: bytes, draw: Random) -> bytes:
    """A length or an offset is at its edge, or off by a little, in either order of bytes."""
    width = draw.choice((1, 2, 4, 8))
    order = draw.choice(("little", "big"))
    place = draw.randrange(max(len(content) - width, 0) + 1)
    before = int.from_bytes(content[place : place + width], order)  # type: ignore[arg-type]
    value = draw.choice((*WIDE_EDGES, before + 1, before - 1, 2 * before, before // 2)) % (1 << 8 * width)
    return content[:place] + value.to_bytes(width, order) + content[place + width :]  # type: ignore[arg-type]


def _piece(content: bytes, draw: Random) -> tuple[int, int]:
    start = draw.randrange(len(content))
    return start, min(start + int(2 ** draw.uniform(0, 12)), len(content))


MUTATIONS: tuple[Mutation, ...] = (flip, cut, remove, repeat, move, noise, number, number)


def mutate(content: bytes, draw: Random) -> bytes:
    """One of these."""
    return draw.choice(MUTATIONS)(content, draw) if content else noise(content, draw)
