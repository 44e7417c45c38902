"""A picture is a matplotlib figure that shows itself in a notebook and saves itself, without any global state."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import OutputError, require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
"""Blue and vermilion, which every kind of color vision tells apart (Okabe and Ito 2008)."""
INK, GRAY, PAPER = "#1b1f24", "#57606a", "#ffffff"
SERIES = (POSITIVE, NEGATIVE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#B8A900")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Picture:
    """A figure: `save` writes it, a notebook shows it, and ``figure`` is matplotlib's, to be changed at will."""

    figure: Figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture in the format that the path ends with, such as .png, .svg or .pdf; raises `OutputError`."""
        write(path, lambda target: self.figure.savefig(target, dpi=DOTS_PER_INCH))

    def _repr_png_(self) -> bytes:
        """Return the picture for a notebook."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
        return buffer.getvalue()


def write(path: str | os.PathLike[str], how: Any) -> None:
    """Write a file by ``how(path)``; raises `OutputError` that names it."""
    try:
        how(Path(path))
    except (OSError, ValueError) as error:
        raise OutputError(f"the picture cannot be written to {os.fspath(path)}: {error}.") from error


def blank(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure of so many inches and its axes, (rows, columns), on paper of its own, whatever page is behind."""
    require("matplotlib", extra="standard", purpose="a picture")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=GRAY, labelsize=9)
        axis.grid(color="#e6e8eb", linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def literal(text: str, longest: int = 40) -> str:
    """Return a name from a table as matplotlib is to draw it: in one line, cut, and never as a formula.

    >>> literal("price\\nin $", 8), literal("a column with a long name", 10)
    ('price i…', 'a column …')
    """
    line = " ".join(text.split())
    return (line if len(line) <= longest else line[: longest - 1] + "…").replace("$", r"\$")


def title(axis: Any, text: str) -> None:
    """Write what an axis shows above its left end."""
    axis.set_title(text, loc="left", fontsize=11, color=INK)
