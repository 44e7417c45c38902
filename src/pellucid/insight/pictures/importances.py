"""The importances of columns: a bar for each, the longest above, and a line for how far repeats lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.insight.pictures.picture import GRAY, INK, NEGATIVE, POSITIVE, Picture, blank, literal, title
from pellucid.layers.base import Array

MOST_COLUMNS = 30
LONGEST_NAME = 40


def plot_importances(columns: Sequence[str], importances: Array, spreads: Array, metric: str) -> Picture:
    """Draw columns' importances, the most important above; lines are one standard deviation to each side.

    Parameters
    ----------
    columns : n_columns names
    importances, spreads : (n_columns,), in the metric's unit; a spread of NaN has no line
    metric : the name of what became worse

    >>> import numpy as np
    >>> picture = plot_importances(["age", "size"], np.array([0.1, 0.4]), np.array([0.02, 0.05]), "log_loss")
    >>> [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    ['size', 'age']
    """
    order = np.argsort(-importances, kind="stable")[:MOST_COLUMNS]
    figure, axes = blank(7.0, 1.2 + 0.28 * len(order))
    axis = axes[0, 0]
    places = np.arange(len(order))
    colors = [POSITIVE if value >= 0 else NEGATIVE for value in importances[order]]
    axis.barh(places, importances[order], height=0.62, color=colors)
    known = ~np.isnan(spreads[order])
    axis.errorbar(
        importances[order][known], places[known], xerr=spreads[order][known], fmt="none", ecolor=INK, elinewidth=1.2
    )
    axis.set_yticks(places, [literal(columns[index], LONGEST_NAME) for index in order])
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)
    axis.axvline(0, color=GRAY, linewidth=0.8)
    axis.set_xlabel(f"how much worse {metric.replace('_', ' ')} becomes when the column is shuffled", fontsize=9)
    more = len(columns) - len(order)
    title(axis, "importance of columns" + (f" (first {len(order)} of {len(columns)})" if more else ""))
    return Picture(figure)
