"""With the same random_state, the drop-in estimators go the way of scikit-learn's, loss by loss."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from pellucid.estimators import MLPClassifier, MLPRegressor

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
RULES = {
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "constant": {"solver": "sgd", "learning_rate_init": 0.02},
    "plain": {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.0},
    "heavy": {"solver": "sgd", "learning_rate_init": 0.01, "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate_init": 0.05, "learning_rate": "invscaling"},
    "adaptive": {"solver": "sgd", "learning_rate_init": 0.02, "learning_rate": "adaptive", "tol": 0.01},
}
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}

random = np.random.RandomState(3)
X = random.normal(size=(150, 7))
WEIGHT = random.uniform(0.1, 3, len(X))
TARGETS = {
    "two classes": np.where(X[:, 0] * X[:, 1] > 0, "yes", "no"),
    "classes": np.digitize(X[:, 0] + X[:, 1] ** 2, [-0.3, 0.5, 1.5]),
    "labels": (X[:, :3] + X[:, 3:6] > 0).astype(int),
    "numbers": X[:, 0] * X[:, 1] + X[:, 2],
    "several numbers": np.column_stack([X[:, 0] * X[:, 1], X[:, 2] ** 2, X[:, 3]]),
    "counts": random.poisson(np.exp(X[:, 0] / 2)).astype(float),
    "several counts": random.poisson(np.exp(X[:, :2] / 2)).astype(float),
}
HAS_LOSS = "loss" in TheirRegressor().get_params()
ONLY_WITH_WEIGHTS = pytest.mark.skipif(
    not HAS_LOSS, reason=f"scikit-learn {sklearn.__version__} has neither sample weights nor the Poisson loss"
)


@pytest.fixture(autouse=True)
def unfinished_runs() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def pair(target: str, **options: Any) -> tuple[Any, Any]:
    """Return their estimator and ours for a target."""
    given: dict[str, Any] = {"hidden_layer_sizes": (9, 5), "random_state": 1, "max_iter": 12, "batch_size": 40}
    given.update(alpha=0.05, n_iter_no_change=2, tol=1e-3)
    if TARGETS[target].dtype.kind != "f":
        given.update(options)
        return TheirClassifier(**given), MLPClassifier(**given)
    if target.endswith("counts"):
        given.update(loss="poisson")
        options = {**options, "learning_rate_init": options.get("learning_rate_init", 0.01) / 40}
    given.update(options)
    return TheirRegressor(**given), MLPRegressor(**given)


def assert_same_course(theirs: Any, ours: Any, tolerance: float = 1e-12) -> None:
    assert np.isfinite(theirs.loss_curve_).all(), "a run that diverges proves nothing"
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=tolerance)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "_no_improvement_count"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("best_loss_", "loss_", "best_validation_score_", "validation_scores_"):
        wanted = getattr(theirs, name)
        if wanted is None:
            assert getattr(ours, name) is None
        else:
            np.testing.assert_allclose(getattr(ours, name), wanted, rtol=1000 * tolerance, atol=1000 * tolerance)
    assert ours._optimizer.learning_rate == pytest.approx(theirs._optimizer.learning_rate, rel=1e-12)
    for our, their in zip((*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True):
        assert our.shape == their.shape
        assert our.dtype == their.dtype
        np.testing.assert_allclose(our, their, rtol=1000 * tolerance, atol=1000 * tolerance)


@ONLY_WITH_WEIGHTS
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rule", RULES)
def test_the_loss_curve_is_theirs(target: str, rule: str) -> None:
    for activation, stopping, weight in itertools.product(ACTIVATIONS, (False, True), (None, WEIGHT)):
        if stopping and activation in ("identity", "tanh"):
            continue  # how to stop depends on neither
        theirs, ours = pair(target, activation=activation, early_stopping=stopping, **RULES[rule])
        y = TARGETS[target]
        theirs.fit(X, y, sample_weight=weight)
        ours.fit(X, y, sample_weight=weight)
        assert_same_course(theirs, ours)
        np.testing.assert_allclose(
            *(getattr(each, "predict_proba", each.predict)(X) for each in (ours, theirs)), rtol=1e-9, atol=1e-9
        )
        assert (ours.predict(X) == theirs.predict(X)).all() or y.dtype.kind == "f"


@pytest.mark.parametrize("target", [name for name in TARGETS if HAS_LOSS or "counts" not in name])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rule", ["adam", "adaptive"])
def test_the_loss_curve_is_theirs_in_float32(target: str, activation: str, rule: str) -> None:
    theirs, ours = pair(target, activation=activation, **RULES[rule])
    y = TARGETS[target]
    if y.dtype.kind == "f":
        y = y.astype(np.float32)  # with a float64 target they compute slopes in float64, and round after
    theirs.fit(X.astype(np.float32), y)
    ours.fit(X.astype(np.float32), y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-5)
    assert {array.dtype for array in (*ours.coefs_, *ours.intercepts_)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("target", ["classes", "numbers", "several numbers"])
@pytest.mark.parametrize("rule", ["adam", "invscaling"])
def test_partial_fit_and_warm_start_go_on_as_theirs(target: str, rule: str) -> None:
    y = TARGETS[target]
    first: dict[str, Any] = {"classes": np.unique(y)} if target == "classes" else {}
    theirs, ours = pair(target, **RULES[rule])
    for estimator in (theirs, ours):
        estimator.partial_fit(X[:60], y[:60], **first)
        estimator.partial_fit(X[60:], y[60:])
        estimator.partial_fit(X, y)
    assert_same_course(theirs, ours)

    for stopping in (False, True):
        theirs, ours = pair(target, warm_start=True, early_stopping=stopping, **RULES[rule])
        for estimator in (theirs, ours):
            estimator.fit(X, y).set_params(max_iter=5).fit(X, y)
        if not stopping:
            assert_same_course(theirs, ours)
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)
        np.testing.assert_allclose(ours.validation_scores_ or [], theirs.validation_scores_ or [], rtol=1e-9)


@pytest.mark.parametrize("target", ["labels", "numbers"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_sparse_table_goes_the_way_of_the_dense_one_block_by_block(
    target: str, shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.estimators.mlp_network._DENSE_NUMBERS", 40 * 7 + 1)  # a batch at a time
    sparse = scipy.sparse.csr_array(np.where(np.abs(X) > 0.7, X, 0))
    for solver in ("adam", "lbfgs"):
        for stopping in (False, True):
            _, ours = pair(target, solver=solver, early_stopping=stopping, shuffle=shuffle)
            dense = clone(ours).fit(sparse.toarray(), TARGETS[target])
            ours.fit(sparse, TARGETS[target])
            np.testing.assert_allclose(ours.predict(sparse), dense.predict(sparse.toarray()), rtol=1e-6, atol=1e-6)
            assert ours.loss_ == pytest.approx(dense.loss_, rel=1e-6 if solver == "lbfgs" else 1e-12)
    theirs, ours = pair(target, shuffle=shuffle)
    assert_same_course(theirs.fit(sparse, TARGETS[target]), ours.fit(sparse, TARGETS[target]))


@ONLY_WITH_WEIGHTS
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_lbfgs_begins_as_theirs_and_ends_as_low(target: str, activation: str) -> None:
    for weight in (None, WEIGHT):
        losses = []
        for max_iter in (1, 3, 5, 200):
            theirs, ours = pair(target, solver="lbfgs", max_iter=max_iter, activation=activation, alpha=5.0)
            theirs.fit(X, TARGETS[target], sample_weight=weight)
            ours.fit(X, TARGETS[target], sample_weight=weight)
            losses.append((ours.loss_, theirs.loss_))
        np.testing.assert_allclose(*zip(*losses[:-1], strict=True), rtol=1e-9)
        np.testing.assert_allclose(*losses[-1], rtol=0.05)


@pytest.mark.parametrize(
    "target", ["two classes", "classes", "several numbers", pytest.param("counts", marks=ONLY_WITH_WEIGHTS)]
)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_without_the_native_library_the_numpy_classes_go_the_same_way(
    target: str, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, native = pair(target, solver=solver, max_iter=6)
    numpy = clone(native)
    native.fit(X, TARGETS[target], sample_weight=WEIGHT)
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    numpy.fit(X, TARGETS[target], sample_weight=WEIGHT)
    assert numpy.loss_ == pytest.approx(native.loss_, rel=1e-9)
    np.testing.assert_allclose(numpy.coefs_[0], native.coefs_[0], rtol=1e-6, atol=1e-9)


def test_what_is_printed_is_what_they_print(capsys: pytest.CaptureFixture[str]) -> None:
    for options in ({"early_stopping": True}, RULES["adaptive"], {"tol": 0.5}):
        said = []
        for estimator in pair("classes", verbose=True, **options):
            estimator.fit(X, TARGETS["classes"])
            said.append(capsys.readouterr().out)
        assert said[0] == said[1]
        assert "Iteration 1, loss" in said[1]
