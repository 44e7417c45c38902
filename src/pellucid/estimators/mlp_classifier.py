"""The classifier that takes the place of scikit-learn's own, by a change of the import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted

from pellucid.domains import Choice, Either, Kind, Nothing
from pellucid.errors import OptionError, TargetError
from pellucid.estimators.mlp import MLP
from pellucid.estimators.mlp_objective import LINKS
from pellucid.estimators.mlp_options import ACTIVATION, SIZES
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.options import option


class MLPClassifier(ClassifierMixin, MLP):
    """scikit-learn's multi-layer perceptron for classes, with the same options, draws and results, on this engine.

    Options that scikit-learn lacks are off unless given; docs/reference/compatibility.md tells of each.

    Two classes are learned by binary cross-entropy on one output, more by cross-entropy, and several labels per row,
    ``y : (n_rows, n_labels)`` of 0 and 1, by binary cross-entropy on each, unless ``loss`` says otherwise.

    Attributes
    ----------
    coefs_, intercepts_ : the weights (n_inputs, n_outputs) and the biases (n_outputs,), layer by layer
    classes_ : (n_classes,), sorted
    loss_, loss_curve_, best_loss_ : the loss of the last epoch, of each, and the lowest, as scikit-learn computes them
    validation_scores_, best_validation_score_ : accuracy after each epoch on the rows to judge by, and that of the best
    validation_loss_curve_ : the loss on these rows after each epoch, without the penalty; None where there are none
    stopped_by_, engine_ : why training ended before ``max_iter``, or ``""``; ``"native"``, or ``"numpy"`` and why
    n_iter_, t_ : epochs of the last fit, and rows visited in all
    n_layers_, n_outputs_, out_activation_ : layers with the input's, outputs, and what becomes of them
    engine_, stopped_by_ : what trained, "native" or "numpy" with the reason, and why training ended, or ""
    n_features_in_, feature_names_in_ : the columns of X, and their names (n_features_in_,) where X had names

    >>> import numpy as np
    >>> from pellucid.estimators import MLPClassifier
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> model = MLPClassifier((8,), learning_rate_init=0.05, tol=0.001, random_state=0).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> model.predict([[1.0, 1.0], [1.0, -1.0]]).tolist()
    [True, False]
    """

    hidden_layer_sizes: Any = option(SIZES, "Neurons of each hidden layer.", default=(100,), kw_only=False)
    activation: Any = option(
        ACTIVATION, "Activation of the hidden layers, or a list with that of each.", default="relu", kw_only=False
    )

    loss: Any = option(
        Either(Choice(("log_loss", "focal")), Kind((Loss,), "a loss such as Focal(gamma=1.0)")),
        "Cross-entropy, focal loss, or a loss of this library.",
        default="log_loss",
    )
    class_weight: Any = option(
        Either(Choice(("balanced",)), Kind((Mapping,), "a mapping from class to number"), Nothing("all count alike")),
        "How much each class counts, times sample_weight; 'balanced': n_rows / (n_classes * rows of the class).",
        default=None,
    )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(lambda self: self._solver_is_stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Make one pass over the rows; ``classes``, all that will ever come, are needed in the first call.

        With ``early_stopping``, X_val and y_val are needed. Once they say that progress has ended (``stopped_by_``),
        the best weights come back and further calls leave them as they are.
        """
        if self.class_weight == "balanced":
            raise OptionError(
                "MLPClassifier: partial_fit sees some rows at a time, and class_weight='balanced' counts them all. "
                "Pass the classes' weights as a mapping; sklearn.utils.class_weight.compute_class_weight computes them."
            )
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer().fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the likeliest classes, (n_rows,), or labels, (n_rows, n_labels), for ``X : (n_rows, n_features)``."""
        check_is_fitted(self)
        return self._decided(self._raw_outputs(self._checked_rows(X)))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class or label, (n_rows, n_classes), for ``X : (n_rows, n_features)``."""
        check_is_fitted(self)
        outputs = self._raw_outputs(self._checked_rows(X))
        probabilities = LINKS[self.out_activation_].predict(outputs)
        return np.hstack([1 - probabilities, probabilities]) if self.n_outputs_ == 1 else probabilities

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of the probabilities, (n_rows, n_classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _decided(self, outputs: Array) -> Array:
        """Return the classes by raw outputs: a probability is above a half where its output is above 0."""
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

    def _validation_target(self, y: Any) -> Array:
        y = np.asarray(y)
        y = column_or_1d(y) if y.ndim == 2 and y.shape[1] == 1 else y
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise TargetError(f"MLPClassifier: y_val has {unknown}, which is not among the classes {self.classes_}.")
        return self._label_binarizer.transform(y).astype(bool)

    def _row_weights(self, y: Array, sample_weight: Array | None, *, training: bool) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        if self._label_binarizer.y_type_.startswith("multilabel"):
            raise OptionError(
                f"MLPClassifier: class_weight got {self.class_weight!r}, and a row with several labels has no one "
                "class. Leave it out, and pass sample_weight."
            )
        codes = y[:, 0].astype(int) if y.shape[1] == 1 else y.argmax(axis=1)
        if training:
            labels = self.classes_[codes]
            self._class_weights = compute_class_weight(self.class_weight, classes=self.classes_, y=labels)
        weights = self._class_weights[codes]
        return np.asarray(weights if sample_weight is None else weights * sample_weight)

    def _out_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _stratum(self, y: Array) -> Array | None:
        return y if self.n_outputs_ == 1 else None

    def _validation_score(self, outputs: Array, y: Array, sample_weight: Array | None) -> float:
        wanted = self._label_binarizer.inverse_transform(y)
        return float(accuracy_score(wanted, self._decided(outputs), sample_weight=sample_weight))
