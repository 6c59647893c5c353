"""Sphinx builds the site from the Markdown pages of this folder: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from reference_pages import fill

from neurodeploy import __version__

project = "neurodeploy"
author = "the neurodeploy authors"
release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"neurodeploy {__version__}"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
myst_heading_anchors = 3


def setup(app):
    """Generated parts replace their marks before a page is parsed."""
    app.connect("source-read", lambda _app, name, source: source.__setitem__(0, fill(source[0])))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
