"""The strokes of a diagram as SVG text, in colors for light and dark pages, and a place for each number."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TypeAlias

Ends: TypeAlias = tuple[float, float, float, float]
"""Where a line begins and ends: x0, y0, x1, y1."""

WIDTH = 800
LABEL_SIZE = 11
STYLE = """
.pellucid-card{fill:#ffffff}
.pellucid text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1b1f24;font-size:12px}
.pellucid .heading{font-weight:600;font-size:13px}
.pellucid .small{font-size:11px;fill:#57606a}
.pellucid .number{font-size:11px;font-variant-numeric:tabular-nums}
.pellucid .tight{font-size:9.5px}
.pellucid .halo{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.pellucid .positive{stroke:#0072b2}
.pellucid .negative{stroke:#d55e00;stroke-dasharray:7 4}
.pellucid circle{fill:#ffffff;stroke:#57606a;stroke-width:1.3}
.pellucid circle.on{fill:#0072b2}
.pellucid circle.off{fill:#d55e00;stroke-dasharray:4 3}
.pellucid .under{fill:#ffffff;fill-opacity:.88}
.pellucid .band{fill:#8c959f;fill-opacity:.18}
@media (prefers-color-scheme:dark){
.pellucid-card{fill:#0d1117}
.pellucid text{fill:#e6edf3}
.pellucid .small{fill:#9198a1}
.pellucid .halo{stroke:#0d1117}
.pellucid .positive{stroke:#4fb3f0}
.pellucid .negative{stroke:#ff9a4d}
.pellucid circle{fill:#0d1117;stroke:#9198a1}
.pellucid .under{fill:#0d1117}
.pellucid circle.on{fill:#4fb3f0}
.pellucid circle.off{fill:#ff9a4d}
}
"""


class Labels:
    """Numbers on lines, each where other lines and the numbers placed before it are farthest; none covers another."""

    def __init__(self, lines: Sequence[Ends]) -> None:
        self._lines = lines
        self._taken: list[tuple[float, float, float]] = []

    def place(self, ends: Ends, label: str) -> list[str]:
        """Return the label at the freest place of its line, or nothing where there is none."""
        x0, y0, x1, y1 = ends
        half = 3.3 * len(label) + 3
        best, freest = None, 0.0
        for share in (step / 50 for step in range(6, 45)):
            x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
            clear = all(abs(x - a) > half + b or abs(y - c) > LABEL_SIZE + 2 for a, c, b in self._taken)
            if not clear or x - half < x0 or x + half > x1:
                continue
            others = (abs(y - _height(other, x)) for other in self._lines if other != ends)
            room = min(min(others, default=30.0), 30.0) + 0.1  # pixels up or down to the nearest other line
            if room > freest:
                best, freest = (x, y), room
        if best is None:
            return []
        self._taken.append((best[0], best[1], half))
        x, y = best
        place = f'x="{x - half + 1:.1f}" y="{y - 8:.1f}" width="{2 * half - 2:.1f}" height="16"'
        under = f'<rect class="under" {place} rx="3"/>'
        return [under, text(x, y + 4, label, "number")]


def _height(ends: Ends, x: float) -> float:
    """Return a line's y at x."""
    x0, y0, x1, y1 = ends
    return y0 + (x - x0) / (x1 - x0) * (y1 - y0)


def compact(value: float) -> str:
    """Return a number in at most five characters or so.

    >>> compact(0.4951), compact(-6.6926), compact(31.52), compact(1234.5), compact(0.0004), compact(2.5e9)
    ('0.50', '−6.69', '31.5', '1.2k', '4e-4', '2e9')
    """
    size, sign = abs(value), "−" if value < 0 else ""
    if size < 1e-9:
        return "0" if size == 0 else "≈0"
    if size < 0.005 or size >= 99_950:
        return sign + f"{size:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    if size < 10:
        return f"{sign}{size:.2f}"
    if size < 1000:
        return f"{sign}{size:.1f}" if size < 100 else f"{sign}{size:.0f}"
    return f"{sign}{size / 1000:.1f}k"


def text(x: float, y: float, words: str, kind: str, anchor: str = "middle") -> str:
    """Return words at a point."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(ends: Ends, width: float, *, negative: bool, tooltip: str, key: bool = False) -> str:
    """Return a weight's line; ``key`` is one of the legend's."""
    x0, y0, x1, y1 = ends
    kind = f"{'key' if key else 'weight'} {'negative' if negative else 'positive'}"
    told = f"<title>{escape(tooltip)}</title>" if tooltip else ""
    return (
        f'<line class="{kind}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" '
        f'stroke-width="{width:.2f}" stroke-opacity=".8">{told}</line>'
    )


def circle(x: float, y: float, radius: float, value: float | None, largest: float, tooltip: str) -> str:
    """Return a neuron's circle: filled by sign and share of the largest value; a negative one has a dashed rim."""
    share = 0.0 if value is None or largest == 0 else abs(value) / largest
    kind = "" if not share else ' class="on"' if value is not None and value > 0 else ' class="off"'
    fill = f' fill-opacity="{0.06 + 0.44 * share:.2f}"' if share else ""
    place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
    return f"<circle{kind} {place}{fill}><title>{escape(tooltip)}</title></circle>"


def document(parts: list[str], height: float, description: str) -> str:
    """Return the whole drawing on paper of its own, 800 pixels wide unless its place is narrower."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pellucid" role="img" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" style="max-width:100%;height:auto"><title>{escape(description)}</title>'
        f'<style>{STYLE}</style><rect class="pellucid-card" width="{WIDTH}" height="{height:.0f}" rx="8"/>'
        f"{''.join(parts)}</svg>\n"
    )
