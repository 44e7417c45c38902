"""Checks of what the network can express, by experiment: a twin with a hidden layer, or with biases, is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.activations import Identity, ReLU, Tanh
from pellucid.errors import DivergenceError
from pellucid.insight.doctor.examination import Examination, UnexaminedError
from pellucid.insight.doctor.report import Finding
from pellucid.layers import ActivationLayer, BatchNorm, Dense, LayerNorm
from pellucid.layers.base import Array, Layer, walk
from pellucid.losses import Penalty
from pellucid.network import Network
from pellucid.optimizers import LBFGS
from pellucid.options import from_config, options, to_config
from pellucid.training import EarlyStopping, train

ROWS = 2000  # of more rows, as many spread evenly: the loss of a small network is known from them to a few percent
ROWS_TO_SPLIT = 80  # from here on a half teaches the twins, a quarter says when to stop, and a quarter judges
STEPS = 200
NEURONS = 16
L2 = 0.003  # in units of the baseline's loss: without it, a twin learns a hundred rows by heart
BETTER = 0.25  # the share of the loss that the twin must save
UNSOLVED = 0.01  # of the baseline's loss: below, there is nothing to be gained


def no_hidden_layer(case: Examination) -> Iterator[Finding]:
    """A network without a bend, where a bend would help: XOR with a single layer."""
    if case.explained > 1 - UNSOLVED or not case.number_columns or _bends(case.network):
        return
    rows = _some_rows(case)
    X = case.x[rows][:, case.number_columns].astype(np.float64)
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    target = case.target[rows]
    split = len(rows) >= ROWS_TO_SPLIT
    if not split and any(len(np.unique(column)) > 2 for column in X.T):  # a truth table can be judged by its own rows
        raise UnexaminedError(f"{len(rows)} rows are too few to judge a twin by; it takes {ROWS_TO_SPLIT}")
    learn, stop, judge = (slice(0, None, 2), slice(1, None, 4), slice(3, None, 4)) if split else (slice(None),) * 3
    after = case.network.layers[case.last_weights + 1 :]
    end = [layer.function for layer in after if isinstance(layer, ActivationLayer)]
    found = {}
    bent: list[Any] = [Dense(NEURONS), Tanh()]
    for name, hidden in (("straight", []), ("bent", bent)):
        twin = Network([*hidden, Dense(case.network.n_outputs), *end], n_inputs=X.shape[1])
        _train(case, twin, (X[learn], target[learn]), (X[stop], target[stop]) if split else None)
        found[name] = float(case.loss.per_row(twin.predict(X[judge]), target[judge])[0].mean())
    if found["straight"] < UNSOLVED * case.baseline or found["bent"] > (1 - BETTER) * found["straight"]:
        return

    dense = [index for index, layer in enumerate(case.network.layers) if isinstance(layer, Dense)]
    several = len(dense) > 1
    change = (
        {index: [case.network.layers[index], ReLU()] for index in dense[:-1]}
        if several
        else {case.last_weights: [Dense(NEURONS), Tanh(), case.network.layers[case.last_weights]]}
    )
    yield Finding(
        "no hidden layer",
        "problem",
        (
            f"The network's {len(dense)} dense layers have no activation between them, and are together a single one. "
            if several
            else "The network has a single layer of weights, so its output moves in one direction along each column. "
        )
        + f"A twin with {NEURONS} hidden tanh neurons reaches a loss of {found['bent']:.3g}"
        + (" on rows that it has not seen" if split else "")
        + f", one without {found['straight']:.3g}: what is to be learned bends, as XOR does, and no straight line "
        "follows. " + ("Put an activation between the layers." if several else "Add a hidden layer."),
        case.rewritten(changes=change),
        {"loss_without": found["straight"], "loss_with": found["bent"], "baseline": case.baseline},
        layer=str(case.last_weights),
    )


def no_bias(case: Examination) -> Iterator[Finding]:
    """Dense layers without bias, where biases would save a good part of the loss."""
    layers = case.network.layers
    lacking = [
        index
        for index, layer in enumerate(layers)
        if isinstance(layer, Dense)
        and not layer.bias
        and not (index + 1 < len(layers) and isinstance(layers[index + 1], BatchNorm | LayerNorm))  # it has a shift
    ]
    if not lacking or case.explained > 1 - UNSOLVED:
        return
    rows = _some_rows(case)
    twins = {with_bias: _twin(case.network, lacking if with_bias else []) for with_bias in (False, True)}
    losses = {}
    for with_bias, twin in twins.items():
        _train(case, twin, (case.x[rows].astype(np.float64), case.target[rows]))
        outputs = twin.predict(case.x[rows])
        losses[with_bias] = float(case.loss.per_row(outputs, case.target[rows])[0].mean())
    if losses[False] < UNSOLVED * case.baseline or losses[True] > (1 - BETTER) * losses[False]:
        return
    changes = {index: [_with_bias(layers[index])] for index in lacking}
    yield Finding(
        "no bias",
        "problem",
        f"Layer {', '.join(map(str, lacking))} has no bias, so a row of zeros always gives sums of 0. Trained on from "
        f"here, the network reaches a loss of {losses[False]:.3g}, and with biases {losses[True]:.3g}. Leave out "
        "bias=False, or give X a column of ones.",
        case.rewritten(changes=changes),
        {"loss_without": losses[False], "loss_with": losses[True]},
        layer=str(lacking[0]),
    )


def _bends(network: Network) -> bool:
    """Return whether anything before the last dense layer is no straight line."""
    dense = [index for index, layer in enumerate(network.layers) if isinstance(layer, Dense)]
    last = dense[-1] if dense else 0
    return not dense or any(
        (isinstance(inner, ActivationLayer) and not isinstance(inner.function, Identity))
        or isinstance(inner, LayerNorm)
        for layer in network.layers[:last]
        for _, inner in walk(layer)
    )


def _some_rows(case: Examination) -> Array:
    n_rows = len(case.x)
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, ROWS)).astype(np.int64))


def _train(
    case: Examination, network: Network, rows: tuple[Array, Array], stop: tuple[Array, Array] | None = None
) -> None:
    """Train on some rows, up to the step that is best on others, if there are any."""
    judged: dict[str, Any] = {}
    if stop is not None:
        judged = {"X_val": stop[0], "y_val": stop[1], "callbacks": [EarlyStopping(patience=STEPS)]}
        judged["penalty"] = Penalty(l2=L2 * case.baseline)
    try:
        train(network, *rows, loss=case.loss, optimizer=LBFGS(), epochs=STEPS, engine="numpy", **judged)
    except DivergenceError as error:
        raise UnexaminedError("a twin of the network, trained to compare, diverged") from error


def _twin(network: Network, lacking: list[int]) -> Network:
    """Return a copy in float64 whose layers at these positions have a bias, which starts at 0."""
    fresh = [from_config(Layer, to_config(layer)) for layer in network.layers]  # type: ignore[type-abstract]
    layers = [_with_bias(layer) if index in lacking else layer for index, layer in enumerate(fresh)]
    twin = Network(layers, network.n_inputs)
    for name, view in twin.named_parameters.items():
        view[...] = network.named_parameters.get(name, 0.0)
    for name, view in twin.named_buffers.items():
        view[...] = network.named_buffers[name]
    twin.initialized = True
    return twin


def _with_bias(layer: Any) -> Dense:
    given = {option.name: getattr(layer, option.name) for option in options(Dense)}
    return Dense(**{**given, "bias": True})
