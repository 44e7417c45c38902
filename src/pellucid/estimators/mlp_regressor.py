"""The regressor that takes the place of scikit-learn's own, by a change of the import."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from pellucid.domains import Choice, Either, Kind
from pellucid.errors import OptionError, ShapeError
from pellucid.estimators.mlp import MLP
from pellucid.estimators.mlp_objective import LINKS, OF_LINK, REGRESSION
from pellucid.estimators.mlp_options import ACTIVATION, SIZES
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.options import option


class MLPRegressor(RegressorMixin, MLP):
    """scikit-learn's multi-layer perceptron for numbers, with the same options, draws and results, on this engine.

    Options that scikit-learn lacks are off unless given; docs/reference/compatibility.md tells of each.

    Attributes
    ----------
    coefs_, intercepts_ : the weights (n_inputs, n_outputs) and the biases (n_outputs,), layer by layer
    loss_, loss_curve_, best_loss_ : the loss of the last epoch, of each, and the lowest, as scikit-learn computes them
    validation_scores_, best_validation_score_ : R² after each epoch on the rows to judge by, and that of the best
    validation_loss_curve_ : the loss on these rows after each epoch, without the penalty; None where there are none
    stopped_by_, engine_ : why training ended before ``max_iter``, or ``""``; ``"native"``, or ``"numpy"`` and why
    n_iter_, t_ : epochs of the last fit, and rows visited in all
    n_layers_, n_outputs_, out_activation_ : layers with the input's, outputs, and what becomes of them
    engine_, stopped_by_ : what trained, "native" or "numpy" with the reason, and why training ended, or ""
    n_features_in_, feature_names_in_ : the columns of X, and their names (n_features_in_,) where X had names

    >>> import numpy as np
    >>> from pellucid.estimators import MLPRegressor
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
    >>> round(float(model.predict([[0.5]])[0]), 1)
    0.2
    """

    loss: Any = option(
        Either(Choice(("squared_error", "poisson", *REGRESSION)), Kind((Loss,), "a loss such as Huber(delta=2.0)")),
        "Half the squared error, half the Poisson deviance, or a loss of this library as that defines it.",
        default="squared_error", kw_only=False,
    )  # fmt: skip
    hidden_layer_sizes: Any = option(SIZES, "Neurons of each hidden layer.", default=(100,), kw_only=False)
    activation: Any = option(
        ACTIVATION, "Activation of the hidden layers, or a list with that of each.", default="relu", kw_only=False
    )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True  # which scikit-learn's own does not say of itself
        return tags

    @available_if(lambda self: self._solver_is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Make one pass over the rows.

        With ``early_stopping``, X_val and y_val are needed. Once they say that progress has ended (``stopped_by_``),
        the best weights come back and further calls leave them as they are.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the predicted numbers, (n_rows,) or (n_rows, n_outputs), for ``X : (n_rows, n_features)``."""
        check_is_fitted(self)
        return self._predicted(self._checked_rows(X))

    def _predicted(self, X: Any) -> Array:
        predicted = LINKS[self.out_activation_].predict(self._raw_outputs(X))
        return predicted[:, 0] if self.n_outputs_ == 1 else predicted

    def _checked_target(self, y: Array, *, anew: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return y[:, None] if y.ndim == 1 else y

    def _validation_target(self, y: Any) -> Array:
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y_val")
        y = self._checked_target(y, anew=False, incremental=False)
        if y.shape[1] != self.n_outputs_:
            raise ShapeError(f"{type(self).__name__}: y_val has {y.shape[1]} columns; y has {self.n_outputs_}.")
        return y

    def _out_activation(self) -> str:
        if not isinstance(self.loss, Loss):
            return "exp" if self.loss == "poisson" else "identity"
        if self.loss.link not in ("identity", "exp"):
            raise OptionError(f"MLPRegressor: loss got {self.loss!r}, which is one for classes; write MLPClassifier.")
        return OF_LINK[self.loss.link]

    def _stratum(self, y: Array) -> Array | None:
        return None

    def _validation_score(self, outputs: Array, y: Array, sample_weight: Array | None) -> float:
        predicted = LINKS[self.out_activation_].predict(outputs)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(y, predicted, sample_weight=sample_weight))
