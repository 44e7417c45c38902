"""The checker holds a learner's own backward pass against the network's, and names the fault from its signature."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DataError, OptionError
from pellucid.insight.checker.given import read, refuse_shapes
from pellucid.insight.checker.report import BackwardReport
from pellucid.insight.checker.search import shapes
from pellucid.insight.checker.tape import Tape
from pellucid.insight.checker.verdict import Comparison
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import named


def compare_backward(
    mine: Any,
    network: Network,
    X: Any,
    y: Any,
    *,
    loss: Loss | str,
    returns: str = "gradient",
    learning_rate: float | None = None,
) -> BackwardReport:
    """Check a backward pass of your own; where it is wrong, name the fault, show the evidence, and the mend.

    Every known fault is the network's own backward with one step replaced, which predicts the wrong gradients that the
    fault gives. The simplest explanation that fits all of ``mine`` is reported: one kind of fault, or two at once.

    Parameters
    ----------
    mine : a function of (network, X, y), which gets copies and may change them, or its result: a mapping from parameter
        name, such as ``"0.weight"``, to an array of the parameter's shape; a bias may also have shape (1, n_outputs)
    network : the network whose weights your pass uses; left as it is, and run as in prediction (no dropout)
    X, y : (n_rows, n_inputs) and the target as the loss describes it
    loss : the loss that your pass differentiates, or its name
    returns : ``"gradient"`` for dLoss/dparameter, or ``"update"`` for the change of the weights by plain gradient
        descent, as the tutorials compute it (``y - output`` with ``+=``); a function may then also change the network
        that it gets, and return nothing
    learning_rate : above 0; what your pass multiplies by, needed for ``"update"``

    Raises `OptionError` for wrong keys and for what is no mapping, `ShapeError` for a shape that no known fault
    explains, and `DataError` for NaN and for what is no array of numbers. Your function's own errors pass through.

    >>> import numpy as np
    >>> from pellucid import Dense, Network, Sigmoid, compare_backward
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    >>> network = Network([Dense(1), Sigmoid()], n_inputs=2, rng=0)
    >>> def mine(network, X, y):
    ...     W, b = network.named_parameters.values()
    ...     z = X @ W + b
    ...     a = 1 / (1 + np.exp(-z))
    ...     dz = 2 * (a - y) / len(X) * z * (1 - z)
    ...     return {"0.weight": X.T @ dz, "0.bias": dz.sum(axis=0)}
    >>> report = compare_backward(mine, network, X, y, loss="squared_error")
    >>> report.verdict, report.faults[0].name
    ('known fault', 'derivative_given_z')
    >>> print(report.faults[0].mend)
    dz1 = da1 * a1 * (1 - a1)   # a1 = sigmoid(z1)
    """
    loss = named(Loss, loss, "compare_backward: loss")  # type: ignore[type-abstract]
    if not network.parameters.size:
        raise OptionError(f"compare_backward: {network!r} has nothing to learn; it expects a layer such as Dense.")
    _, gradient = network.copy().loss_and_gradient(X, y, loss)  # refuses X and y that do not fit
    rows = network.check_rows(X).astype(np.float64)
    if not (len(rows) and np.isfinite(rows).all() and np.isfinite(gradient).all()):
        raise DataError(
            "compare_backward: X has no rows, or X or the network's own gradient holds numbers that are not finite; "
            "give it at least one row of finite numbers, and weights that do not overflow."
        )
    given = read(mine, network, X, y, returns, learning_rate)
    tape = Tape(_in_float64(network), rows, loss.check_target(y, network.n_outputs), loss)
    comparison = Comparison(tape, given, learning_rate)
    refuse_shapes(given, network, shapes(tape, comparison.moves), y)
    return comparison.report()


def _in_float64(network: Network) -> Network:
    """Return the network in float64, so that the comparison adds no rounding of its own."""
    twin = Network.from_config({**network.to_config(), "dtype": "float64"})
    twin.parameters[...], twin.buffers[...], twin.initialized = network.parameters, network.buffers, True
    return twin
