"""The classifier that takes the place of scikit-learn's own, by a change of the import."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from pellucid.errors import TargetError
from pellucid.estimators.mlp import ACTIVATION, MLP, SIZES
from pellucid.estimators.mlp_network import objective_for
from pellucid.layers.base import Array
from pellucid.options import option


class MLPClassifier(ClassifierMixin, MLP):
    """scikit-learn's multi-layer perceptron for classes, with the same options, draws and results, on this engine.

    Two classes are learned by binary cross-entropy on one output, more by cross-entropy, and several labels per row,
    ``y : (n_rows, n_labels)`` of 0 and 1, by binary cross-entropy on each.

    Attributes
    ----------
    coefs_, intercepts_ : the weights (n_inputs, n_outputs) and the biases (n_outputs,), layer by layer
    classes_ : (n_classes,), sorted
    loss_, loss_curve_, best_loss_ : the loss of the last epoch, of each, and the lowest, as scikit-learn computes them
    validation_scores_, best_validation_score_ : accuracy after each epoch, with ``early_stopping``
    n_iter_, t_ : epochs of the last fit, and rows visited in all
    n_layers_, n_outputs_, out_activation_ : layers with the input's, outputs, and what becomes of them

    >>> import numpy as np
    >>> from pellucid.estimators import MLPClassifier
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> model = MLPClassifier((8,), learning_rate_init=0.05, tol=0.001, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> model.predict([[1.0, 1.0], [1.0, -1.0]]).tolist()
    [True, False]
    """

    hidden_layer_sizes: Any = option(SIZES, "Neurons of each hidden layer.", default=(100,), kw_only=False)
    activation: str = option(ACTIVATION, "Activation of the hidden layers.", default="relu", kw_only=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(lambda self: self._solver_is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Make one pass over the rows; ``classes``, all that will ever come, are needed in the first call."""
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer().fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, (n_rows,), or its labels, (n_rows, n_labels)."""
        check_is_fitted(self)
        return self._decided(self._checked_rows(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class or label, (n_rows, n_classes)."""
        check_is_fitted(self)
        outputs = self._raw_outputs(self._checked_rows(X))
        probabilities = objective_for(self.out_activation_, self.n_outputs_).link(outputs)
        return np.hstack([1 - probabilities, probabilities]) if self.n_outputs_ == 1 else probabilities

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of these probabilities, (n_rows, n_classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _decided(self, X: Any) -> Array:
        outputs = self._raw_outputs(X)  # a probability is above a half where its raw output is above 0
        return self._label_binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs, 0)

    def _checked_target(self, y: Array, *, anew: bool, incremental: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            classes = unique_labels(y)
            if self.warm_start and set(classes) != set(self.classes_):
                raise TargetError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {classes}"
                )
            if not self.warm_start and len(np.setdiff1d(classes, self.classes_)):
                raise TargetError(f"`y` has classes {classes}, of which `classes_`, {self.classes_}, lacks some.")
        return self._label_binarizer.transform(y).astype(bool)

    def _out_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _stratum(self, y: Array) -> Array | None:
        return y if self.n_outputs_ == 1 else None

    def _validation_score(self, X: Any, y: Array, sample_weight: Array | None) -> float:
        wanted = self._label_binarizer.inverse_transform(y)
        return float(accuracy_score(wanted, self._decided(X), sample_weight=sample_weight))
