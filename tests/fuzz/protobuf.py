"""Mutations of protobuf messages that leave the lengths right: fields removed, repeated, moved, changed."""

from __future__ import annotations

from random import Random

from tests.fuzz import raw

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Field = tuple[int, int, bytes]
"""Number and wire type, then the content: of a varint its value in 8 bytes."""


def parse(content: bytes) -> list[Field] | None:
    """The fields of a message, or None where it is none (protobuf encoding, developers.google.com)."""
    fields, at = [], 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if at < 0 or key >> 3 == 0 or key >> 3 > 2000:
            return None
        if kind == VARINT:
            value, end = _varint(content, at)
            held = (value % (1 << 64)).to_bytes(8, "little")
        elif kind == BYTES:
            size, start = _varint(content, at)
            end = start + size if start >= 0 else -1
            held = content[start:end]
        elif kind in (FIXED64, FIXED32):
            end = at + (8 if kind == FIXED64 else 4)
            held = content[at:end]
        else:
            return None
        if end < 0 or end > len(content):
            return None
        fields.append((key >> 3, kind, held))
        at = end
    return fields


def build(fields: list[Field]) -> bytes:
    """The message of these fields."""
    parts = []
    for number, kind, held in fields:
        parts.append(_pack(number << 3 | kind))
        if kind == VARINT:
            parts.append(_pack(int.from_bytes(held, "little")))
        else:
            parts += [_pack(len(held)), held] if kind == BYTES else [held]
    return b"".join(parts)


def mutate(content: bytes, draw: Random) -> bytes:
    """One change of a field, at any depth."""
    fields = parse(content)
    if not fields:
        return raw.mutate(content, draw)
    place = draw.randrange(len(fields))
    number, kind, held = fields[place]
    action = draw.random()
    if action < 0.08:
        del fields[place]
    elif action < 0.16:
        fields.insert(draw.randrange(len(fields) + 1), fields[place])
    elif action < 0.2:
        fields += [fields[place]] * draw.choice((2, 40))
    elif action < 0.24:
        fields[place] = (draw.randint(1, 40), kind, held)
    elif action < 0.26:
        fields[place] = (number, BYTES, _nested(number, draw.choice((50, 120, 3000))))
    elif kind == BYTES:
        fields[place] = (number, kind, mutate(held, draw))
    elif kind == VARINT:
        value = draw.choice((*raw.WIDE_EDGES, int.from_bytes(held, "little") ^ 1, draw.randrange(64)))
        fields[place] = (number, kind, (value % (1 << 64)).to_bytes(8, "little"))
    else:
        fields[place] = (number, kind, raw.flip(held, draw))
    return build(fields)


def _nested(number: int, depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = build([(number, BYTES, content)])
    return content


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """The value and where it ends, -1 where it does not."""
    value = shift = 0
    while at < len(content) and shift < 70:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    return value, -1


def _pack(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
