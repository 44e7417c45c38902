"""The estimators keep scikit-learn's conventions: its tools take them as they take its own."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import OptionError, TargetError
from pellucid.options import options
from tests.estimators.conftest import ONE_OR_SEVERAL

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
CLASSES = np.where(X[:, 0] > 0, "up", "down")
NUMBERS = X[:, 0] - 2 * X[:, 1]
QUICK: dict[str, Any] = {"epochs": 3, "hidden_layer_sizes": (8,), "random_state": 0}
BOTH = pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (kind(**QUICK, **given), y)
        for kind, y in ((TabularClassifier, CLASSES), (TabularRegressor, NUMBERS))
        for given in ONE_OR_SEVERAL.values()
    ],
    ids=[f"{kind}, {given}" for kind in ("classifier", "regressor") for given in ONE_OR_SEVERAL],
)


@BOTH
def test_parameters_are_read_set_and_cloned(estimator: Any, y: Any) -> None:
    names = {declared.name for declared in options(type(estimator))}
    assert set(estimator.get_params()) == names
    twin = clone(estimator)
    assert twin is not estimator
    assert twin.get_params() == estimator.get_params()
    assert clone(estimator).set_params(dropout=0.5, patience=3).get_params()["dropout"] == 0.5
    with pytest.raises(ValueError, match="drop_out"):
        clone(estimator).set_params(drop_out=0.5)


@BOTH
def test_a_clone_of_a_fitted_estimator_is_not_fitted_and_fits_to_the_same_bits(estimator: Any, y: Any) -> None:
    fitted = clone(estimator).fit(X, y)
    twin = clone(fitted)
    with pytest.raises(NotFittedError):
        twin.predict(X)
    np.testing.assert_array_equal(twin.fit(X, y).network_.parameters, fitted.network_.parameters)


@BOTH
def test_fit_changes_no_option(estimator: Any, y: Any) -> None:
    fresh = clone(estimator)
    before = fresh.get_params()
    fresh.fit(X, y)
    assert all(value is before[name] for name, value in fresh.get_params().items())


@BOTH
def test_the_kind_of_estimator_is_known(estimator: Any, y: Any) -> None:
    assert is_classifier(estimator) == isinstance(estimator, TabularClassifier)
    assert is_regressor(estimator) == isinstance(estimator, TabularRegressor)


@BOTH
def test_pipeline_and_scores(estimator: Any, y: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), clone(estimator)).fit(X, y)
    assert pipeline.predict(X).shape == (80,)
    assert np.isfinite(pipeline.score(X, y))
    scores = cross_val_score(estimator, X, y, cv=2, error_score="raise")
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


@BOTH
def test_grid_search_finds_the_better_option(estimator: Any, y: Any) -> None:
    estimator = clone(estimator).set_params(epochs=40, batch_size=8)
    search = GridSearchCV(estimator, {"learning_rate": [1e-7, 0.01]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.01}
    assert search.predict(X[:2]).shape == (2,)


@pytest.mark.slow
@BOTH
def test_grid_search_over_processes(estimator: Any, y: Any) -> None:
    search = GridSearchCV(estimator, {"dropout": [0.0, 0.1]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.predict(X).shape == (80,)


@BOTH
@pytest.mark.parametrize("copied", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy])
def test_a_fitted_estimator_is_pickled_and_copied(estimator: Any, y: Any, copied: Any) -> None:
    fitted = clone(estimator).fit(X, y)
    twin = copied(fitted)
    np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))
    assert twin.get_params() == fitted.get_params()
    assert twin.history_.to_dict() == fitted.history_.to_dict()
    twin.network_.parameters[...] = 0  # its weights are its own, and still views into one vector
    assert all((view == 0).all() for view in twin.network_.named_parameters.values())
    assert (fitted.network_.parameters != 0).any()
    pickle.loads(pickle.dumps(clone(estimator))).fit(X, y)  # one that is not fitted, too


@BOTH
def test_fitted_attributes(estimator: Any, y: Any) -> None:
    import pandas

    fresh = clone(estimator)
    for name in ("n_features_in_", "feature_names_in_", "network_", "history_"):
        assert not hasattr(fresh, name)
    fresh.fit(pandas.DataFrame(X, columns=["b", "a", "c"]), y)
    assert fresh.n_features_in_ == 3
    assert fresh.feature_names_in_.tolist() == ["b", "a", "c"]
    assert fresh.feature_names_in_.dtype == object
    assert fresh.seed_ == 0
    assert fresh.fit_seconds_ > 0
    assert fresh.fit(X, y) is fresh


@BOTH
def test_nothing_works_before_fit(estimator: Any, y: Any, tmp_path: Any) -> None:
    fresh = clone(estimator)
    uses = [fresh.predict, lambda table: fresh.score(table, y), lambda _: fresh.save(tmp_path / "model.pellucid")]
    for use in [*uses, fresh.predict_proba] if isinstance(fresh, TabularClassifier) else uses:
        with pytest.raises(NotFittedError, match=type(estimator).__name__):
            use(X)


@BOTH
def test_a_fit_that_fails_leaves_no_model(estimator: Any, y: Any) -> None:
    fitted = clone(estimator).fit(X, y)
    with pytest.raises(TargetError):
        fitted.fit(X, [None, *y[1:]])
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    with pytest.raises(TargetError):
        clone(estimator).fit(X, [None, *y[1:]]).predict(X)


@BOTH
def test_fitting_again_starts_anew(estimator: Any, y: Any) -> None:
    twice = clone(estimator).fit({"other": X[:, 2]}, y[::-1])
    twice.fit(X, y)
    np.testing.assert_array_equal(twice.predict(X), clone(estimator).fit(X, y).predict(X))
    assert not hasattr(twice, "feature_names_in_")


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", 64),
        ("hidden_layer_sizes", (0,)),
        ("hidden_layer_sizes", (3.5,)),
        ("activation", "rellu"),
        ("members", 0),
        ("folds", 0),
        ("metric", "acuracy"),
        ("plan", {}),
        ("dropout", 1.0),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("weight_decay", -1),
        ("batch_size", 0),
        ("batch_size", True),
        ("epochs", 0),
        ("epochs", 2.5),
        ("patience", 0),
        ("validation_share", 0.0),
        ("validation_share", 1),
        ("one_hot_limit", -1),
        ("embedding_size", 0),
        ("kinds", ["number"]),
        ("kinds", {"x0": "integer"}),
        ("missing", "?"),
        ("time_budget", 0),
        ("time_budget", "soon"),
        ("random_state", -1),
        ("random_state", "zero"),
        ("n_jobs", 0),
        ("n_jobs", 1.5),
        ("verbose", 1),
        ("callbacks", [3]),
        ("callbacks", print),
    ],
)
def test_options_are_checked_by_fit_and_named(estimator: Any, y: Any, name: str, value: Any) -> None:
    wrong = clone(estimator).set_params(**{name: value})  # the constructor takes anything, as scikit-learn wants it
    with pytest.raises(OptionError, match=name):
        wrong.fit(X, y)


def test_repr_is_the_constructor_call() -> None:
    estimator = TabularClassifier(epochs=3, kinds={"zip": "category"})
    assert repr(estimator) == "TabularClassifier(epochs=3, kinds={'zip': 'category'})"
    assert eval(repr(estimator)).get_params() == estimator.get_params()
    assert "TabularClassifier" in estimator._repr_html_()
