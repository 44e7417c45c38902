"""Calibration: of the rows that were given a probability, what share it happened to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.errors import DataError, ShapeError
from pellucid.insight.pictures.picture import GRAY, NEGATIVE, POSITIVE, Picture, blank, literal
from pellucid.insight.proportions import wilson
from pellucid.layers.base import Array

MOST_GROUPS = 10
ROWS_A_GROUP = 20


@dataclass(frozen=True)
class Calibration:
    """Groups of rows of like probability: what was predicted, and what happened.

    predicted, observed : (n_groups,), the mean probability and the share of events
    low, high : (n_groups,), the ends of the 95 % interval of the share (Wilson's)
    counts : (n_groups,), the rows of each group
    """

    predicted: Array
    observed: Array
    low: Array
    high: Array
    counts: Array

    @property
    def error(self) -> float:
        """How far predicted and observed are apart, on average over the rows (the expected calibration error)."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.counts))

    @property
    def is_off(self) -> Array:
        """Which groups' predictions lie outside of their interval, (n_groups,) of bool."""
        return np.asarray((self.predicted < self.low) | (self.predicted > self.high))


def calibration_curve(probabilities: Array, happened: Array) -> Calibration:
    """Return up to ten groups of as many rows each, by probability; equal probabilities stay together.

    Parameters
    ----------
    probabilities, happened : (n_rows,), and whether the event happened

    Raises `ShapeError` if they do not fit, `DataError` without rows.

    >>> import numpy as np
    >>> found = calibration_curve(np.repeat([0.25, 0.75], 40), np.arange(80) % 4 > np.repeat([2, 0], 40))
    >>> found.predicted.tolist(), found.observed.tolist(), found.error
    ([0.25, 0.75], [0.25, 0.75], 0.0)
    """
    if probabilities.shape != happened.shape or probabilities.ndim != 1:
        raise ShapeError(
            f"calibration_curve: probabilities have shape {probabilities.shape} and events {happened.shape}; both are "
            "to be (n_rows,)."
        )
    if not len(probabilities):
        raise DataError("calibration_curve: there are no rows; it takes one at least.")
    n_groups = max(1, min(MOST_GROUPS, len(probabilities) // ROWS_A_GROUP))
    ends = np.quantile(probabilities, np.arange(1, n_groups) / n_groups)
    group = np.searchsorted(np.unique(ends), probabilities, side="left")
    counts = np.bincount(group)
    sums, events = np.bincount(group, probabilities), np.bincount(group, happened.astype(np.float64))
    held = counts > 0
    counts, sums, events = counts[held], sums[held], events[held]
    low, high = wilson(events, counts)
    return Calibration(sums / counts, events / counts, low, high, counts)


def plot_calibration(found: Calibration, *, event: str = "the event") -> Picture:
    """Draw what happened against what was predicted, with 95 % intervals; vermilion ones miss the diagonal.

    >>> import numpy as np
    >>> from pellucid import calibration_curve, plot_calibration
    >>> found = calibration_curve(np.repeat([0.25, 0.75], 40), np.arange(80) % 4 > np.repeat([2, 0], 40))
    >>> plot_calibration(found).figure.axes[0].get_xlabel()
    'predicted probability'
    """
    figure, axes = blank(4.4, 3.6)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], color=GRAY, linewidth=0.8, linestyle=":")
    axis.plot(found.predicted, found.observed, color=GRAY, linewidth=1, alpha=0.6)
    for off, color, marker in ((False, POSITIVE, "o"), (True, NEGATIVE, "s")):
        rows = found.is_off == off
        reach = np.stack([found.observed - found.low, found.high - found.observed])[:, rows]
        style = {"color": color, "elinewidth": 1.4, "markersize": 5, "marker": marker}
        axis.errorbar(found.predicted[rows], found.observed[rows], yerr=np.maximum(reach, 0), linestyle="", **style)
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    axis.set_xlabel("predicted probability", fontsize=10)
    axis.set_ylabel(f"share with {literal(event, 28)}", fontsize=10)
    return Picture(figure)
