"""What a notebook shows of a fitted estimator, below scikit-learn's box of parameters: its layers and its loss curve.

Plain HTML and SVG without scripts. Text has the color of the page around it, and the two colors of curves are
seen on light and on dark paper (3 : 1 and more), so that no theme need be guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from textwrap import shorten
from typing import Any

import numpy as np

from pellucid.insight.pictures.curves import Curves, curves_of
from pellucid.insight.pictures.picture import NEGATIVE, POSITIVE
from pellucid.insight.pictures.svg import compact, text
from pellucid.layers import Dense, Layer
from pellucid.layers.base import Array
from pellucid.network import Network

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 44, 348, 34, 176  # of the curves' ground, in pixels
MOST_NAMES, LONGEST_NAME = 8, 30
MOST_POINTS = RIGHT - LEFT
STYLE = f"""
.pellucid-fit{{display:flex;flex-wrap:wrap;gap:8px 24px;align-items:flex-start;margin:8px 0;font-size:13px}}
.pellucid-fit table{{border-collapse:collapse;margin:0;font-size:12px;font-variant-numeric:tabular-nums}}
.pellucid-fit caption{{text-align:left;font-weight:600;padding:0 0 4px 6px;font-size:13px;color:inherit}}
.pellucid-fit :is(th,td){{padding:2px 8px;text-align:right;border:0;border-top:1px solid rgba(127,127,127,.3)}}
.pellucid-fit :is(th,td):first-child{{text-align:left;max-width:26em;overflow-wrap:anywhere;white-space:normal}}
.pellucid-fit svg{{max-width:100%;height:auto}}
.pellucid-fit text{{fill:currentColor;font:11px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}}
.pellucid-fit .heading{{font-weight:600;font-size:13px}}
.pellucid-fit .grid{{stroke:currentColor;stroke-opacity:.15}}
.pellucid-fit polyline{{fill:none;stroke-width:1.8;stroke-linejoin:round}}
.pellucid-fit .training{{stroke:{POSITIVE}}}
.pellucid-fit .validation{{stroke:{NEGATIVE};stroke-dasharray:5 3}}
.pellucid-fit circle{{fill:{NEGATIVE};stroke:none}}
.pellucid-fit circle.training{{fill:{POSITIVE}}}
"""


def estimator_html(estimator: Any, network: Network, link: str) -> str:
    """Return the layers of a fitted estimator's network, what goes in and comes out, and the curves of its training.

    network : the network that predicts
    link : what makes predictions of its outputs, such as ``"softmax"``
    """
    columns = getattr(estimator, "feature_names_in_", ())
    rows = [("columns of X" + (f": {_names(columns)}" if len(columns) else ""), f"{estimator.n_features_in_}", "")]
    rows += [(_shown(layer), sizes, f"{count:,}") for layer, sizes, count in network.summary_rows()]
    classes = getattr(estimator, "classes_", ())
    rows.append((link + (f": {_names(classes)}" if len(classes) else ""), f"{network.n_outputs}", ""))
    cells = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td><td>{c}</td></tr>" for a, b, c in rows)
    table = (
        f"<table><caption>Network with {network.parameters.size:,} parameters</caption><thead><tr><th>layer</th>"
        f"<th>columns</th><th>parameters</th></tr></thead><tbody>{cells}</tbody></table>"
    )
    drawn = "".join(curves_svg(curves) for curves in curves_of(estimator))
    return f'<style>{STYLE}</style><div class="pellucid-fit">{table}{drawn}</div>'


def curves_svg(curves: Curves) -> str:
    """Return the curves as an SVG element; what is not finite leaves a gap."""
    n_epochs = len(next(iter(curves.values.values())))
    low, high = _range(curves)
    logarithmic = curves.scale == "log"
    bend = np.log10 if logarithmic else np.asarray
    floor, ceiling = bend(low), bend(high)

    def x_of(epoch: Any) -> Any:
        return LEFT + (RIGHT - LEFT) * (epoch - 1) / max(n_epochs - 1, 1)

    def y_of(value: Any) -> Any:
        return BOTTOM + (TOP - BOTTOM) * (bend(value) - floor) / (ceiling - floor)

    parts = [text(LEFT - 36, 16, "validation score" if curves.name == "score" else curves.name, "heading", "start")]
    for tick in ticks(low, high, logarithmic=logarithmic):
        y = y_of(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
        parts.append(text(LEFT - 6, y + 4, compact(tick), "tick", "end"))
    for epoch in range(1, n_epochs + 1) if n_epochs < 6 else ticks(0, n_epochs)[1:]:
        parts.append(text(x_of(epoch), BOTTOM + 16, f"{epoch:.0f}", "tick"))
    said = curves.unit if curves.mark is None else f"{curves.unit} (best: {curves.mark[0]})"
    parts.append(text((LEFT + RIGHT) / 2, HEIGHT - 4, said, "tick"))
    right = RIGHT
    for name, values in reversed(curves.values.items()):
        for stretch in _stretches(values):
            if len(stretch) == 1:
                at = f'cx="{x_of(stretch[0]):.1f}" cy="{y_of(values[stretch[0] - 1]):.1f}"'
                parts.append(f'<circle class="{name}" {at} r="2.5"/>')
                continue
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(x_of(stretch), y_of(values[stretch - 1]), strict=True))
            parts.append(f'<polyline class="{name}" points="{points}"/>')
        parts.append(text(right, 16, name, "tick", "end"))
        right -= 8 + 6 * len(name)
        parts.append(f'<polyline class="{name}" points="{right - 18},12 {right},12"/>')
        right -= 30
    if curves.mark is not None and math.isfinite(curves.mark[1]):
        epoch, value, words = curves.mark
        at = f'cx="{x_of(epoch):.1f}" cy="{y_of(value):.1f}"'
        parts.append(f'<circle {at} r="4"><title>{words}: {value:.6g}</title></circle>')
    told = escape(f"{curves.name} over {n_epochs} {curves.unit}s")
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"><title>{told}</title>'
        f"{''.join(parts)}</svg>"
    )


def ticks(low: float, high: float, *, logarithmic: bool = False) -> list[float]:
    """Return two to six round numbers from ``low`` to ``high``: powers of ten, or multiples of 1, 2 or 5.

    >>> ticks(0, 83)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    if logarithmic:
        powers = [10.0**exponent for exponent in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
        return powers[:: math.ceil(len(powers) / 5)]
    least = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= least)
    return [count * step for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _range(curves: Curves) -> tuple[float, float]:
    """Return where the axis begins and ends."""
    values = np.concatenate(list(curves.values.values()))
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if curves.scale == "zero":
        low = 0.0
    return (low, high) if low < high else (low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2)


def _stretches(values: Array) -> Iterable[Array]:
    """Yield the epochs of each unbroken run of finite numbers; of many in a pixel, the lowest and the highest."""
    epochs = 1 + np.flatnonzero(np.isfinite(values))
    for run in np.split(epochs, 1 + np.flatnonzero(np.diff(epochs) > 1)):
        if len(run) > 2 * MOST_POINTS:
            parts = np.array_split(run, MOST_POINTS)
            ends = [(part[np.argmin(values[part - 1])], part[np.argmax(values[part - 1])]) for part in parts]
            run = np.unique(ends)
        if len(run):
            yield run


def _shown(layer: Layer) -> str:
    """Return the layer as code, without how its weights began."""
    return f"Dense({layer.n_outputs})" if isinstance(layer, Dense) else shorten(repr(layer), 60, placeholder=" ...")


def _names(names: Sequence[Any]) -> str:
    """Return the first names, a long one cut, and how many more there are."""
    shown = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in map(str, names)]
    more = len(shown) - MOST_NAMES
    return ", ".join(shown[:MOST_NAMES]) + (f", … {more} more" if more > 0 else "")
