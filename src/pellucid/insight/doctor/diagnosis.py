"""The diagnosis: every check looks at the network, its rows and its history, and the gravest findings come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pellucid.errors import NotInitializedError, OptionError
from pellucid.insight.doctor.answers import (
    class_imbalance,
    link_applied_twice,
    stuck_outputs,
    suspect_labels,
    target_out_of_reach,
)
from pellucid.insight.doctor.capacity import no_bias, no_hidden_layer
from pellucid.insight.doctor.columns import constant_columns, duplicated_columns, leaking_column, unscaled_inputs
from pellucid.insight.doctor.examination import Examination, UnexaminedError
from pellucid.insight.doctor.learning import learning_rate, overfitting
from pellucid.insight.doctor.neurons import dead_relus, saturated_neurons, symmetric_neurons, weights_not_finite
from pellucid.insight.doctor.report import SEVERITIES, Finding, Report
from pellucid.insight.doctor.slopes import gradients_by_layer
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import named
from pellucid.training import History

Check = Callable[[Examination], Iterable[Finding]]
CHECKS: dict[str, Check] = {
    "finite weights": weights_not_finite,
    "link": link_applied_twice,
    "reach of the outputs": target_out_of_reach,
    "symmetric neurons": symmetric_neurons,
    "dead ReLUs": dead_relus,
    "saturated neurons": saturated_neurons,
    "gradients by layer": gradients_by_layer,
    "hidden layer": no_hidden_layer,
    "bias": no_bias,
    "stuck outputs": stuck_outputs,
    "learning rate": learning_rate,
    "overfitting": overfitting,
    "leaking column": leaking_column,
    "scale of the inputs": unscaled_inputs,
    "class imbalance": class_imbalance,
    "constant columns": constant_columns,
    "duplicated columns": duplicated_columns,
    "suspect labels": suspect_labels,
}


def diagnose(
    network: Network,
    X: Any,
    y: Any,
    *,
    loss: Loss | str,
    history: History | None = None,
    column_names: Sequence[str] | None = None,
) -> Report:
    """Find out why a network does not learn, or what in its rows will mislead it; the network is left as it is.

    Each finding comes with its figures, the layer, neurons, columns or rows that it is about, and the line of code that
    mends it. Of more than 20,000 rows, as many spread evenly go through the network.

    Parameters
    ----------
    X, y : the rows it was trained on, (n_rows, n_inputs) and (n_rows,) or (n_rows, n_targets), as the loss describes
        its target
    loss : what it was trained with, or its name
    history : what `train` returned; without it, learning rate and overfitting are not examined
    column_names : n_inputs names for the columns of X, by default their numbers

    A fitted `TabularClassifier` or `TabularRegressor` ``model`` is examined on a table by ``diagnose(model.network_,
    model.encoder_.transform(table), model.target_.encode(y), loss=model.loss_, history=model.history_,
    column_names=model.encoder_.feature_names)``, which is what ``pellucid doctor`` does.

    Raises
    ------
    ShapeError, TargetError, DataError : X and y do not fit the network, the loss, or each other
    NotInitializedError, OptionError : the network has no weights, or an argument is something else

    >>> import numpy as np
    >>> from pellucid import BinaryCrossEntropy, Dense, Network, diagnose, train
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> network = Network([Dense(1)], n_inputs=2)
    >>> history = train(network, X, y, loss=BinaryCrossEntropy(), optimizer="adam", epochs=3000)
    >>> report = diagnose(network, X, y, loss=BinaryCrossEntropy(), history=history)
    >>> for finding in report.findings:
    ...     print(finding.severity, finding.name, round(finding.figures.get("loss_without", 0.0), 4))
    problem no hidden layer 0.6931
    problem stuck outputs 0.0
    """
    if not isinstance(network, Network):
        raise OptionError(
            f"diagnose: network got a {type(network).__name__}; it expects a Network. For a fitted estimator pass "
            "model.network_, with model.encoder_.transform(table) and model.target_.encode(y)."
        )
    if not network.initialized:
        raise NotInitializedError("diagnose: the network has no weights yet: call network.initialize(X), or train.")
    if not isinstance(history, History | None):
        raise OptionError(
            f"diagnose: history got a {type(history).__name__}; it expects the History of train, or None."
        )
    case = Examination(network, X, y, named(Loss, loss, "diagnose: loss"), history, column_names)  # type: ignore[type-abstract]
    findings: list[Finding] = []
    unexamined: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            findings += check(case)
        except UnexaminedError as error:
            unexamined[name] = str(error)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))  # stable
    examined = tuple(name for name in CHECKS if name not in unexamined)
    return Report(tuple(findings), _subject(case), examined, unexamined, _largest_losses(case))


def _largest_losses(case: Examination, most: int = 5) -> dict[int, float]:
    """Return the rows of largest loss, of those that a constant answer would fit better."""
    try:
        losses, baseline = case.row_losses, case.baseline
    except UnexaminedError:
        return {}
    order = np.argsort(-losses, kind="stable")[:most]
    return {int(case.rows[index]): float(losses[index]) for index in order if losses[index] > baseline}


def _subject(case: Examination) -> str:
    """Return what was examined, in a line."""
    n_rows, seen = len(case.X), len(case.x)
    rows = f"{n_rows:,} rows" if seen == n_rows else f"{seen:,} of {n_rows:,} rows"
    line = f"{len(case.network.layers)} layers with {case.network.parameters.size:,} parameters, on {rows}"
    try:
        loss = "loss per row (half the squared error)" if case.is_half_sum else "loss"
        return f"{line}: {loss} {case.value:.4g}, the best constant answer has {case.baseline:.4g}"
    except UnexaminedError as error:
        return f"{line}: {error}"
