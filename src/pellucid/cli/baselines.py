"""Baselines: what the simplest predictions reach on the same rows, so that a score means something."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pellucid.layers.base import Array
from pellucid.tabular import ClassTarget

MOST_ROWS = 20_000  # the linear model learns from at most so many rows: more change its score in the third digit


def baselines(estimator: Any, table: Any, y: Any, test: Any) -> dict[str, Array]:
    """Return predictions for the test rows, like those of `scores.predicted`, by the name of the baseline.

    table, y : the rows to learn from, those for validation included
    test : the rows to predict
    """
    target = estimator.target_
    truth = target.encode(y)  # classes as codes, labels as 0 and 1, numbers standardized
    encoder = estimator.encoder_
    features, test_features = encoder.transform(table), encoder.transform(test)
    if isinstance(target, ClassTarget) and not target.is_multilabel:
        shares = np.bincount(truth, minlength=len(target.classes)) / len(truth)
        linear = _linear_classes(features, truth, test_features, encoder, len(target.classes))
        return {"linear model": linear, "majority class": np.tile(shares, (len(test_features), 1))}
    constant = np.tile(truth.mean(axis=0), (len(test_features), 1))
    if isinstance(target, ClassTarget):
        columns = [
            _linear_classes(features, label.astype(np.int64), test_features, encoder, 2)[:, 1] for label in truth.T
        ]
        return {"linear model": np.stack(columns, axis=1), "majority class": constant}
    return {
        "linear model": target.decode(_linear_numbers(features, truth, test_features, encoder)),
        "mean": target.decode(constant),
    }


def _linear_classes(features: Array, codes: Array, test: Array, encoder: Any, n_classes: int) -> Array:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probabilities = np.zeros((len(test), n_classes))
    rows = _rows(len(features))
    if len(np.unique(codes[rows])) == 1:  # a label that is the same throughout
        probabilities[:, codes[rows][0]] = 1
        return probabilities
    learn, judge = _one_hot(features[rows], test, encoder)
    model = LogisticRegression(max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # after 300 rounds a yardstick is near enough
        model.fit(learn, codes[rows])
    probabilities[:, model.classes_] = model.predict_proba(judge)
    return probabilities


def _linear_numbers(features: Array, numbers: Array, test: Array, encoder: Any) -> Array:
    from sklearn.linear_model import Ridge

    rows = _rows(len(features))
    learn, judge = _one_hot(features[rows], test, encoder)
    prediction = np.asarray(Ridge().fit(learn, numbers[rows]).predict(judge))
    return prediction[:, None] if prediction.ndim == 1 else prediction


def _rows(n_rows: int) -> Array:
    """Return the rows that a linear model learns from, spread over the table."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, MOST_ROWS)).astype(np.int64))


def _one_hot(features: Array, test: Array, encoder: Any) -> tuple[Any, Any]:
    """Return both matrices with the codes of categories as one-hot columns; sparse where there are codes."""
    n_plain = encoder.n_numeric + encoder.n_one_hot
    if n_plain == features.shape[1]:
        return features.astype(np.float64), test.astype(np.float64)
    from scipy.sparse import csr_matrix, hstack
    from sklearn.preprocessing import OneHotEncoder

    one_hot = OneHotEncoder(handle_unknown="ignore").fit(features[:, n_plain:])
    parts = [
        hstack([csr_matrix(part[:, :n_plain].astype(np.float64)), one_hot.transform(part[:, n_plain:])]).tocsr()
        for part in (features, test)
    ]
    return parts[0], parts[1]
