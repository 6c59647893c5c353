"""A small file of Myo recordings for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

GESTURES, PEOPLE, SESSIONS, LENGTH = 3, (70, 30), 3, 12 * 240


def recordings() -> dict[str, Any]:
    """Two people, three sessions, three gestures; a repetition is 240 samples long, of which two windows are used."""
    origin = [(p, s, g) for p in PEOPLE for s in range(1, SESSIONS + 1) for g in range(GESTURES)]
    marks = [np.where(np.arange(LENGTH) // 240 % 2 == 1, g, 0) for _, _, g in origin]
    emg = [np.full((LENGTH, 8), 2 * g + s, np.int8) for _, s, g in origin]
    participant, session, gesture = np.array(origin).T
    return {
        "emg": np.concatenate(emg),
        "label": np.concatenate(marks),
        "offsets": np.arange(len(origin) + 1) * LENGTH,
        "participant": participant,
        "session": session,
        "gesture": gesture,
    }


def write_myo(folder: Path, **over: Any) -> str:
    np.savez(folder / "myo_gestures.npz", **{**recordings(), **over})
    return f"myo:{folder}"
