"""Errors of other libraries in one line."""

from __future__ import annotations

LONGEST = 200


def one_line(error: BaseException) -> str:
    """Kind and message of an error, without line breaks."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message[:LONGEST]}" if message else type(error).__name__
