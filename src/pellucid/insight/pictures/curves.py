"""The curves of a training: a quantity over the epochs, on the training rows and on validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.layers.base import Array


@dataclass(frozen=True)
class Curves:
    """One quantity, such as the loss: what `plot_history`, `LossCurveDisplay` and a notebook draw on one set of axes.

    name : the quantity, such as ``"loss"``
    values : ``"training"``, ``"validation"`` or both, with the numbers of the epochs 1, 2, ..., (n_epochs,) each
    best : the index of the epoch that is marked on the validation curve, or None
    unit : ``"epoch"``, or ``"rung"`` of a population, which is judged after some epochs only
    """

    name: str
    values: dict[str, Array]
    best: int | None = None
    unit: str = "epoch"

    @property
    def mark(self) -> tuple[int, float, str] | None:
        """The epoch that is marked, its value, and what is said of it."""
        if self.best is None:
            return None
        epoch = self.best + 1
        return epoch, float(self.values["validation"][self.best]), f"best, {self.unit} {epoch}"

    @property
    def scale(self) -> str:
        """``"log"`` where the numbers span more than a factor of 20, ``"zero"`` where 0 is near enough to be shown."""
        values = np.concatenate(list(self.values.values()))
        finite = values[np.isfinite(values)]
        if len(finite) and finite.min() > 0 and finite.max() > 20 * finite.min():
            return "log"
        return "zero" if len(finite) and finite.min() >= 0 and finite.min() < finite.max() / 2 else "linear"


def curves_of(estimator: Any) -> list[Curves]:
    """Return the curves that the last fit of an estimator left: its losses, then its validation scores.

    The epoch that is marked is the one whose weights were kept, because validation rows judged it best. There are no
    curves where there were no epochs, as with ``solver="lbfgs"``. Of a population it is the ensemble's metric on rows
    that its networks were not trained on, at each rung, the last of which is kept.
    """
    if hasattr(estimator, "history_"):
        history = estimator.history_
        if estimator.members_:
            name = "loss" if estimator.metric is None else str(getattr(estimator.metric, "name", estimator.metric))
            kept = history["epoch"].index(estimator.best_epoch_)
            return [Curves(name, _aligned(validation=history["validation_loss"]), kept, unit="rung")]
        losses = _aligned(training=history["loss"], validation=history["validation_loss"])
        return [Curves("loss", losses, history["epoch"].index(estimator.best_epoch_))]
    given = {"training": "loss_curve_", "validation": "validation_loss_curve_"}
    losses = _aligned(**{rows: getattr(estimator, name, None) for rows, name in given.items()})
    scores = _aligned(validation=getattr(estimator, "validation_scores_", None))
    by_loss = getattr(estimator, "monitor", "score") == "loss"
    keeps_best = getattr(estimator, "early_stopping", False)
    found = []
    if losses:
        found.append(Curves("loss", losses, lowest(losses["validation"]) if keeps_best and by_loss else None))
    if scores:
        found.append(Curves("score", scores, lowest(-scores["validation"]) if keeps_best and not by_loss else None))
    return found


def _aligned(**columns: Sequence[float] | None) -> dict[str, Array]:
    """Return the columns that there are; one that began after some epochs has NaN for those."""
    arrays = {name: np.asarray(column, dtype=float) for name, column in columns.items() if column}
    n_epochs = max(map(len, arrays.values()), default=0)
    return {name: np.pad(array, (n_epochs - len(array), 0), constant_values=np.nan) for name, array in arrays.items()}


def lowest(values: Array) -> int | None:
    """Return the index of the lowest number, or None where all are NaN."""
    return None if np.isnan(values).all() else int(np.nanargmin(values))
