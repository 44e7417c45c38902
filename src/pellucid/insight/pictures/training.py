"""The training of a fitted estimator: its loss by epoch, or of a population each member's metric by rung."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import OptionError
from pellucid.insight.pictures.curves import curves_of
from pellucid.insight.pictures.history import draw
from pellucid.insight.pictures.picture import GRAY, INK, POSITIVE, Picture, blank


def plot_training(estimator: Any) -> Picture:
    """Draw how the training of a fitted `TabularClassifier` or `TabularRegressor` went.

    Of a single network it is the loss of the rows that it learned from, and of those that it was judged by. Of a
    population, each gray line is a member judged by rows that it did not learn from, and ends where the member was
    stopped; the blue one is the ensemble that was chosen.

    Raises `OptionError` for an estimator without such a history.

    >>> from pellucid import TabularRegressor, plot_training
    >>> table = {"size": [float(size) for size in range(100)]}
    >>> model = TabularRegressor(epochs=5, members=1, random_state=0).fit(table, table["size"])
    >>> plot_training(model).figure.axes[0].get_xlabel()
    'epoch'
    """
    history = getattr(estimator, "history_", None)
    if history is None or not len(history):
        raise OptionError(
            f"plot_training got {type(estimator).__name__} without a history; it expects a TabularClassifier or "
            "TabularRegressor after fit(X, y)."
        )
    figure, axes = blank(4.4, 3.0)
    axis = axes[0, 0]
    if not estimator.members_:
        curves = curves_of(estimator)[0]
        draw(axis, curves)
        axis.set_ylabel("loss", fontsize=10)
        axis.legend(fontsize=9, frameon=False)
        return Picture(figure)
    epochs = np.asarray(history["epoch"])
    marker = "o" if len(epochs) == 1 else ""
    for number, member in enumerate(estimator.members_):
        values = np.asarray(member["values"], dtype=np.float64)
        style = {"color": GRAY, "linewidth": 0.9, "alpha": 0.45, "marker": marker, "markersize": 4}
        label = "a member" if number == 0 else None
        axis.plot(epochs[: len(values)], values[: len(epochs)], **style, label=label)
        if member["stopped_by"] and len(values):
            axis.plot(epochs[min(len(values), len(epochs)) - 1], values[-1], "x", color=GRAY, markersize=4, alpha=0.7)
    ensemble = np.asarray(history["validation_loss"], dtype=np.float64)
    axis.plot(epochs, ensemble, color=POSITIVE, linewidth=2.2, marker="o", markersize=5, label="the ensemble")
    everything = np.concatenate([ensemble, *(np.asarray(m["values"], dtype=np.float64) for m in estimator.members_)])
    finite = everything[np.isfinite(everything)]
    if len(finite) and finite.min() > 0 and finite.max() > 20 * finite.min():
        axis.set_yscale("log")
    axis.set_xticks(epochs)
    axis.set_xlabel("epoch, at the end of each cycle", fontsize=10, color=INK)
    axis.set_ylabel("judged by rows apart", fontsize=10)
    axis.legend(fontsize=9, frameon=False)
    return Picture(figure)
