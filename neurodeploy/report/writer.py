"""A report to files: run.json, report.md and report.html."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from neurodeploy.errors import BackendMissing, InputError
from neurodeploy.files import write_atomic
from neurodeploy.report.markdown import to_markdown
from neurodeploy.report.model import Report

RENDERERS = ("matplotlib", "jinja2")


@dataclass(frozen=True, slots=True)
class Written:
    """Where the three files are."""

    json: Path
    markdown: Path
    html: Path

    def to_dict(self) -> dict[str, str]:
        """Paths as text."""
        return {name: str(path) for name, path in asdict(self).items()}


def require_renderers() -> None:
    """Raise `BackendMissing` where what draws the page is not installed."""
    missing = [name for name in RENDERERS if find_spec(name) is None]
    if missing:
        raise BackendMissing(
            f"a report needs {' and '.join(missing)}, not installed. Try: pip install 'neurodeploy[report]'"
        )


def write(report: Report, folder: str | Path) -> Written:
    """Render first, then write each file atomically into `folder`, which is made if it is missing.

    The same report gives the same bytes. Raises `BackendMissing` without matplotlib or jinja2, `InputError`
    where the folder cannot be written.
    """
    require_renderers()
    from neurodeploy.report.html import to_html

    content = (report.to_json(), to_markdown(report.run).encode(), to_html(report.run).encode())
    base = make_folder(Path(folder))
    paths = tuple(base / name for name in ("run.json", "report.md", "report.html"))
    for path, one in zip(paths, content, strict=True):
        write_atomic(path, one)
    return Written(*paths)


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing; `InputError` where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    return folder
