"""Command lines as they are shown to the user, to be typed or pasted into a shell."""

from __future__ import annotations

import shlex


def command_line(*words: object) -> str:
    """The words as one line that a POSIX shell splits into the same words again; spaces and the like are quoted."""
    return shlex.join(map(str, words))
