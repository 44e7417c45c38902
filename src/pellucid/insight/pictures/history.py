"""The loss curves of a training: what the rows taught, and what the network made of rows that it had not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.insight.pictures.curves import Curves, lowest
from pellucid.insight.pictures.picture import LINES, NEGATIVE, POSITIVE, Picture, blank, title
from pellucid.training import History

NOT_SHOWN = ("epoch", "seconds")


def plot_history(history: History) -> Picture:
    """Draw the columns of a history over the epochs: losses, then metrics, then the gradient's norm, and the learning
    rate where it changes.

    A figure and its twin on validation rows share a panel, told apart by color and by dashes; the lowest validation
    loss is marked. Axes are logarithmic where a column spans more than a factor of 20.

    Raises `OptionError` for something else than a history, or one without epochs.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, plot_history, train
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> history = train(Network([Dense(1)], n_inputs=1), X, 3 * X, loss="squared_error", epochs=5)
    >>> [axis.get_title(loc="left") for axis in plot_history(history).figure.axes]
    ['loss', 'gradient norm']
    """
    if not isinstance(history, History) or not len(history):
        raise OptionError(
            f"plot_history got {history!r}; it expects the History that train returned, with at least one epoch."
        )
    names = [name for name in history.columns if name not in NOT_SHOWN and not name.startswith("validation_")]
    if len(set(history["learning_rate"])) == 1:
        names.remove("learning_rate")
    order = ["loss", *(name for name in names if name not in ("loss", "gradient_norm", "learning_rate"))]
    order += [name for name in ("gradient_norm", "learning_rate") if name in names]
    n_columns = 2 if len(order) == 4 else min(len(order), 3)
    n_rows = math.ceil(len(order) / n_columns)
    figure, axes = blank(3.6 * n_columns, 2.8 * n_rows, n_rows, n_columns)
    for axis, name in zip(axes.flat, order, strict=False):
        curves = _curves(history, name)
        draw(axis, curves)
        title(axis, curves.name)
        if len(curves.values) > 1:
            axis.legend(fontsize=8, frameon=False)
    for axis in axes.flat[len(order) :]:
        axis.remove()
    return Picture(figure)


def _curves(history: History, name: str) -> Curves:
    values = {"training": np.asarray(history[name], dtype=float)}
    twin = f"validation_{name}"
    if twin in history.columns:
        values["validation"] = np.asarray(history[twin], dtype=float)
    judged = values.get("validation") if name == "loss" else None
    return Curves(name.replace("_", " "), values, None if judged is None else lowest(judged))


def draw(axis: Any, curves: Curves, *, of: str = "", colors: Sequence[str] = (POSITIVE, NEGATIVE)) -> list[Any]:
    """Draw training rows as a line and validation rows as dashes, the marked epoch as a dot; return matplotlib's lines.

    ``of`` stands before the names in the legend, and ``colors`` are those of training and of validation rows.
    """
    n_epochs = len(next(iter(curves.values.values())))
    marker = "o" if n_epochs == 1 else ""
    style = dict(zip(("training", "validation"), zip(colors, LINES, strict=False), strict=True))
    lines = []
    for name, values in curves.values.items():
        color, line = style[name]
        shape = {"color": color, "linestyle": line, "marker": marker, "linewidth": 1.6, "label": of + name}
        lines += axis.plot(np.arange(1, n_epochs + 1), values, **shape)
    if curves.mark is not None:
        epoch, value, words = curves.mark
        lines += axis.plot(epoch, value, "o", color=colors[1], markersize=6, label=of + words)
    if curves.scale == "log":
        axis.set_yscale("log")
    elif curves.scale == "zero":
        axis.set_ylim(bottom=0, auto=True)  # other curves may come
    axis.set_xlabel(curves.unit, fontsize=9)
    axis.xaxis.get_major_locator().set_params(integer=True)
    return lines
