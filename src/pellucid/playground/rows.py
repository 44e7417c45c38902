"""The rows of an experiment: what enters the network, the target, and which rows test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import DataError, MissingColumnError, listed, near_miss
from pellucid.examples import single_layer
from pellucid.examples import xor as xor_example
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.playground.configuration import MOST_CLASSES, MOST_ROWS
from pellucid.playground.datasets import CLASSIC, REGRESSION, Draw
from pellucid.playground.formula import evaluate
from pellucid.random import Purpose, Random

if TYPE_CHECKING:
    import polars

    from pellucid.tabular import ClassTarget, Encoder, NumberTarget

MOST_INPUTS = 256


@dataclass(frozen=True)
class Rows:
    """What an experiment learns from.

    X : (n_rows, n_inputs); target : (n_rows,) codes of classes, int64, or numbers; is_test : (n_rows,)
    coordinates : (n_rows, 2), where the inputs are made of two coordinates by ``features``; else None
    codes : of inputs that are numbers of levels, how many levels each has, by column
    network, loss : those of the model that was opened, if one was
    table, encoder, coding : of a table, its rows with the target, what made X of them, and what made the target codes
        or standardized numbers
    """

    inputs: list[str]
    X: Array
    target: Array
    classes: list[str]
    is_test: Array
    features: list[str] = field(default_factory=list)
    coordinates: Array | None = None
    remarks: list[str] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    network: Network | None = None
    loss: Loss | None = None
    table: polars.DataFrame | None = None
    encoder: Encoder | None = None
    coding: ClassTarget | NumberTarget | None = None

    @property
    def task(self) -> str:
        """Return "classification" or "regression"."""
        return "classification" if self.classes else "regression"


def make_rows(
    data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame], models: Mapping[str, Any] | None = None
) -> Rows:
    """Return the rows that the section ``data`` of a configuration describes.

    tables, models : the tables and the fitted estimators at hand, by name
    """
    kind = data["kind"]
    if kind == "table":
        return _of_table(data, tables)
    if kind == "model":
        return _of_model(data, tables, models or {})
    if kind in ("xor_table", "single_layer_table"):
        example = xor_example if kind == "xor_table" else single_layer
        X = np.asarray(example.X, dtype=np.float64)
        target = np.asarray(example.y).ravel().astype(np.int64)
        if X.shape[1] == 2:
            return _of_points(X, target, ["0", "1"], data)
        names = [f"x{index + 1}" for index in range(X.shape[1])]
        return Rows(names, X, target, ["0", "1"], _parting(len(X), data))
    if kind == "points":
        if len(data["points"]) < 2:
            raise DataError(f"data: {len(data['points'])} points are drawn; draw at least two.")
        points = np.array(data["points"], dtype=np.float64)
        return _judged(points[:, :2], points[:, 2], data["task"], data)
    draw = Draw(data["seed"], data["n_rows"])
    if kind == "formula":
        X = np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
        judged = X + data["noise"] * np.column_stack([draw.uniform(-6, 6), draw.uniform(-6, 6)])
        return _judged(X, evaluate(data["formula"], {"x1": judged[:, 0], "x2": judged[:, 1]}), data["task"], data)
    X, target = CLASSIC[kind](draw, data["n_rows"], data["noise"])
    return _judged(X, target, "regression" if kind in REGRESSION else "classification", data)


def _judged(points: Array, target: Array, task: str, data: Mapping[str, Any]) -> Rows:
    """Return rows whose target is numbers, or codes of classes."""
    if task == "auto":
        whole = bool((target == np.round(target)).all())
        task = "classification" if whole and target.min() >= 0 and target.max() < MOST_CLASSES else "regression"
    if task == "regression":
        return _of_points(points, target, [], data)
    codes = np.round(target)
    if codes.min() < 0 or codes.max() >= MOST_CLASSES:
        raise DataError(
            f"data: the classes run from {codes.min():g} to {codes.max():g}; they are the whole numbers from 0 to "
            f"{MOST_CLASSES - 1}. For other numbers choose regression."
        )
    n_classes = max(2, int(codes.max()) + 1)
    return _of_points(points, codes.astype(np.int64), [str(code) for code in range(n_classes)], data)


def _of_points(points: Array, target: Array, classes: list[str], data: Mapping[str, Any]) -> Rows:
    names = list(data["features"])
    return Rows(
        names, featured(points, names), target, classes, _parting(len(points), data), features=names, coordinates=points
    )


def featured(points: Array, names: list[str]) -> Array:
    """Return the features of points, ``(n_rows, n_features)``."""
    x1, x2 = points.T
    known = {
        "x1": x1, "x2": x2, "x1²": x1 * x1, "x2²": x2 * x2, "x1x2": x1 * x2, "sin x1": np.sin(x1), "sin x2": np.sin(x2)
    }  # fmt: skip
    return np.column_stack([known[name] for name in names])


def _parting(n_rows: int, data: Mapping[str, Any]) -> Array:
    """Return which rows test: a share of them, and never so many that none is left to learn from."""
    n_test = min(round(data["test_share"] * n_rows), n_rows - 1)
    is_test = np.zeros(n_rows, dtype=bool)
    is_test[Random(data["seed"], Purpose.SHUFFLE).permutation(n_rows)[:n_test]] = True
    return is_test


def _of_table(data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame]) -> Rows:
    from pellucid.tabular import ClassTarget, Encoder, NumberTarget, infer_columns, infer_task

    name, target_name = data["table"], data["target"]
    table, remarks = _learnable(data, tables, target_name)
    y = table[target_name]
    task = data["task"] if data["task"] != "auto" else infer_task(y).task
    is_test = _parting(table.height, data)
    features = table.drop(target_name)
    # All rows say what a column holds, as in training by the command line: a part of them could say otherwise.
    declared = {column: kind for column, kind in data["kinds"].items() if column != target_name}
    _refuse_lost_texts(name, features, declared)
    kinds = {column.name: column.kind for column in infer_columns(features, declared) if column.is_used}
    encoder = Encoder(one_hot_limit=MOST_INPUTS, kinds=kinds).fit(features.filter(~is_test))
    remarks += encoder.remarks
    X = encoder.transform(features, np.float64)
    if X.shape[1] > MOST_INPUTS:
        raise DataError(f"{name} makes {X.shape[1]} inputs; the playground takes up to {MOST_INPUTS}: drop columns.")
    coding: ClassTarget | NumberTarget
    if task == "classification":
        coding = ClassTarget().fit(y, target_name)
        target, labels = coding.encode(y), [str(each) for each in coding.classes.tolist()]
        _refuse_many(name, target_name, len(labels))
    else:
        coding = NumberTarget().fit(y.to_numpy()[~is_test], target_name)
        target, labels = coding.encode(y)[:, 0], []
        remarks.append(_standardized(target_name))
    return Rows(
        list(encoder.feature_names),
        X,
        target,
        labels,
        is_test,
        remarks=remarks,
        table=table,
        encoder=encoder,
        coding=coding,
    )


def _of_model(data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame], models: Mapping[str, Any]) -> Rows:
    """Return a table's rows as a model's encoder reads them, with the model's strongest network."""
    from pellucid.insight.ledger.recording import twin
    from pellucid.tabular import ClassTarget
    from pellucid.tabular.encodings import UNKNOWN, CategoryEncoding
    from pellucid.tabular.target_names import names_of

    name = data["model"]
    if name not in models:
        there = f"there are {listed(models)}{near_miss(name, models)}" if models else "no model was given yet"
        raise DataError(f"data: no model {name!r}; {there}. Give the playground the file.")
    estimator = models[name]
    encoder, target = estimator.encoder_, estimator.target_
    names = names_of(target)
    if len(names) > 1:
        raise DataError(f"{name} predicts {len(names)} targets at once; the playground shows models of one.")
    table, remarks = _learnable(data, tables, names[0])
    X = encoder.transform(table, np.float64)
    if X.shape[1] > MOST_INPUTS:
        raise DataError(f"{name} has {X.shape[1]} inputs; the playground takes up to {MOST_INPUTS}.")
    for encoding in encoder.encodings:
        if isinstance(encoding, CategoryEncoding):
            unknown = int((encoding.codes(table[encoding.name]) == UNKNOWN).sum())
            if unknown:
                remarks.append(f"{encoding.name!r}: {unknown:,} rows hold values that {name} does not know")
    labels: list[str] = []
    codes = target.encode(table[names[0]])
    if isinstance(target, ClassTarget):
        labels = [str(each) for each in target.classes.tolist()]
        _refuse_many(name, names[0], len(labels))
    else:
        codes = codes[:, 0]
        remarks.append(_standardized(names[0]))
    remarks.append(f"{name} may have learned from test rows too: they are apart in the training on this page only")
    n_networks = len(estimator.ensemble_.networks)
    if n_networks > 1:
        remarks.append(f"of the {n_networks} networks of {name}, the one of the largest weight is shown")
    return Rows(
        list(encoder.feature_names),
        X,
        codes,
        labels,
        _parting(table.height, data),
        remarks=remarks,
        codes={column.column_index: column.n_codes for column in encoder.code_columns},
        network=twin(estimator.network_, np.float64),
        loss=estimator.loss_,
    )


