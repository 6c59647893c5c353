from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from neurodeploy.data.download import download
from neurodeploy.data.idx import read_idx
from neurodeploy.errors import BackendMissing, InputError
from tests.data.files import small_images, small_set, write_images

NOBODY = "http://127.0.0.1:9"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """A folder of images, the address that serves it, and what was asked for."""
    folder = write_images(tmp_path / "mirror")
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    http.asked = []  # type: ignore[attr-defined]
    thread = Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{http.server_port}", http.asked  # type: ignore[attr-defined]
    http.shutdown()
    http.server_close()
    thread.join()


def test_fetches_checks_and_keeps(server: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    _, address, asked = server
    seen: list[tuple[str, int, int]] = []
    paths = download(small_set(), tmp_path / "kept", (NOBODY, address), lambda *a: seen.append(a))
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == sorted(p.name for p in paths)
    assert read_idx(paths[1], axes=1).tolist() == [0, 1, 2, 3, 4, 5]
    assert seen[0][0] == "train-images-idx3-ubyte.gz"
    assert seen[0][1] == seen[0][2] > 0
    asked.clear()
    paths[0].write_bytes(b"half")
    assert download(small_set(), tmp_path / "kept", (address,)) == paths
    assert asked == ["/train-images-idx3-ubyte.gz"]
    assert read_idx(paths[0], axes=3).dtype == np.uint8


def test_a_mirror_that_zips_otherwise_is_as_good(server: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    folder, address, _ = server
    for name, content in small_images().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    assert len(download(small_set(), tmp_path / "kept", (address,))) == 4


@pytest.mark.parametrize(
    "content", [b"<html>moved</html>", gzip.compress(b"other"), gzip.compress(b"\0" * 10**7)]
)
def test_other_content_is_not_kept(
    server: tuple[Path, str, list[str]], tmp_path: Path, content: bytes
) -> None:
    folder, address, _ = server
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte.gz: other content than sha256"):
        download(small_set(), tmp_path / "kept", (address,))
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["train-images-idx3-ubyte.gz"]


def test_truncated_download_is_not_kept(server: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    folder, address, _ = server
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="other content"):
        download(small_set(), tmp_path / "kept", (address,))
    assert not list((tmp_path / "kept").iterdir())


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(
        BackendMissing, match=r"apt-get install dataset-fashion-mnist, or copy .*fashion-mnist:FOLDER"
    ):
        download(small_set(), tmp_path / "kept", (NOBODY,))


def test_missing_on_the_mirror(server: tuple[Path, str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="404"):
        download(small_set(), tmp_path / "kept", (f"{server[1]}/elsewhere",))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Choose another with -o FOLDER"):
        download(small_set(), tmp_path / "file" / "kept", (NOBODY,))
