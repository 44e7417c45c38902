"""Lowering writes a model as an export graph: raw columns, encoder, networks, their mean, calibration, outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

import pellucid
from pellucid.errors import DataError, NotInitializedError, OptionError
from pellucid.export.building import Builder
from pellucid.export.graph import (
    Above,
    Activate,
    Cast,
    Circle,
    Clip,
    Code,
    Column,
    Complement,
    Days,
    Graph,
    Join,
    Largest,
    Lookup,
    Missing,
    Output,
    Scale,
    Sign,
    Squeeze,
    Sum,
)
from pellucid.export.layers import add_network
from pellucid.insight.eject.estimators import target_names
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.tabular import ClassTarget, Encoder
from pellucid.tabular.conformal import Intervals
from pellucid.tabular.encodings import MISSING as MISSING_CODE
from pellucid.tabular.encodings import (
    BooleanEncoding,
    CategoryEncoding,
    ColumnEncoding,
    DateEncoding,
    NumberEncoding,
)

Parts = list[tuple[str, int]]
"""Values of an encoding, in the order of its features, each with its number of columns."""


DTYPES = {"float": "float32", "double": "float64"}


def lower(model: Any, *, coverage: float | None = None, precision: str | None = None) -> Graph:
    """Return the graph of a fitted table estimator, or of a bare `Network`.

    coverage : a regression also gives the ends of the interval of this coverage, such as 0.9
    precision : of the networks' arithmetic, "float" or "double"; by default their own

    Raises
    ------
    OptionError : for a model of another kind, or a layer that has no operation
    DataError, NotInitializedError : if there are no intervals, or none of this coverage
    """
    dtype = DTYPES[precision or precision_of(model)]
    return _network_graph(model, dtype) if isinstance(model, Network) else _estimator_graph(model, coverage, dtype)


def precision_of(model: Any) -> str:
    """Return in which precision a model's own networks compute; raise `OptionError` for a model of another kind."""
    if not isinstance(model, Network) and not (hasattr(model, "ensemble_") and hasattr(model, "encoder_")):
        raise OptionError(
            f"export: got {type(model).__name__}; it expects a fitted TabularClassifier or "
            "TabularRegressor, or a Network."
        )
    network = model if isinstance(model, Network) else model.network_
    return next(precision for precision, dtype in DTYPES.items() if network.dtype == dtype)


def _network_graph(network: Network, dtype: str) -> Graph:
    if not network.initialized:
        raise NotInitializedError("export: the network has no weights yet; train it, or call network.initialize(X).")
    builder = Builder((Column("x", "vector", network.n_inputs),))
    x = "x" if dtype == "float64" else builder.add(Cast, network.n_inputs, dtype, "x")
    outputs = add_network(builder, network, x, dtype)
    if outputs == "x":  # no layer does anything
        outputs = builder.add(Cast, network.n_outputs, dtype, "x")
    names = tuple(f"output {index}" for index in range(network.n_outputs)) if network.n_outputs > 1 else ("output",)
    sizes = "-".join(map(str, (network.n_inputs, *network.sizes[1:])))
    return builder.graph(f"a network {sizes}", (Output("outputs", outputs, "numbers", names),), _origin())


def _estimator_graph(estimator: Any, coverage: float | None, dtype: str) -> Graph:
    encoder: Encoder = estimator.encoder_
    builder = Builder(tuple(Column(encoding.name, encoding.kind) for encoding in encoder.encodings))
    matrix = add_encoder(builder, encoder, dtype, tuple(estimator.missing))
    predictions = _add_ensemble(builder, estimator, matrix, dtype)
    names = target_names(estimator.target_)
    title = f"{type(estimator).__name__} of {', '.join(names)}"
    outputs = (
        _add_classes(builder, estimator, predictions)
        if isinstance(estimator.target_, ClassTarget)
        else _add_numbers(builder, estimator, predictions, coverage, tuple(names))
    )
    if coverage is not None and isinstance(estimator.target_, ClassTarget):
        raise OptionError("export: coverage is for intervals of numbers; a classifier gives probabilities.")
    return builder.graph(title, outputs, _origin() | {"seed": str(estimator.seed_)})


def add_encoder(builder: Builder, encoder: Encoder, dtype: str, missing: tuple[str, ...]) -> str:
    """Add what makes the network's matrix of the raw columns; return its name. Arithmetic is float64 to the end.

    missing : texts that stand for a missing category, besides the empty one
    """
    values: list[tuple[str, str, int]] = []
    for encoding in encoder.encodings:
        parts = ENCODINGS[type(encoding)](builder, encoding, missing)
        groups = [feature.group for feature in encoding.features()]
        first = 0
        for value, size in parts:
            values.append((groups[first], value, size))
            first += size
    order = ("scaled", "bounded", "one_hot", "code")
    values.sort(key=lambda value: order.index(value[0]))  # stable, as the encoder's own order is
    return builder.add(Join, encoder.n_columns, dtype, tuple(value for _, value, _ in values))


