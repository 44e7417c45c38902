"""The classifier for tables: classes, or several yes/no labels per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from pellucid.domains import Choice, Either, Kind, Nothing
from pellucid.errors import OptionError
from pellucid.estimators.class_weights import class_factors, weighted
from pellucid.estimators.tabular import TabularEstimator
from pellucid.layers.base import Array
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Loss
from pellucid.options import option
from pellucid.tabular.splitting import Rows
from pellucid.tabular.targets import ClassTarget


class TabularClassifier(ClassifierMixin, TabularEstimator):
    """Networks that learn classes from a table as it is: numbers, categories, dates, and holes among them.

    Two classes are learned by binary cross-entropy on one output, more by cross-entropy, and a target of shape
    (n_rows, n_labels) of 0 and 1 as independent labels.

    Attributes
    ----------
    classes_ : (n_classes,), sorted; with labels, their numbers
    ensemble_ : the networks that predict together, with their weights
    network_, encoder_, target_ : the ensemble's strongest `Network`, the fitted `Encoder` and `ClassTarget`
    members_ : of each configuration that was trained its hyper-parameters, its metric at each rung, what stopped it,
        and how often it was chosen at which epoch; empty for a single network
    history_ : the `History` of training: a row per rung, or per epoch of a single network
    plan_ : the choices that were left to the estimator, with their reasons
    best_epoch_, seed_ : a single network's epoch whose weights were kept, otherwise the last rung; the seed used
    fit_seconds_, cpu_seconds_ : the time taken, and that of all cores
    fingerprint_ : the `Fingerprint` of the data, one SHA-256 a column
    temperature_, conformal_ : what raw outputs are divided by, and the scores behind `predict_sets`; 1 and None for a
        single network
    remarks_ : what was noticed about the table and in training
    engine_ : what predicts, "native" or "numpy" with the reason
    refitted_ : whether a single network was trained again, on all rows up to the best epoch
    loss_ : the `Loss`, whose link makes predictions of the network's outputs
    n_features_in_, feature_names_in_ : the columns of X, and their names (n_features_in_,) where X had names

    >>> import numpy as np
    >>> from pellucid import TabularClassifier
    >>> table = {"color": ["red", "blue", "red", "blue"] * 25, "size": list(range(100))}
    >>> label = np.where(np.array(table["color"]) == "red", "warm", "cold")
    >>> model = TabularClassifier(random_state=0).fit(table, label)
    >>> model.predict({"color": ["red", "blue", None], "size": [3, None, 50]})[:2].tolist()
    ['warm', 'cold']
    """

    class_weight: Any = option(
        Either(
            Nothing("all count alike"),
            Choice(("balanced",)),
            Kind((Mapping,), "a mapping from class to number"),
        ),
        "What rows count by their class, in training and in judging, times their own weight.",
        default=None,
    )

    @property
    def classes_(self) -> Array:
        """The classes, sorted, (n_classes,)."""
        return self.target_.classes

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row, (n_rows,), or its labels, (n_rows, n_labels)."""
        probabilities = self.predict_proba(X)
        if self.target_.is_multilabel:
            return self.target_.decode(probabilities > 0.5)
        return self.target_.decode(probabilities.argmax(axis=1))

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (n_rows, n_classes), or of each label, (n_rows, n_labels)."""
        return self._predicted(self._predictions(X))

    def _predicted(self, linked: Array) -> Array:
        if isinstance(self.loss_, BinaryCrossEntropy) and not self.target_.is_multilabel:
            return np.concatenate([1 - linked, linked], axis=1)
        return linked

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def predict_sets(self, X: Any, coverage: float = 0.9) -> Array:
        """Return which classes each row may be of, (n_rows, n_classes) of True and False; at least one is True.

        A share of at least ``coverage`` of new rows, on average, has its class among them: conformal prediction, by the
        probabilities on rows that the networks behind each prediction have not seen. Raises `DataError` where the
        training rows were too few for a coverage, and `NotInitializedError` after a fit with ``members=1`` or of
        labels.
        """
        sets = self._calibrated()
        return np.asarray(sets.contained(self.predict_proba(X), coverage))

    def _weighted(self, rows: Rows, held: Rows | None) -> tuple[Rows, Rows | None]:
        """Return the rows with their classes' weights, which are those of the rows to learn from for the others too."""
        if self.class_weight is None:
            return rows, held
        if self.target_.is_multilabel:
            raise OptionError(
                f"TabularClassifier: class_weight got {self.class_weight!r}, and a row with several labels has no one "
                "class; weigh the rows with sample_weight."
            )
        factors = class_factors(self.class_weight, self.target_.classes.tolist(), rows.target)
        return weighted(rows, factors), None if held is None else weighted(held, factors)

    def _new_target(self) -> ClassTarget:
        return ClassTarget()

    def _loss(self) -> Loss:
        return CrossEntropy() if self._n_outputs() > 1 and not self.target_.is_multilabel else BinaryCrossEntropy()

    def _n_outputs(self) -> int:
        n_classes = len(self.target_.classes)
        return 1 if n_classes == 2 and not self.target_.is_multilabel else n_classes
