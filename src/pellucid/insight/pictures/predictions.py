"""Predicted numbers against the true ones, and what is left between them."""

from __future__ import annotations

import numpy as np

from pellucid.errors import ShapeError
from pellucid.insight.pictures.picture import GRAY, INK, NEGATIVE, POSITIVE, Picture, blank, literal
from pellucid.layers.base import Array

MOST_POINTS = 800
"""Of more rows, as many spread evenly are drawn: each is a hundred bytes of SVG."""
MOST_GROUPS = 12


def plot_predictions(truth: Array, prediction: Array, *, name: str = "target") -> Picture:
    """Draw predicted against true numbers: on the dotted line a prediction is right.

    Parameters
    ----------
    truth, prediction : (n_rows,)
    name : of the target

    Raises `ShapeError` if they do not fit.

    >>> import numpy as np
    >>> from pellucid import plot_predictions
    >>> plot_predictions(np.array([1.0, 2.0]), np.array([1.5, 2.0]), name="price").figure.axes[0].get_xlabel()
    'true price'
    """
    shown = _spread(truth, prediction, "plot_predictions")
    figure, axes = blank(4.4, 3.6)
    axis = axes[0, 0]
    axis.plot(truth[shown], prediction[shown], "o", color=POSITIVE, markersize=3.2, alpha=0.5, markeredgewidth=0)
    both = np.concatenate([truth, prediction])
    axis.plot([both.min(), both.max()], [both.min(), both.max()], color=INK, linewidth=1, linestyle=":")
    axis.set_xlabel(f"true {literal(name, 24)}", fontsize=10)
    axis.set_ylabel(f"predicted {literal(name, 20)}", fontsize=10)
    return Picture(figure)


def plot_residuals(truth: Array, prediction: Array, *, name: str = "target") -> Picture:
    """Draw true minus predicted against predicted, with median and middle half of groups of as many rows.

    A good model's medians lie on 0 everywhere; a middle half that widens says where it is less sure.

    Parameters
    ----------
    truth, prediction : (n_rows,)
    name : of the target

    Raises `ShapeError` if they do not fit.

    >>> import numpy as np
    >>> from pellucid import plot_residuals
    >>> plot_residuals(np.array([1.0, 2.0]), np.array([1.5, 2.0]), name="price").figure.axes[0].get_xlabel()
    'predicted price'
    """
    shown = _spread(truth, prediction, "plot_residuals")
    residual = truth - prediction
    figure, axes = blank(4.4, 3.6)
    axis = axes[0, 0]
    axis.plot(prediction[shown], residual[shown], "o", color=POSITIVE, markersize=3.2, alpha=0.35, markeredgewidth=0)
    axis.axhline(0, color=INK, linewidth=1, linestyle=":")
    groups = np.array_split(np.argsort(prediction, kind="stable"), max(1, min(MOST_GROUPS, len(truth) // 20)))
    if len(groups) > 1:
        at = [float(np.median(prediction[group])) for group in groups]
        low, middle, high = np.array([np.quantile(residual[group], (0.25, 0.5, 0.75)) for group in groups]).T
        axis.fill_between(at, low, high, color=NEGATIVE, alpha=0.2, linewidth=0)
        axis.plot(at, middle, color=NEGATIVE, linewidth=1.8)
    axis.set_xlabel(f"predicted {literal(name, 24)}", fontsize=10)
    axis.set_ylabel("true − predicted", fontsize=10, color=GRAY)
    return Picture(figure)


def _spread(truth: Array, prediction: Array, owner: str) -> Array:
    if truth.shape != prediction.shape or truth.ndim != 1:
        raise ShapeError(
            f"{owner}: truth has shape {truth.shape} and prediction {prediction.shape}; both are to be (n_rows,)."
        )
    return np.unique(np.linspace(0, len(truth) - 1, min(len(truth), MOST_POINTS)).astype(np.int64))
