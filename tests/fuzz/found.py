"""The files that earlier runs found, `corpus/READER/FAULT`: each is refused since."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.seeds import Case

CORPUS = Path(__file__).parent / "corpus"


def found(reader: str = "*") -> list[Path]:
    """The folders of one reader, or of all."""
    return sorted(folder for folder in CORPUS.glob(f"{reader}/*") if folder.is_dir())


def files(folder: Path) -> Case:
    """What lies in a folder, at any depth."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
