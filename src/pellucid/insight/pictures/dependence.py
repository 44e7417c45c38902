"""Partial dependence as a curve over numbers and dates, and as bars over categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pellucid.insight.pictures.picture import GRAY, INK, LINES, POSITIVE, SERIES, Picture, blank, literal

if TYPE_CHECKING:
    from pellucid.insight.dependence import Dependence


def plot_dependence(
    found: Dependence, *, of: str = "mean prediction", limits: tuple[float, float] | None = None
) -> Picture:
    """Draw the mean prediction for each value of a column: small strokes below a curve are the data's deciles.

    Parameters
    ----------
    found : what `partial_dependence` returned
    of : what is predicted, beside the vertical axis
    limits : the ends of a curve's vertical axis, so that several columns compare; None fits the curve

    >>> import numpy as np
    >>> from pellucid import Dependence, plot_dependence
    >>> means, shares, none = np.array([[0.2], [0.6]]), np.ones(2) / 2, np.empty(0)
    >>> found = Dependence("plan", "category", ("pro", "basic"), np.arange(2.0), means, ("yes",), none, shares, 9)
    >>> [text.get_text() for text in plot_dependence(found).figure.axes[0].texts]
    ['0.2', '0.6']
    """
    ordered = found.kind in ("number", "date")
    n_bars = 0 if ordered else len(found.labels)
    figure, axes = blank(4.4, 2.9 if ordered else 1.0 + 0.34 * max(n_bars, 2))
    axis = axes[0, 0]
    if ordered:
        places = found.places
        if found.kind == "date":
            places = places.astype("datetime64[us]")
        for index, name in enumerate(found.curves):
            marker = "o" if len(places) == 1 else ""
            style = {"color": SERIES[index], "linestyle": LINES[index % len(LINES)], "marker": marker}
            axis.plot(places, found.means[:, index], **style, linewidth=1.8, label=literal(name, 20))
        deciles = found.deciles.astype("datetime64[us]") if found.kind == "date" else found.deciles
        axis.plot(deciles, np.zeros(len(deciles)), "|", color=GRAY, transform=axis.get_xaxis_transform(), markersize=9)
        if found.kind == "date":
            from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

            locator = AutoDateLocator()  # type: ignore[no-untyped-call]
            axis.xaxis.set_major_locator(locator)
            axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        else:
            axis.locator_params(axis="x", nbins=6)
        axis.set_ylabel(literal(of, 34), fontsize=10)
        axis.set_xlabel(literal(found.column, 40), fontsize=10)
        if limits is not None:
            axis.set_ylim(*limits)
        if len(found.curves) > 1:
            axis.legend(fontsize=9, frameon=False)
        return Picture(figure)
    height = 0.7 / len(found.curves)
    low, high = min(0.0, float(found.means.min())), max(0.0, float(found.means.max()))
    for index, name in enumerate(found.curves):
        at = np.arange(n_bars) + (index - (len(found.curves) - 1) / 2) * height
        axis.barh(at, found.means[:, index], height=0.9 * height, color=SERIES[index], label=literal(name, 20))
        if len(found.curves) == 1:
            for place, value in zip(at, found.means[:, 0], strict=True):
                words = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
                side, reach = ("left", 1) if value >= 0 else ("right", -1)
                axis.text(value + reach * 0.015 * (high - low), place, words, va="center", ha=side, color=INK)
    names = [literal(label, 22) for label in found.labels]
    axis.set_yticks(range(n_bars), names)
    axis.set_ylim(n_bars - 0.4, -0.6)
    axis.set_xlim(1.15 * low, 1.15 * high if high > 0 else 0.1)
    axis.tick_params(axis="y", length=0, labelcolor=INK)
    axis.grid(axis="y", visible=False)
    axis.axvline(0, color=POSITIVE if low < 0 else GRAY, linewidth=0.8)
    axis.set_xlabel(literal(of, 40), fontsize=10)
    if len(found.curves) > 1:
        axis.legend(fontsize=9, frameon=False)
    return Picture(figure)
