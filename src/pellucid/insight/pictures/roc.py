"""The receiver operating characteristic: what share of the right is found, for what share of false alarms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pellucid.errors import TargetError
from pellucid.insight.pictures.picture import GRAY, LINES, SERIES, Picture, blank, literal
from pellucid.layers.base import Array
from pellucid.training.metrics import area

MOST_CURVES = 4
MOST_POINTS = 300


def roc_curve(scores: Array, is_positive: Array) -> tuple[Array, Array]:
    """Return the false and the true positive rate at each threshold, (n_points,) both, from (0, 0) to (1, 1).

    scores : (n_rows,), higher where a row is taken for positive
    is_positive : (n_rows,) of bool

    Raises `TargetError` where all rows are on one side.

    >>> import numpy as np
    >>> false, true = roc_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> false.tolist(), true.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    is_positive = np.asarray(is_positive, dtype=bool)
    if is_positive.all() or not is_positive.any():
        raise TargetError("a ROC curve takes rows of the class and rows of others; all rows are on one side.")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(is_positive[order])
    alarms = np.arange(1, len(order) + 1) - hits
    last = np.append(np.diff(scores[order]) != 0, True)  # equal scores pass a threshold together
    return np.append(0.0, alarms[last] / alarms[-1]), np.append(0.0, hits[last] / hits[-1])


def plot_roc(curves: Mapping[str, tuple[Array, Array]]) -> Picture:
    """Draw ROC curves, of more than four classes those hardest to tell from the rest.

    Parameters
    ----------
    curves : by the class's name, scores (n_rows,) and whether a row is of the class (n_rows,)

    >>> import numpy as np
    >>> from pellucid import plot_roc
    >>> picture = plot_roc({"yes": (np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))})
    >>> picture.figure.axes[0].get_lines()[1].get_label()
    'yes: 0.750'
    """
    areas = {name: area(scores, np.asarray(is_positive, dtype=bool)) for name, (scores, is_positive) in curves.items()}
    shown = sorted(areas, key=areas.__getitem__)[:MOST_CURVES]
    figure, axes = blank(4.4, 3.6)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], color=GRAY, linewidth=0.8, linestyle=":")
    for place, name in enumerate(shown):
        false, true = roc_curve(*curves[name])
        kept = np.unique(np.linspace(0, len(false) - 1, min(len(false), MOST_POINTS)).astype(int))
        style = {"color": SERIES[place], "linestyle": LINES[place % len(LINES)]}
        axis.plot(false[kept], true[kept], **style, linewidth=1.8, label=f"{literal(name, 20)}: {areas[name]:.3f}")
    axis.set_xlim(-0.01, 1.01)
    axis.set_ylim(-0.01, 1.01)
    axis.set_xlabel("false alarms: share of the others", fontsize=10)
    axis.set_ylabel("found: share of the class", fontsize=10)
    axis.legend(fontsize=9, frameon=False, loc="lower right", title="area under the curve", title_fontsize=9)
    return Picture(figure)
