"""The regressor that takes the place of scikit-learn's own, by a change of the import."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pellucid.domains import Choice
from pellucid.estimators.mlp import ACTIVATION, MLP, SIZES
from pellucid.estimators.mlp_network import objective_for
from pellucid.layers.base import Array
from pellucid.options import option


class MLPRegressor(RegressorMixin, MLP):
    """scikit-learn's multi-layer perceptron for numbers, with the same options, draws and results, on this engine.

    Attributes
    ----------
    coefs_, intercepts_ : the weights (n_inputs, n_outputs) and the biases (n_outputs,), layer by layer
    loss_, loss_curve_, best_loss_ : the loss of the last epoch, of each, and the lowest, as scikit-learn computes them
    validation_scores_, best_validation_score_ : R² after each epoch, with ``early_stopping``
    n_iter_, t_ : epochs of the last fit, and rows visited in all
    n_layers_, n_outputs_, out_activation_ : layers with the input's, outputs, and what becomes of them

    >>> import numpy as np
    >>> from pellucid.estimators import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
    >>> round(float(model.predict([[0.5]])[0]), 1)
    0.2
    """

    loss: str = option(
        Choice(("squared_error", "poisson")), "Half the squared error, or half the Poisson deviance.",
        default="squared_error", kw_only=False,
    )  # fmt: skip
    hidden_layer_sizes: Any = option(SIZES, "Neurons of each hidden layer.", default=(100,), kw_only=False)
    activation: str = option(ACTIVATION, "Activation of the hidden layers.", default="relu", kw_only=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True  # which scikit-learn's own does not say of itself
        return tags

    @available_if(lambda self: self._solver_is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over the rows."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, (n_rows,) or (n_rows, n_outputs)."""
        check_is_fitted(self)
        return self._predicted(self._checked_rows(X))

    def _predicted(self, X: Any) -> Array:
        predicted = objective_for(self.out_activation_, self.n_outputs_).link(self._raw_outputs(X))
        return predicted[:, 0] if self.n_outputs_ == 1 else predicted

    def _checked_target(self, y: Array, *, anew: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return y[:, None] if y.ndim == 1 else y

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _stratum(self, y: Array) -> Array | None:
        return None

    def _validation_score(self, X: Any, y: Array, sample_weight: Array | None) -> float:
        predicted = self._predicted(X)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(y, predicted, sample_weight=sample_weight))
