"""The regressor for tables: one number per row, or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from pellucid.estimators.tabular import TabularEstimator
from pellucid.layers.base import Array
from pellucid.losses import Loss, SquaredError
from pellucid.tabular.targets import NumberTarget


class TabularRegressor(RegressorMixin, TabularEstimator):
    """Networks that learn numbers from a table as it is: numbers, categories, dates, and holes among them.

    Targets are standardized, learned by squared error, and mapped back; predictions stay within the range of the
    training rows.

    Attributes
    ----------
    ensemble_ : the networks that predict together, with their weights
    network_, encoder_, target_ : the ensemble's strongest `Network`, the fitted `Encoder` and `NumberTarget`
    members_ : of each configuration that was trained its hyper-parameters, its metric at each rung, what stopped it,
        and how often it was chosen at which epoch; empty for a single network
    history_ : the `History` of training: a row per rung, or per epoch of a single network; losses are in units of the
        standardized target
    plan_ : the choices that were left to the estimator, with their reasons
    best_epoch_, seed_ : a single network's epoch whose weights were kept, otherwise the last rung; the seed used
    fit_seconds_, cpu_seconds_ : the time taken, and that of all cores
    fingerprint_ : the `Fingerprint` of the data, one SHA-256 a column
    temperature_, conformal_ : 1, which is for classes; the scores behind `predict_interval`, None for a single network
    remarks_ : what was noticed about the table and in training
    engine_ : what predicts, "native" or "numpy" with the reason
    refitted_ : whether a single network was trained again, on all rows up to the best epoch
    loss_ : the `Loss`, whose link makes predictions of the network's outputs
    n_features_in_, feature_names_in_ : the columns of X, and their names (n_features_in_,) where X had names

    >>> from pellucid import TabularRegressor
    >>> table = {"size": [float(size) for size in range(200)], "color": ["red", "blue"] * 100}
    >>> price = [2.0 * size + (50.0 if color == "red" else 0.0) for size, color in zip(*table.values())]
    >>> model = TabularRegressor(random_state=0).fit(table, price)
    >>> bool(model.score(table, price) > 0.98)
    True
    """

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, in the target's unit, (n_rows,) or (n_rows, n_targets)."""
        return self._predicted(self._predictions(X))

    def _predicted(self, linked: Array) -> Array:
        with np.errstate(over="ignore"):  # beyond the range of float64 is beyond that of the training rows
            return self.target_.decode(linked, clamp=True)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Return the ends of an interval around each prediction, (n_rows, 2) or (n_rows, n_targets, 2).

        A share of at least ``coverage`` of new rows, on average, lies within: conformal prediction, by the errors on
        rows that the networks behind each prediction have not seen. Raises `DataError` where the training rows were too
        few for a coverage, and `NotInitializedError` after a fit with ``members=1``.
        """
        ends = self._calibrated().around(self._predictions(X), coverage)
        return np.stack([self.target_.decode(end) for end in ends], axis=-1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _new_target(self) -> NumberTarget:
        return NumberTarget()

    def _loss(self) -> Loss:
        return SquaredError()

    def _n_outputs(self) -> int:
        return len(self.target_.mean)
