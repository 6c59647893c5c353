"""Small data files for the tests."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np

from neurodeploy.data.images import IdxFile, ImageSet
from neurodeploy.data.registry import DOWNLOADS


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def small_images(n: int = 6) -> dict[str, bytes]:
    """IDX contents of a tiny image set, by file name without .gz."""
    images = (np.arange(n * 784) % 256).astype(np.uint8).reshape(n, 28, 28)
    labels = (np.arange(n) % 10).astype(np.uint8)
    files = {}
    for split in ("train", "t10k"):
        files[f"{split}-images-idx3-ubyte"] = idx_bytes(images)
        files[f"{split}-labels-idx1-ubyte"] = idx_bytes(labels)
    return files


def write_images(folder: Path, zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in small_images().items():
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name).write_bytes(content)
    return folder


def small_set() -> ImageSet:
    """An image set whose files are those of `small_images`."""
    contents = small_images()
    real = DOWNLOADS["fashion-mnist"]
    files = {
        key: IdxFile(file.name, len(contents[file.name]), hashlib.sha256(contents[file.name]).hexdigest())
        for key, file in real.files.items()
    }
    return replace(real, files=files)
