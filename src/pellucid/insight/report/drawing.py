"""A picture in a page: SVG whose text is text and whose colors are the page's, on light and on dark paper."""

from __future__ import annotations

import io
import re
import warnings
from html import escape

from pellucid.insight.pictures.diagram import Diagram
from pellucid.insight.pictures.picture import GRAY, INK, NEGATIVE, PAPER, POSITIVE, SERIES, Picture

GRID = "#e6e8eb"
VARIABLES = {
    POSITIVE: "positive",
    NEGATIVE: "negative",
    INK: "ink",
    GRAY: "gray",
    PAPER: "card",
    GRID: "grid",
    "#000000": "ink",
    **{color: f"series-{index}" for index, color in enumerate(SERIES) if index > 1},
}
"""By the colors that pictures are drawn in, the names of the page's."""


def inline(picture: Picture, description: str) -> str:
    """Return a picture for a page; ``description`` is read to those who do not see it."""
    import matplotlib

    buffer = io.StringIO()
    # Text stays text, measured in another font than the page's: what that font lacks does not matter.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pellucid"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph.*missing from")
        warnings.filterwarnings("ignore", message=".*[Ll]ayout not applied")
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        picture.figure.savefig(buffer, format="svg", metadata=nothing)
    svg = buffer.getvalue()
    return _of_the_page(svg[svg.index("<svg") :], description)


def inline_diagram(diagram: Diagram) -> str:
    """Return a network's diagram for a page, whose colors follow the page by themselves."""
    return diagram.svg.replace(' xmlns="http://www.w3.org/2000/svg"', "").strip()


def _of_the_page(svg: str, description: str) -> str:
    """Return the drawing without what a page has by itself, and with the page's colors and fonts."""
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    named = set(re.findall(r'(?:xlink:href="|url\()#([^")]+)', rest))
    rest = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in named else "", rest)
    rest = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", rest, flags=re.DOTALL)
    rest = re.sub(r"<!--.*?-->", "", rest, flags=re.DOTALL)
    rest = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", rest)
    rest = re.sub(r"style=\"[^\"]*\"", _recolored, rest)
    rest = re.sub(r"<text (?![^>]*fill:)", '<text fill="var(--ink)" ', rest)
    rest = re.sub(r"\n\s*", "\n", rest)
    name = escape(description)
    return f'<svg role="img" {box[0] if box else ""} aria-label="{name}">{rest.strip()}'


def _recolored(match: re.Match[str]) -> str:
    style = match[0].lower() if "#" in match[0] and "url" not in match[0] else match[0]
    for color, name in VARIABLES.items():
        style = style.replace(color.lower(), f"var(--{name})")
    return style
