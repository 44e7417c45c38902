"""The decision boundary: what the network answers all over a plane of two columns, and the rows that lie there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ShapeError
from pellucid.insight.pictures.picture import INK, MARKERS, NEGATIVE, PAPER, POSITIVE, SERIES, Picture, blank, title
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import named

STEPS = 200  # points of the grid along each column
MARGIN = 0.15  # around the rows, as a share of their range
MOST_ROWS = 2000  # of more rows, as many spread evenly are drawn
MOST_CLASSES = len(SERIES)
PALE_NEGATIVE, PALE_POSITIVE = "#eda366", "#66aad1"  # behind rows in the full colors


def plot_decision_boundary(
    network: Network,
    X: Any,
    y: Any,
    *,
    loss: Loss | str,
    columns: Sequence[int] = (0, 1),
    column_names: Sequence[str] | None = None,
) -> Picture:
    """Draw the network's answer over two columns of X, the others at their median, with the rows of X in front.

    For a target of 0 and 1 the answer is a color from vermilion over white to blue, and the line at 0.5 is the
    boundary; for several classes each has a color, paler where its probability is lower. Rows have
    the color and the shape of their class. For other numbers the answer and the rows share one scale of colors.

    Parameters
    ----------
    X, y : (n_rows, n_inputs) and the target, as the loss describes it
    loss : what the network was trained with; it turns outputs into predictions
    columns : which two columns of X span the plane
    column_names : their names, for the axes

    Raises `OptionError` for columns that are not there, or an output that cannot be drawn; `ShapeError`, `TargetError`
    or `DataError` for rows that do not fit.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Sigmoid, plot_decision_boundary
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> network = Network([Dense(3), Sigmoid(), Dense(1), Sigmoid()], n_inputs=2, rng=0)
    >>> plot_decision_boundary(network, X, y, loss="squared_error").figure.axes[0].get_xlabel()
    'column 0'
    """
    loss = named(Loss, loss, "plot_decision_boundary: loss")  # type: ignore[type-abstract]
    rows = network.check_rows(X)
    target = loss.check_target(y, network.n_outputs, network.dtype)
    if len(rows) != len(target) or not len(rows):
        raise ShapeError(f"plot_decision_boundary: X has {len(rows)} rows and y has {len(target)}; give both as many.")
    pair = tuple(columns)
    if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= column < network.n_inputs for column in pair):
        raise OptionError(
            f"plot_decision_boundary: columns got {columns!r}; it expects two different columns of the network's "
            f"{network.n_inputs}, counted from 0, such as (0, 1)."
        )
    names = [f"column {column}" for column in pair] if column_names is None else [str(name) for name in column_names]
    if len(names) != 2:
        raise OptionError(f"plot_decision_boundary: column_names got {len(names)} names; it expects two.")
    is_classes = loss.link == "softmax"
    if network.n_outputs > MOST_CLASSES or (network.n_outputs > 1 and not is_classes):
        raise OptionError(
            f"plot_decision_boundary: the network has {network.n_outputs} outputs; it draws one, or up to "
            f"{MOST_CLASSES} classes with CrossEntropy."
        )
    axes_values = [_span(rows[:, column]) for column in pair]
    grid = np.tile(np.median(rows, axis=0).astype(network.dtype), (STEPS * STEPS, 1))
    for column, values in zip(pair, np.meshgrid(*axes_values), strict=True):
        grid[:, column] = values.ravel()
    answers = loss.predict(network.predict(grid)).reshape(STEPS, STEPS, -1)

    figure, axes = blank(6.2, 4.8)
    axis = axes[0, 0]
    axis.grid(False)
    shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64))
    points = rows[shown][:, pair]
    if is_classes:
        codes = target if target.ndim == 1 else target.argmax(axis=1)
        _classes(axis, axes_values, answers, points, codes[shown])
    else:
        _one_output(figure, axis, axes_values, answers[:, :, 0], points, target[shown, 0])
    axis.set_xlabel(names[0])
    axis.set_ylabel(names[1])
    title(axis, "what the network answers" + ("" if network.n_inputs == 2 else ", other columns at their median"))
    return Picture(figure)


def _one_output(figure: Any, axis: Any, spans: list[Array], answers: Array, points: Array, target: Array) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    is_yes_or_no = bool(np.isin(target, (0, 1)).all())
    low, high = (0.0, 1.0) if is_yes_or_no else (float(target.min()), float(target.max()))
    colors: Any = LinearSegmentedColormap.from_list("answers", [PALE_NEGATIVE, "#f7f7f7", PALE_POSITIVE])
    extent = (spans[0][0], spans[0][-1], spans[1][0], spans[1][-1])
    if not is_yes_or_no:
        colors = "cividis"
    image = axis.imshow(answers, origin="lower", extent=extent, aspect="auto", cmap=colors, vmin=low, vmax=high)
    bar = figure.colorbar(image, ax=axis, label="answer", shrink=0.9)
    bar.outline.set_visible(False)
    if is_yes_or_no:
        if answers.min() < 0.5 < answers.max():
            axis.contour(spans[0], spans[1], answers, levels=[0.5], colors=INK, linewidths=1.6)
            bar.ax.axhline(0.5, color=INK, linewidth=1.6)
        for value, color, marker in ((0, NEGATIVE, MARKERS[0]), (1, POSITIVE, MARKERS[1])):
            own = points[target == value]
            _dots(axis, own, color, marker, f"target {value}", len(points))
        _legend(axis)
    else:
        axis.scatter(
            *points.T, c=target, cmap=colors, vmin=low, vmax=high, s=26, edgecolors=PAPER, linewidths=0.9, zorder=3
        )


def _classes(axis: Any, spans: list[Array], answers: Array, points: Array, codes: Array) -> None:
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(color) for color in SERIES[: answers.shape[2]]])
    winner = answers.argmax(axis=2)
    floor = 1 / answers.shape[2]
    strength = ((answers.max(axis=2) - floor) / (1 - floor)).clip(0, 1)[:, :, None]
    image = 1 - (1 - palette[winner]) * (0.08 + 0.42 * strength)
    extent = (spans[0][0], spans[0][-1], spans[1][0], spans[1][-1])
    axis.imshow(image, origin="lower", extent=extent, aspect="auto")
    for code in range(answers.shape[2]):
        rest = np.delete(answers, code, axis=2).max(axis=2)
        lead = answers[:, :, code] - rest
        if lead.min() < 0 < lead.max():
            axis.contour(spans[0], spans[1], lead, levels=[0.0], colors=INK, linewidths=0.9)
        _dots(axis, points[codes == code], SERIES[code], MARKERS[code], f"class {code}", len(points))
    _legend(axis)


def _dots(axis: Any, points: Array, color: str, marker: str, label: str, n_rows: int) -> None:
    size = 46 if n_rows < 200 else 22
    axis.scatter(*points.T, s=size, c=color, marker=marker, edgecolors=PAPER, linewidths=0.9, label=label, zorder=3)


def _legend(axis: Any) -> None:
    axis.legend(loc="upper left", bbox_to_anchor=(0, -0.13), ncols=4, fontsize=9, frameon=False)


def _span(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    around = MARGIN * ((high - low) or 1.0)
    return np.linspace(low - around, high + around, STEPS)
