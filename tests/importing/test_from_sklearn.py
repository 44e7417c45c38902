"""A fitted perceptron of scikit-learn as a network: the same predictions, and what cannot be one."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid import Dense, ReLU, Sigmoid, SquaredError, from_sklearn, train
from pellucid.errors import ForeignModelError, NotInitializedError, OptionError
from tests.importing.output_rounding import output_rounding

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
CASES: dict[str, tuple[Any, Any]] = {
    "two classes": (MLPClassifier, np.where(X[:, 0] > X[:, 1], "yes", "no")),
    "three classes": (MLPClassifier, CLASSES),
    "labels": (MLPClassifier, (X[:, :2] > 0).astype(int)),
    "a number": (MLPRegressor, X[:, 0] * X[:, 1]),
    "numbers": (MLPRegressor, X[:, :2] ** 2),
}


def fitted(estimator: Any, y: Any, rows: Any = X, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(**{"hidden_layer_sizes": (5, 4), "max_iter": 30, "random_state": 0, **options}).fit(rows, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("case", CASES)
def test_the_network_predicts_what_the_model_predicts(case: str, activation: str, dtype: str) -> None:
    estimator, y = CASES[case]
    rows = X.astype(dtype)
    mlp = fitted(estimator, y, rows, activation=activation)
    network = from_sklearn(mlp)
    expected = mlp.predict_proba(rows) if estimator is MLPClassifier else mlp.predict(rows).reshape(len(rows), -1)
    expected = expected[:, 1:] if case == "two classes" else expected
    outputs = network.predict(rows)
    assert network.dtype == dtype
    assert outputs.shape == expected.shape
    assert (np.abs(outputs - expected) <= output_rounding(network, rows)).all()


def test_the_layers_are_those_of_the_model() -> None:
    network = from_sklearn(fitted(*CASES["two classes"]))
    assert repr(network.layers) == repr((Dense(5), ReLU(), Dense(4), ReLU(), Dense(1), Sigmoid()))


def test_a_model_without_hidden_layers_is_one_layer() -> None:
    mlp = fitted(*CASES["a number"], hidden_layer_sizes=())
    assert tuple(from_sklearn(mlp).sizes) == (3, 1)


def test_training_the_network_leaves_the_model_alone() -> None:
    mlp = fitted(*CASES["a number"])
    before = mlp.predict(X)
    network = from_sklearn(mlp)
    history = train(network, X, X[:, 0] * X[:, 1], loss=SquaredError(), optimizer="adam", epochs=20)
    assert history["loss"][-1] < history["loss"][0]
    assert (mlp.predict(X) == before).all()


def test_a_poisson_regressor_is_refused_because_no_layer_is_an_exponential() -> None:
    mlp = fitted(MLPRegressor, np.exp(X[:, 0]), loss="poisson")
    with pytest.raises(ForeignModelError, match="activation 'exp'"):
        from_sklearn(mlp)


def test_a_pipeline_is_refused_with_what_to_write() -> None:
    pipeline = make_pipeline(StandardScaler(), fitted(*CASES["a number"]))
    with pytest.raises(OptionError, match=r"from_sklearn\(pipeline\[-1\]\)"):
        from_sklearn(pipeline)


def test_another_estimator_is_refused() -> None:
    with pytest.raises(OptionError, match="got LogisticRegression; it expects a fitted"):
        from_sklearn(LogisticRegression())


def test_a_model_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(NotInitializedError, match="call fit before"):
        from_sklearn(MLPClassifier())


def test_a_model_that_diverged_is_refused() -> None:
    mlp = fitted(*CASES["a number"])
    mlp.coefs_[1][2, 1] = np.nan
    with pytest.raises(ForeignModelError, match="layer 1 of MLPRegressor has a weight that is NaN"):
        from_sklearn(mlp)
