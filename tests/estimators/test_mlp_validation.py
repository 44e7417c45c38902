"""The drop-in estimators judged by rows of the user's own, and going on where they stopped."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, mean_poisson_deviance, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

from pellucid.errors import DataError, OptionError, ShapeError, TargetError
from pellucid.estimators import MLPClassifier, MLPRegressor
from pellucid.optimizers import SGD
from pellucid.schedules import Cosine

random = np.random.RandomState(9)
X, X_VAL = random.normal(size=(160, 4)), random.normal(size=(50, 4))
WEIGHT, WEIGHT_VAL = random.uniform(0.2, 2, 160), random.uniform(0.2, 2, 50)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (7,), "max_iter": 6, "random_state": 1, "batch_size": 32}


def numbers(x: np.ndarray) -> np.ndarray:
    return np.asarray(x[:, 0] * x[:, 1] + x[:, 2])


def classes(x: np.ndarray) -> np.ndarray:
    return np.digitize(x[:, 0] + x[:, 1], [-0.5, 0.7])


Y, Y_VAL = numbers(X), numbers(X_VAL)
GIVEN: dict[str, Any] = {"X_val": X_VAL, "y_val": Y_VAL}


@pytest.fixture(autouse=True)
def unfinished_runs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weights_of(model: Any) -> np.ndarray:
    return np.concatenate([array.ravel() for array in (*model.coefs_, *model.intercepts_)])


@pytest.mark.parametrize("weight", [None, WEIGHT_VAL], ids=["", "weighted"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_validation_losses_and_scores_are_those_of_the_predictions(
    weight: Any, sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.estimators.mlp_network._DENSE_NUMBERS", 20 * 4 if sparse else 2**20)
    table = scipy.sparse.csr_array if sparse else np.asarray
    rows, given = table(X), {"X_val": table(X_VAL), "sample_weight_val": weight}
    several = np.column_stack([Y, X[:, 3]]), np.column_stack([Y_VAL, X_VAL[:, 3]])
    for y, y_val in ((Y, Y_VAL), several):
        model = MLPRegressor(**QUICK).fit(rows, y, **given, y_val=y_val)
        predicted = model.predict(X_VAL)
        assert model.validation_loss_curve_[-1] == pytest.approx(
            mean_squared_error(y_val, predicted, sample_weight=weight) / 2, rel=1e-10
        )
        assert model.validation_scores_[-1] == pytest.approx(r2_score(y_val, predicted, sample_weight=weight), rel=1e-9)
    model = MLPRegressor(**QUICK, loss="poisson").fit(rows, Y**2, **given, y_val=Y_VAL**2)
    deviance = mean_poisson_deviance(Y_VAL**2, model.predict(X_VAL), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(deviance / 2, rel=1e-9)
    for y, y_val in ((classes(X), classes(X_VAL)), (Y > 0, Y_VAL > 0)):
        classifier = MLPClassifier(**QUICK).fit(rows, y, **given, y_val=y_val)
        loss = log_loss(y_val, classifier.predict_proba(X_VAL), sample_weight=weight)
        assert classifier.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)
        score = accuracy_score(y_val, classifier.predict(X_VAL), sample_weight=weight)
        assert classifier.validation_scores_[-1] == pytest.approx(score, rel=1e-12)
    assert len(model.validation_loss_curve_) == len(model.validation_scores_) == 6


def test_rows_to_judge_by_change_no_weight() -> None:
    without, judged = MLPRegressor(**QUICK).fit(X, Y), MLPRegressor(**QUICK).fit(X, Y, **GIVEN)
    assert (weights_of(without) == weights_of(judged)).all()
    assert without.loss_curve_ == judged.loss_curve_
    assert without.validation_loss_curve_ is None
    assert judged.best_validation_score_ is None


def test_early_stopping_by_the_rows_that_it_would_set_aside_is_the_same() -> None:
    """The split is the first that random_state draws after the weights: here it is drawn beforehand."""
    options: dict[str, Any] = {**QUICK, "max_iter": 60, "early_stopping": True, "learning_rate_init": 0.02}
    model = MLPRegressor(**options, shuffle=False, n_iter_no_change=3).fit(X, Y, sample_weight=WEIGHT)
    draws = np.random.RandomState(1)
    for shape in ((4, 7), 7, (7, 1), 1):
        draws.uniform(size=shape)
    x, x_val, y, y_val, weight, weight_val = train_test_split(X, Y, WEIGHT, random_state=draws, test_size=0.1)
    given = clone(model).fit(x, y, weight, X_val=x_val, y_val=y_val, sample_weight_val=weight_val)
    assert (weights_of(given) == weights_of(model)).all()
    assert given.validation_scores_ == model.validation_scores_
    assert given.validation_loss_curve_ == model.validation_loss_curve_
    assert given.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.parametrize("monitor", ["score", "loss"])
def test_early_stopping_keeps_the_weights_of_the_best_epoch(monitor: str) -> None:
    options: dict[str, Any] = {**QUICK, "max_iter": 200, "learning_rate_init": 0.05, "n_iter_no_change": 4, "tol": 1e-6}
    y, y_val = classes(X), classes(X_VAL)
    model = MLPClassifier(**options, early_stopping=True, monitor=monitor).fit(X, y, X_val=X_VAL, y_val=y_val)
    losses, scores = model.validation_loss_curve_, model.validation_scores_
    best = int(np.argmax(scores)) if monitor == "score" else int(np.argmin(losses))
    assert model.stopped_by_ == f"the validation {monitor} did not improve by 1e-06 for 4 epochs"
    assert model.best_validation_score_ == scores[best] == model.score(X_VAL, y_val)
    assert log_loss(y_val, model.predict_proba(X_VAL)) == pytest.approx(losses[best], rel=1e-9)
    stopped_there = MLPClassifier(**{**options, "max_iter": best + 1, "n_iter_no_change": np.inf}).fit(X, y)
    assert (weights_of(stopped_there) == weights_of(model)).all()
    figures = np.array(scores) if monitor == "score" else -np.array(losses)
    worse = figures[1:] < np.maximum.accumulate(figures)[:-1] + 1e-6
    assert worse[-5:].all()
    assert len(figures) == len(losses) < 200


def test_class_weights_are_those_of_the_training_rows_for_the_others_too() -> None:
    y, y_val = classes(X), classes(X_VAL)
    model = MLPClassifier(**QUICK, class_weight={0: 3.0, 1: 1.0, 2: 0.5}).fit(X, y, X_val=X_VAL, y_val=y_val)
    weight = np.array([3.0, 1.0, 0.5])[y_val]
    loss = log_loss(y_val, model.predict_proba(X_VAL), sample_weight=weight)
    assert model.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)
    balanced = MLPClassifier(**QUICK, class_weight="balanced").fit(X, y, X_val=X_VAL[y_val > 0], y_val=y_val[y_val > 0])
    weight = (len(y) / (3 * np.bincount(y)))[y_val[y_val > 0]]
    probabilities = balanced.predict_proba(X_VAL[y_val > 0])
    loss = log_loss(y_val[y_val > 0], probabilities, sample_weight=weight, labels=[0, 1, 2])
    assert balanced.validation_loss_curve_[-1] == pytest.approx(loss, rel=1e-9)


def test_partial_fit_stops_early_by_rows_of_its_own() -> None:
    options: dict[str, Any] = {**QUICK, "learning_rate_init": 0.05, "n_iter_no_change": 3, "shuffle": False}
    whole = MLPRegressor(**{**options, "max_iter": 300}, early_stopping=True).fit(X, Y, **GIVEN)
    model, judged = MLPRegressor(**options, early_stopping=True), 0
    while judged < 300 and not (judged and model.stopped_by_):
        model.partial_fit(X, Y, **GIVEN)
        judged += 1
        assert len(model.loss_curve_) == judged
    assert model.validation_scores_ == whole.validation_scores_
    assert (weights_of(model) == weights_of(whole)).all()
    kept = weights_of(model)
    assert (weights_of(model.partial_fit(X, Y, **GIVEN)) == kept).all()
    assert len(model.loss_curve_) == judged


def test_partial_fit_with_early_stopping_says_what_it_lacks() -> None:
    with pytest.raises(OptionError, match="pass X_val"):
        MLPRegressor(**QUICK, early_stopping=True).partial_fit(X, Y)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"early_stopping": True},
        {"dropout": 0.3, "optimizer": SGD(learning_rate=0.01, momentum=0.5)},
        {"weight_decay": 0.1, "shuffle": False},
    ],
    ids=str,
)
def test_a_warm_start_that_continues_equals_one_long_fit(options: dict[str, Any]) -> None:
    once = MLPRegressor(**{**QUICK, "max_iter": 12}, **options).fit(X, Y)
    twice = MLPRegressor(**QUICK, **options, warm_start="continue").fit(X, Y)
    twice = pickle.loads(pickle.dumps(twice)).fit(X, Y)
    assert twice.loss_curve_ == once.loss_curve_
    assert twice.validation_scores_ == once.validation_scores_
    assert (weights_of(twice) == weights_of(once)).all()
    assert (twice.t_, twice.n_iter_) == (once.t_, 6)
    anew = MLPRegressor(**QUICK, **options, warm_start=True).fit(X, Y).fit(X, Y)
    assert anew.loss_curve_ != once.loss_curve_


def test_a_schedule_stays_at_its_end_where_a_warm_start_continues() -> None:
    model = MLPRegressor(**QUICK, warm_start="continue", schedule=Cosine(), solver="sgd", momentum=0.0).fit(X, Y)
    kept = weights_of(model)
    np.testing.assert_allclose(weights_of(model.fit(X, Y)), kept, rtol=0, atol=1e-3)
    assert (weights_of(clone(model).set_params(schedule=None).fit(X, Y)) != kept).any()


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_rows_to_judge_by_that_do_not_fit_are_refused(cls: type) -> None:
    model, y, y_val = cls(**QUICK), classes(X), classes(X_VAL)
    with pytest.raises(DataError, match="X_val without y_val"):
        model.fit(X, y, X_val=X_VAL)
    with pytest.raises(DataError, match="y_val without X_val"):
        model.fit(X, y, y_val=y_val)
    with pytest.raises(DataError, match="sample_weight_val without X_val"):
        model.fit(X, y, sample_weight_val=WEIGHT_VAL)
    with pytest.raises(ValueError, match="3 features"):
        model.fit(X, y, X_val=X_VAL[:, :3], y_val=y_val)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, X_val=X_VAL[:9], y_val=y_val)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(X, y, X_val=X_VAL, y_val=y_val, sample_weight_val=WEIGHT)
    with pytest.raises(ValueError, match=r"sample_weight_val is zero|at least one non-zero"):
        model.fit(X, y, X_val=X_VAL, y_val=y_val, sample_weight_val=np.zeros(50))
    with pytest.raises(OptionError, match="X_val together with solver='lbfgs'"):
        clone(model).set_params(solver="lbfgs").fit(X, y, X_val=X_VAL, y_val=y_val)
    assert not hasattr(model, "coefs_")


def test_targets_to_judge_by_must_be_of_the_same_kind() -> None:
    with pytest.raises(TargetError, match=r"y_val has \[9\]"):
        MLPClassifier(**QUICK).fit(X, classes(X), X_val=X_VAL, y_val=np.full(50, 9))
    with pytest.raises(ShapeError, match="y_val has 2 columns; y has 1"):
        MLPRegressor(**QUICK).fit(X, Y, X_val=X_VAL, y_val=X_VAL[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor(**QUICK).fit(X, Y, X_val=X_VAL, y_val=np.where(Y_VAL > 0, np.nan, 0))