def _learnable(
    data: Mapping[str, Any], tables: Mapping[str, polars.DataFrame], target: str
) -> tuple[polars.DataFrame, list[str]]:
    """Return the rows of a table whose target is known, so many as are taken, and what is to be said of that."""
    name = data["table"]
    if name not in tables:
        there = f"there are {listed(tables)}{near_miss(name, tables)}" if tables else "no table was given yet"
        raise DataError(f"data: no table {name!r}; {there}. Give the playground the file.")
    table = tables[name]
    if target not in table.columns:
        hint = near_miss(target, table.columns)
        raise MissingColumnError(f"{name} has no column {target!r} to learn; it has {listed(table.columns)}{hint}")
    remarks = []
    if table.height > MOST_ROWS:
        chosen = np.sort(Random(data["seed"], Purpose.SAMPLE).permutation(table.height)[:MOST_ROWS])
        remarks.append(f"{MOST_ROWS:,} of the {table.height:,} rows are used, drawn by the seed")
        table = table[chosen]
    y = table[target]
    if y.null_count():
        remarks.append(f"{y.null_count():,} rows without {target!r} are left out")
        table = table.filter(y.is_not_null())
    return table, remarks


def _refuse_lost_texts(name: str, table: polars.DataFrame, kinds: Mapping[str, str]) -> None:
    """Raise where a category was read as numbers: the codes 007 and 7 would be one level, and others in prediction."""
    for column, kind in kinds.items():
        if kind == "category" and column in table.columns and table[column].dtype.is_numeric():
            raise DataError(
                f"{name}: {column!r} was read as numbers, of which a category needs the texts; open the file with "
                f"pellucid playground DATA --target COLUMN --kind {column}=category."
            )


def _refuse_many(name: str, target: str, n_classes: int) -> None:
    if n_classes > MOST_CLASSES:
        raise DataError(f"{name}: {target!r} has {n_classes} classes; the playground shows up to {MOST_CLASSES}.")


def _standardized(target: str) -> str:
    return f"{target!r} is learned as its distance from the mean in standard deviations"
