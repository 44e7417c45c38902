"""A fitted multi-layer perceptron of scikit-learn becomes a network with the same weights."""

from __future__ import annotations

from typing import Any

from pellucid.activations import Activation, Identity, ReLU, Sigmoid, Softmax, Tanh
from pellucid.errors import ForeignModelError, NotInitializedError, OptionError, listed
from pellucid.importing.parts import Part, activated, build, dense
from pellucid.network import Network

ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "logistic": Sigmoid,
    "relu": ReLU,
    "softmax": Softmax,
    "tanh": Tanh,
}


def from_sklearn(mlp: Any) -> Network:
    """Return a fitted ``sklearn.neural_network.MLPClassifier`` or ``MLPRegressor`` as a `Network`.

    The network ends in the model's own output activation, so that ``network.predict(X)`` is what the model predicts:

    - a regressor's ``predict``, ``(n_rows, n_targets)``;
    - for several classes ``predict_proba``, ``(n_rows, n_classes)``, columns in the order of ``mlp.classes_``;
    - for two classes one column, the probability of ``mlp.classes_[1]``; for several labels one column each.

    The losses of this library take outputs before that activation: to train further, take the last layer off.

    Raises `OptionError` for another estimator, `NotInitializedError` for one that is not fitted, `ForeignModelError`
    for one whose output activation is no layer (the exponential of ``loss="poisson"``).

    >>> import numpy as np
    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> mlp = MLPRegressor(hidden_layer_sizes=4, activation="tanh", solver="lbfgs", random_state=0).fit(X, X[:, 0])
    >>> network = from_sklearn(mlp)
    >>> network.layers
    (Dense(4), Tanh(), Dense(1))
    >>> bool(np.allclose(network.predict(X)[:, 0], mlp.predict(X)))
    True
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import Pipeline

    if isinstance(mlp, Pipeline):
        raise OptionError(
            f"from_sklearn got a Pipeline ({', '.join(mlp.named_steps)}); it expects an MLPClassifier or MLPRegressor. "
            "Write from_sklearn(pipeline[-1]), and give the network what pipeline[:-1].transform(X) returns."
        )
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise OptionError(
            f"from_sklearn got {type(mlp).__name__}; it expects a fitted sklearn.neural_network.MLPClassifier or "
            "MLPRegressor."
        )
    if not hasattr(mlp, "coefs_"):
        raise NotInitializedError(f"from_sklearn: {mlp!r} has no weights yet: call fit before.")
    name = type(mlp).__name__
    parts: list[Part] = []
    functions = [*[mlp.activation] * (len(mlp.coefs_) - 1), mlp.out_activation_]
    for index, (weight, bias, function) in enumerate(zip(mlp.coefs_, mlp.intercepts_, functions, strict=True)):
        if function not in ACTIVATIONS:
            raise ForeignModelError(
                f"from_sklearn: {name} has the activation {function!r}; it expects one of {listed(ACTIVATIONS)}. "
                "No layer computes it: keep the model as it is."
            )
        place = f"layer {index} of {name}"
        parts.append(dense(weight, bias, place))
        if function != "identity":
            parts.append(activated(ACTIVATIONS[function](), place))
    return build(parts, name)
