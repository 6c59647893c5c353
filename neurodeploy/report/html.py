"""run.json to one self-contained HTML page; needs jinja2 and matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurodeploy.report.sections import sections, tiles, title


def to_html(run: Mapping[str, Any]) -> str:
    """The page: inline style, script and pictures, nothing fetched from anywhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from neurodeploy.report.plots import draw

    def picture(name: str, label: str) -> Markup:
        return Markup(draw(name, run, label))

    environment = Environment(
        loader=PackageLoader("neurodeploy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html")
    return page.render(
        title=title(run), verdict=run["verdict"], tiles=tiles(run), sections=sections(run), picture=picture
    )