def _number(builder: Builder, encoding: NumberEncoding, missing: tuple[str, ...]) -> Parts:
    scaled = builder.add(Squeeze, 1, "float64", encoding.name, encoding.center, encoding.scale)
    return [(scaled, 1), *_indicator(builder, encoding)]


def _boolean(builder: Builder, encoding: BooleanEncoding, missing: tuple[str, ...]) -> Parts:
    return [(builder.add(Sign, 1, "float64", encoding.name), 1), *_indicator(builder, encoding)]


def _date(builder: Builder, encoding: DateEncoding, missing: tuple[str, ...]) -> Parts:
    days = builder.add(Days, 1, "float64", encoding.name)
    scaled = builder.add(Squeeze, 1, "float64", days, encoding.center, encoding.scale)
    periods = ("year", "week", "day") if encoding.with_time else ("year", "week")
    circles = [(builder.add(Circle, 2, "float64", encoding.name, period), 2) for period in periods]
    return [(scaled, 1), *circles, *_indicator(builder, encoding)]


def _category(builder: Builder, encoding: CategoryEncoding, missing: tuple[str, ...]) -> Parts:
    code = builder.add(Code, 1, "float64", encoding.name, encoding.levels, tuple(dict.fromkeys(("", *missing))))
    if encoding.form == "code":
        return [(code, 1)]
    n = encoding.n_codes
    if encoding.form == "binary":
        parts = [np.array([[0.0], [0.0], [-1.0], [1.0]])]
    else:
        parts = [np.eye(n)[:, MISSING_CODE + 1 :]] if n > MISSING_CODE + 1 else []
    if encoding.missing_seen:
        parts.append(np.eye(n)[:, [MISSING_CODE]])
    return [(builder.add(Lookup, part.shape[1], "float64", code, part), part.shape[1]) for part in parts]


def _indicator(builder: Builder, encoding: ColumnEncoding) -> Parts:
    return [(builder.add(Missing, 1, "float64", encoding.name), 1)] if encoding.missing_seen else []


ENCODINGS: dict[type[ColumnEncoding], Any] = {
    BooleanEncoding: _boolean,
    CategoryEncoding: _category,
    DateEncoding: _date,
    NumberEncoding: _number,
}


def _add_ensemble(builder: Builder, estimator: Any, matrix: str, dtype: str) -> str:
    """Add the networks, links, mean and temperature, in float64 from the networks' outputs on."""
    ensemble, loss = estimator.ensemble_, estimator.loss_
    n = ensemble.networks[0].n_outputs
    linked = []
    for network in ensemble.networks:
        outputs = builder.add(Cast, n, "float64", add_network(builder, network, matrix, dtype))
        linked.append(_link(builder, loss, outputs, n))
    mean = linked[0] if len(linked) == 1 else builder.add(Sum, n, "float64", tuple(linked), tuple(ensemble.weights))
    if estimator.temperature_ == 1.0:
        return mean
    inverse = builder.add(Activate, n, "float64", mean, "log_odds" if loss.link == "sigmoid" else "log")
    factor = np.full(n, 1 / estimator.temperature_)
    return _link(builder, loss, builder.add(Scale, n, "float64", inverse, factor, np.zeros(n)), n)


def _link(builder: Builder, loss: Loss, outputs: str, n: int) -> str:
    return outputs if loss.link == "identity" else builder.add(Activate, n, "float64", outputs, loss.link)


def _add_classes(builder: Builder, estimator: Any, probabilities: str) -> tuple[Output, ...]:
    target = estimator.target_
    labels = tuple(target.classes.tolist())
    n = len(labels)
    if target.is_multilabel:
        names = tuple(target_names(target))
        held = builder.add(Above, n, "float64", probabilities, 0.5)
        return (
            Output("probabilities", probabilities, "probabilities", names),
            Output("labels", held, "labels", names),
        )
    if estimator.ensemble_.networks[0].n_outputs == 1:
        probabilities = builder.add(Complement, 2, "float64", probabilities)
    label = builder.add(Largest, 1, "float64", probabilities)
    return (
        Output("probabilities", probabilities, "probabilities", labels),
        Output("label", label, "label", labels),
    )


def _add_numbers(
    builder: Builder, estimator: Any, standardized: str, coverage: float | None, names: tuple[str, ...]
) -> tuple[Output, ...]:
    target = estimator.target_
    n = len(target.mean)

    def decoded(shift: Array) -> str:
        return builder.add(Scale, n, "float64", standardized, target.deviation.copy(), target.mean + shift)

    prediction = builder.add(Clip, n, "float64", decoded(np.zeros(n)), target.low.copy(), target.high.copy())
    outputs = [Output("prediction", prediction, "numbers", names)]
    if coverage is not None:
        if not isinstance(estimator.conformal_, Intervals):
            raise DataError(
                "export: there are no out-of-sample predictions to measure coverage by: the model is a single network "
                "(members=1). Leave coverage out, or train a population."
            )
        reach = estimator.conformal_.half_width(coverage) * target.deviation
        outputs += [Output("low", decoded(-reach), "numbers", names), Output("high", decoded(reach), "numbers", names)]
    return tuple(outputs)


def _origin() -> dict[str, str]:
    return {"pellucid": pellucid.__version__}
