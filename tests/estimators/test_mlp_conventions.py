"""The drop-in estimators keep scikit-learn's conventions: its checks, its constructor, and refusals that help."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

from pellucid.errors import OptionError, TargetError
from pellucid.estimators import MLPClassifier, MLPRegressor

X = np.random.RandomState(0).normal(size=(60, 3))
Y = X[:, 0] - X[:, 1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)])
def test_scikit_learns_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_the_constructor_is_theirs_with_more_keywords(cls: type) -> None:
    def shape(of: type) -> dict[str, Any]:
        return {name: (given.kind, given.default) for name, given in inspect.signature(of).parameters.items()}

    theirs = shape(getattr(sklearn.neural_network, cls.__name__))
    ours = shape(cls)
    if "loss" not in theirs:
        ours.pop("loss", None)  # scikit-learn before 1.7 has only the squared error
    assert {name: ours[name] for name in theirs} == theirs
    more = {name: ours[name] for name in ours.keys() - theirs.keys()}
    assert {kind for kind, _ in more.values()} == {inspect.Parameter.KEYWORD_ONLY}
    positional = [name for name, (kind, _) in ours.items() if kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional == [name for name, (kind, _) in theirs.items() if kind is not inspect.Parameter.KEYWORD_ONLY]


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        MLPRegressor().fit(X, Y, sample_weight=np.zeros(60))


def test_a_batch_without_weight_changes_nothing() -> None:
    weight = np.repeat([0.0, 1.0], 30)
    options: dict[str, Any] = {"batch_size": 30, "shuffle": False, "max_iter": 1, "solver": "sgd", "random_state": 0}
    both = MLPRegressor(**options, momentum=0.0).partial_fit(X, Y, sample_weight=weight)
    second = MLPRegressor(**options, momentum=0.0).partial_fit(X[30:], Y[30:])
    for one, other in zip(both.coefs_, second.coefs_, strict=True):
        assert (one == other).all()


def test_options_outside_their_domain_are_refused_with_the_near_miss() -> None:
    with pytest.raises(OptionError, match=r"activation got 'sigmod'"):
        MLPClassifier(activation="sigmod").fit(X, Y > 0)
    with pytest.raises(OptionError, match="must be > 0"):
        MLPClassifier(hidden_layer_sizes=np.array([3, 0])).fit(X, Y > 0)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(TargetError, match="at least 0"):
        MLPRegressor(loss="poisson").fit(X, Y)


def test_the_loss_is_not_clipped() -> None:
    model = MLPClassifier(random_state=0, solver="sgd").partial_fit(X, Y > 0, classes=[False, True])
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    model.intercepts_[-1][...] = 100
    model.partial_fit(X, np.zeros(60, bool))
    assert model.loss_ == pytest.approx(100, rel=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_that_only_gets_worse_gives_the_best_weights_back() -> None:
    options: dict[str, Any] = {"warm_start": True, "early_stopping": True, "random_state": 0, "solver": "sgd"}
    model = MLPRegressor(**options, learning_rate_init=0.05, max_iter=50).fit(X, Y)
    best, score = [array.copy() for array in model.coefs_], model.best_validation_score_
    model.set_params(activation="logistic", learning_rate_init=1e-9, max_iter=3).fit(X, Y)
    assert model.best_validation_score_ == score
    for array, kept in zip(model.coefs_, best, strict=True):
        assert (array == kept).all()


def test_partial_fit_goes_on_after_pickling() -> None:
    stays = MLPRegressor(random_state=0).partial_fit(X, Y)
    travels = pickle.loads(pickle.dumps(stays))
    assert (stays.partial_fit(X, Y).coefs_[0] == travels.partial_fit(X, Y).coefs_[0]).all()


def test_predictions_follow_weights_that_somebody_sets() -> None:
    with pytest.warns(match="hasn't converged"):
        model = MLPRegressor(max_iter=1, random_state=0).fit(X, Y)
    model.coefs_[-1][...] = 0
    model.intercepts_[-1][...] = 7
    assert (model.predict(X) == 7).all()
