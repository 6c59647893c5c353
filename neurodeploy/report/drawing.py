"""Matplotlib figures to markup that fits light and dark pages; needs matplotlib."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#123456"
"""Drawn with this colour, replaced by `currentColor` in an SVG: the page's own colour of text."""
GREY = "#808890"
"""Text of a PNG: readable on white and on black."""
PALETTE = ("#4c8bc9", "#d9822b", "#4fa36b", "#b76bb0", "#c9a227", "#7a8ba3")
FLOAT, LIMIT = "#d9822b", "#cc5a52"
INTEGER = PALETTE[0]
PNG_DPI = 150


@contextmanager
def style(ink: str = INK) -> Iterator[None]:
    """Plain axes on a transparent ground, text and lines in `ink`."""
    import matplotlib

    settings: Any = {
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.axisbelow": True,
        "axes.edgecolor": ink,
        "axes.labelcolor": ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 9,
        "font.size": 9,
        "font.family": "sans-serif",
        "grid.alpha": 0.18,
        "grid.color": ink,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "neurodeploy",
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
    }
    with matplotlib.rc_context(settings):
        yield


def svg(figure: Figure, name: str, label: str) -> str:
    """One inline `<svg>`: no document head, no metadata, no addresses; identifiers are unique by `name`."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace(INK, "currentColor")
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def png(figure: Figure, name: str, label: str) -> str:
    """One `<img>` with the picture inside."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    data = base64.b64encode(buffer.getvalue()).decode()
    width = round(figure.get_figwidth() * 96)
    return f'<img id="{name}" alt="{escape(label)}" width="{width}" src="data:image/png;base64,{data}">'
