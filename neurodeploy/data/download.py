"""Fetching image sets: every file is checked before it is kept."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path

from neurodeploy.data.images import IdxFile, ImageSet
from neurodeploy.errors import BackendMissing, InputError
from neurodeploy.files import write_atomic

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes fetched and the bytes in all (0 where the server does not say)."""

_CHUNK = 1 << 18
_GZIP_WINDOW = 31  # zlib's code for "gzip header, largest window"


def download(
    images: ImageSet,
    folder: Path | None = None,
    mirrors: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> tuple[Path, ...]:
    """Fetch the files of `images` that `folder` (default: the user's cache) does not hold intact.

    `mirrors` are base URLs (default: the set's own), tried in order; `timeout` in seconds is for each answer
    of a server. What is kept is decided by the sha256 of the unpacked content, because mirrors differ in how
    they zip. Returns the paths of the four files.

    Raises `BackendMissing` where no mirror answers and `InputError` where all that answer have other data.
    """
    folder = folder or images.cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}. Choose another with -o FOLDER") from None
    fetch = _Fetch(images, mirrors or images.mirrors, progress or (lambda name, done, total: None), timeout)
    return tuple(fetch.keep(file, folder) for file in images.files.values())


class _Fetch:
    """One download: where to ask, whom to tell."""

    def __init__(
        self, images: ImageSet, mirrors: tuple[str, ...], progress: Progress, timeout: float
    ) -> None:
        self.images, self.mirrors, self.progress, self.timeout = images, mirrors, progress, timeout

    def keep(self, file: IdxFile, folder: Path) -> Path:
        path = folder / f"{file.name}.gz"
        if path.is_file() and _is(file, path.read_bytes()):
            return path
        answered = False
        failures = []
        for mirror in self.mirrors:
            url = f"{mirror.rstrip('/')}/{path.name}"
            try:
                content = self.get(url, file)
            except (OSError, http.client.HTTPException) as error:
                failures.append(f"{url}: {error}")
                continue
            if _is(file, content):
                write_atomic(path, content)
                return path
            answered = True
            failures.append(f"{url}: other content than sha256 {file.sha256[:12]}... (unpacked)")
        raise (InputError if answered else BackendMissing)(f"{'; '.join(failures)}. {self.advice()}")

    def get(self, url: str, file: IdxFile) -> bytes:
        """The body of `url`, at most as long as the unpacked file and a little."""
        content = bytearray()
        with urllib.request.urlopen(url, timeout=self.timeout) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while len(content) <= file.size + _CHUNK and (chunk := answer.read(_CHUNK)):
                content += chunk
                self.progress(f"{file.name}.gz", len(content), total)
        return bytes(content)

    def advice(self) -> str:
        package = self.images.debian_package
        debian = f"run: apt-get install {package}, or " if package else ""
        return f"Without network: {debian}copy the IDX files to a folder and write {self.images.name}:FOLDER"


def _is(file: IdxFile, zipped: bytes) -> bool:
    """Whether `zipped` unpacks to the content of `file`; never unpacks more than it should hold."""
    unpack = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpack.decompress(zipped, file.size + 1)
    except zlib.error:
        return False
    return unpack.eof and len(content) == file.size and hashlib.sha256(content).hexdigest() == file.sha256
