"""The confusion of classes: how many rows of each class were predicted as each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import ShapeError
from pellucid.insight.pictures.picture import INK, NEGATIVE, POSITIVE, Picture, blank, literal
from pellucid.layers.base import Array

LONGEST_NAME = 14
STRONGEST = 0.55  # of the color: ink stays readable on it


def plot_confusion(counts: Array, classes: Sequence[Any]) -> Picture:
    """Draw how rows of each class (down) were predicted (across): right ones blue, wrong ones vermilion.

    A cell is the stronger in color, the larger its share of its true class; the numbers are rows.

    Parameters
    ----------
    counts : (n_classes, n_classes), rows by true class and predicted class
    classes : n_classes names

    Raises `ShapeError` if they do not fit.

    >>> import numpy as np
    >>> from pellucid import plot_confusion
    >>> picture = plot_confusion(np.array([[8, 2], [1, 9]]), ["no", "yes"])
    >>> [text.get_text() for text in picture.figure.axes[0].texts]
    ['8', '2', '1', '9']
    """
    n_classes = len(classes)
    if counts.shape != (n_classes, n_classes):
        raise ShapeError(
            f"plot_confusion: counts have shape {counts.shape}; for {n_classes} classes it expects "
            f"({n_classes}, {n_classes})."
        )
    side = 1.4 + 0.52 * n_classes
    figure, axes = blank(max(4.0, side + 0.6), max(2.6, side))
    axis = axes[0, 0]
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    from matplotlib.patches import Rectangle

    for (row, column), count in np.ndenumerate(counts):
        color = POSITIVE if row == column else NEGATIVE
        place = (column - 0.48, row - 0.46)
        axis.add_patch(Rectangle(place, 0.96, 0.92, color=color, alpha=0.04 + STRONGEST * shares[row, column], lw=0))
        axis.text(column, row, f"{count:,}", ha="center", va="center", color=INK, fontsize=10)
    names = [literal(str(name), LONGEST_NAME) for name in classes]
    axis.set_xticks(
        range(n_classes), names, rotation=0 if n_classes <= 3 else 40, ha="center" if n_classes <= 3 else "right"
    )
    axis.set_yticks(range(n_classes), names)
    axis.tick_params(length=0, labelcolor=INK)
    axis.set_xlim(-0.5, n_classes - 0.5)
    axis.set_ylim(n_classes - 0.5, -0.5)
    axis.set_xlabel("predicted", fontsize=10)
    axis.set_ylabel("true", fontsize=10)
    return Picture(figure)
