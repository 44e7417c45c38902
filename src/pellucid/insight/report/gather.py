"""Gathering: a fitted estimator and a table go in, everything that the report tells comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import NotInitializedError
from pellucid.insight.dependence import Dependence, as_fitted, curve_names, partial_dependence
from pellucid.insight.doctor.estimators import diagnose_estimator
from pellucid.insight.doctor.report import Report
from pellucid.insight.importance import Importances, feature_importances
from pellucid.insight.pictures.diagram import plot_network
from pellucid.insight.report.explanation import ColumnStory, Explanation, WorstRow
from pellucid.insight.report.quality import COVERAGE, ClassQuality, NumberQuality, class_quality, number_quality
from pellucid.insight.report.screening import most_moving
from pellucid.layers.base import Array
from pellucid.tabular.frames import require_rows
from pellucid.tabular.splitting import require_same_height
from pellucid.tabular.target_values import as_array, is_missing
from pellucid.tabular.targets import ClassTarget

if TYPE_CHECKING:
    import polars

IMPORTANCE_ROWS = 2000
IMPORTANCE_CELLS = 2_000_000
REPEATS = 5
MOST_MEASURED = 40
"""Of more columns, those that move the strongest network's outputs most are shuffled."""
WIDE = 1000  # columns: of a wider table, reading it anew for each shuffle is what takes the time
FEW_MEASURED, FEW_REPEATS = 8, 2
MOST_DEPENDENCES = 6
MOST_WORST = 10
WORST_VALUES = 6
MOST_LABELS = 12
DOCTOR_CELLS = 20_000_000


def explain(estimator: Any, X: Any, y: Any = None, *, diagnosis: Any = None) -> Explanation:
    """Return the story of a fitted `TabularClassifier` or `TabularRegressor` and of a table, ready to be saved.

    Quality, with 95 % intervals; what the model relies on, and how; the rows it gets most wrong; its training; the
    doctor's findings; its network. Of large tables rows are sampled evenly, which the report says.

    Parameters
    ----------
    X : a raw table, (n_rows, n_columns); rows that the model was not trained on say more
    y : the true values, (n_rows,) or (n_rows, n_targets); rows where one is missing are predicted, not judged. None
        leaves out what takes true values.
    diagnosis : a `Report` of the doctor to be shown; None asks the doctor here

    Raises
    ------
    NotInitializedError : the estimator is not fitted
    DataError, TargetError, ShapeError : the table or the true values cannot be used

    >>> from pellucid import TabularClassifier, explain
    >>> table = {"size": [float(size) for size in range(60)]}
    >>> kinds = ["small" if size < 30 else "large" for size in range(60)]
    >>> model = TabularClassifier(random_state=0, members=1, epochs=40).fit(table, kinds)
    >>> story = explain(model, table, kinds)
    >>> story.n_judged, story.qualities[0].classes, story.html.startswith("<!doctype html>")
    (60, ('large', 'small'), True)
    """
    if not all(hasattr(estimator, name) for name in ("target_", "encoder_", "ensemble_")):
        raise NotInitializedError(
            f"explain got {type(estimator).__name__} without a network; it expects a TabularClassifier or "
            "TabularRegressor after fit(X, y)."
        )
    table = as_fitted(estimator, X)
    require_rows(table, "explaining a model")
    target = estimator.target_
    omissions: list[str] = []
    predicted = _predict(estimator, table)
    truth, judged = None, np.empty(0, dtype=np.int64)
    if y is not None:
        require_same_height(table.height, y, "")
        judged = rows_with_truth(y)
        if len(judged):
            truth = target.encode(as_array(y)[judged])
        if len(judged) < table.height:
            lacking = f"{table.height - len(judged):,} of {table.height:,} rows"
            omissions.append(f"{lacking} have no true value: they are predicted, and not judged.")
    names = target_names(target)
    seen = table[judged] if truth is not None else table
    qualities = () if truth is None else _qualities(estimator, names, truth, predicted[judged], seen, omissions)
    candidates = most_moving(estimator, seen, MOST_MEASURED if table.width <= WIDE else FEW_MEASURED)
    if len(candidates) < table.width:
        omissions.append(
            f"The model uses {table.width:,} columns; importance and dependence are measured of the {len(candidates)} "
            "that move the outputs of its strongest network most (the mean slope times the column's spread)."
        )
    importances = None
    if truth is not None and len(judged) > 1:
        importances = _importances(estimator, seen, as_array(y)[judged], candidates, omissions)
    if truth is not None:
        diagnosis = doctors_report(estimator, table, y, judged) if diagnosis is None else diagnosis
        n_seen = min(_most_for_the_doctor(estimator), len(judged))
        if n_seen < len(judged):
            omissions.append(f"The doctor saw {n_seen:,} of {len(judged):,} judged rows, spread evenly.")
    worst, loss_name = ((), "") if truth is None else _worst(estimator, seen, judged, truth, predicted, importances)
    plan = getattr(estimator, "plan_", None)
    receipt = _receipt(estimator)
    recorded = receipt.pop("plan", None) or {}
    reasons = getattr(plan, "reasons", None) or recorded.get("reasons", ())
    return Explanation(
        task=("labels" if target.is_multilabel else "classes") if isinstance(target, ClassTarget) else "numbers",
        targets=names,
        n_rows=table.height,
        n_judged=len(judged),
        columns=_columns(estimator, table),
        answers=_answers(estimator, names, predicted),
        qualities=qualities,
        importances=importances,
        dependences=_dependences(estimator, seen, importances, candidates, omissions),
        worst=worst,
        loss_name=loss_name,
        diagnosis=diagnosis,
        diagram=plot_network(estimator.network_, neurons=8, column_names=estimator.encoder_.feature_names),
        receipt=receipt,
        members=tuple(estimator.members_),
        reasons=tuple(reasons.values() if isinstance(reasons, dict) else reasons),
        remarks=tuple(estimator.remarks_),
        omissions=tuple(omissions),
        estimator=estimator,
    )


def doctors_report(estimator: Any, table: polars.DataFrame, y: Any, judged: Array) -> Report:
    """Return what the doctor finds in the rows that have true values, of many as many spread evenly as it takes."""
    rows = judged[_evenly(len(judged), _most_for_the_doctor(estimator))]
    return diagnose_estimator(estimator, table[rows].to_dict(), estimator.target_.encode(as_array(y)[rows]))


def _most_for_the_doctor(estimator: Any) -> int:
    return max(DOCTOR_CELLS // int(estimator.encoder_.n_columns), 1)


def target_names(target: Any) -> tuple[str, ...]:
    """Return the names of the targets, as far as the model knows them."""
    import ast

    several = target.is_multilabel if isinstance(target, ClassTarget) else not target.is_single
    count = (len(target.classes) if isinstance(target, ClassTarget) else len(target.mean)) if several else 1
    try:
        found = ast.literal_eval(target.name.partition(" ")[2])
    except (SyntaxError, ValueError):
        return tuple(f"target {place}" for place in range(count)) if several else ("the target",)
    names = (found,) if isinstance(found, str) else tuple(map(str, found))
    return names if len(names) == count else tuple(f"target {place}" for place in range(count))


def _predict(estimator: Any, table: polars.DataFrame) -> Array:
    """Return probabilities, (n_rows, n_classes or n_labels), or numbers, (n_rows, n_targets)."""
    if isinstance(estimator.target_, ClassTarget):
        return np.asarray(estimator.predict_proba(table.to_dict()))
    found = np.asarray(estimator.predict(table.to_dict()))
    return found[:, None] if found.ndim == 1 else found


def rows_with_truth(y: Any) -> Array:
    """Return the numbers of the rows that have all their true values."""
    values = as_array(y)
    lacking = is_missing(values)
    return np.flatnonzero(~(lacking if lacking.ndim == 1 else lacking.any(axis=1)))


def _qualities(
    estimator: Any, names: Sequence[str], truth: Array, predicted: Array, table: polars.DataFrame, omissions: list[str]
) -> tuple[ClassQuality | NumberQuality, ...]:
    target = estimator.target_
    found: list[ClassQuality | NumberQuality]
    has_sets = estimator.conformal_ is not None
    if not isinstance(target, ClassTarget):
        numbers = target.decode(truth).reshape(len(truth), -1)
        ends = _covered(lambda: estimator.predict_interval(table.to_dict(), COVERAGE), has_sets, omissions)
        ends = None if ends is None else ends.reshape(len(truth), -1, 2)
        shown = range(min(len(names), MOST_LABELS))
        found = [
            number_quality(names[k], numbers[:, k], predicted[:, k], None if ends is None else ends[:, k])
            for k in shown
        ]
    elif target.is_multilabel:
        shown = range(min(len(names), MOST_LABELS))
        pairs = [np.stack([1 - predicted[:, k], predicted[:, k]], axis=1) for k in shown]
        found = [class_quality(names[k], ("no", "yes"), truth[:, k].astype(np.int64), pairs[k]) for k in shown]
    else:
        sets = _covered(lambda: estimator.predict_sets(table.to_dict(), COVERAGE), has_sets, omissions)
        return (class_quality(names[0], target.classes.tolist(), truth, predicted, sets),)
    if len(found) < len(names):
        omissions.append(f"Quality is shown of the first {len(found)} of {len(names):,} targets.")
    return tuple(found)


def _covered(predict: Any, is_known: bool, omissions: list[str]) -> Array | None:
    from pellucid.errors import DataError

    if not is_known:
        return None
    try:
        return np.asarray(predict())
    except DataError as error:  # too few training rows for this coverage
        omissions.append(f"There are no {COVERAGE:.0%} intervals: {error}")
        return None


def _importances(
    estimator: Any, table: polars.DataFrame, y: Array, columns: Sequence[str], omissions: list[str]
) -> Importances | None:
    most = int(np.clip(IMPORTANCE_CELLS // table.width, 100, IMPORTANCE_ROWS))
    rows = _evenly(table.height, most)
    if len(rows) < table.height:
        omissions.append(f"Importance is measured on {len(rows):,} of {table.height:,} judged rows, spread evenly.")
    repeats = REPEATS if table.width <= WIDE else FEW_REPEATS
    found = feature_importances(estimator, table[rows].to_dict(), y[rows], repeats=repeats, columns=columns)
    if np.isfinite(found.losses).all():
        return found
    omissions.append(
        "Importance cannot be told: the model gives some row's true class a probability of exactly 0, so the log-loss "
        "is infinite with the columns as they are, or shuffled."
    )
    return None


def _dependences(
    estimator: Any,
    table: polars.DataFrame,
    importances: Importances | None,
    candidates: Sequence[str],
    omissions: list[str],
) -> tuple[Dependence, ...]:
    """Return the dependence on the most important columns, or without importances on those that move most."""
    if importances is not None:
        names = [importances.columns[index] for index in importances.ranking if importances.means[index] > 0]
    else:
        names = list(candidates)
    found = [partial_dependence(estimator, table.to_dict(), name) for name in names[:MOST_DEPENDENCES]]
    if found and found[0].n_rows < table.height:
        omissions.append(f"Dependence is averaged over {found[0].n_rows:,} of {table.height:,} rows, spread evenly.")
    cut = [each for each in found if len(each.labels) < table[each.column].n_unique() and len(each.shares)]
    if cut:
        said = ", ".join(f"{len(each.labels)} of {table[each.column].n_unique():,} of {each.column!r}" for each in cut)
        omissions.append(f"Of a column with many categories, dependence shows the most frequent: {said}.")
    n_curves = len(curve_names(estimator))
    if found and len(found[0].curves) < n_curves:
        which = "that are predicted most" if isinstance(estimator.target_, ClassTarget) else "that come first"
        omissions.append(f"Dependence shows the {len(found[0].curves)} of {n_curves:,} answers {which}.")
    return tuple(found)


def _worst(
    estimator: Any,
    table: polars.DataFrame,
    judged: Array,
    truth: Array,
    predicted: Array,
    importances: Importances | None,
) -> tuple[tuple[WorstRow, ...], str]:
    """Return the rows of the largest loss, and what the loss is."""
    target, found = estimator.target_, predicted[judged]
    rows = np.arange(len(judged))
    if not isinstance(target, ClassTarget):
        standardized = np.abs(target.decode(truth).reshape(found.shape) - found) / target.deviation
        losses, name = standardized.sum(axis=1), "error, in standard deviations of the target"
        said = [", ".join(f"{value:.6g}" for value in line) for line in target.decode(truth).reshape(found.shape)]
        answers = [", ".join(f"{value:.6g}" for value in line) for line in found]
    elif target.is_multilabel:
        right = np.where(truth > 0.5, found, 1 - found)
        with np.errstate(divide="ignore"):
            losses, name = -np.log(right).sum(axis=1), "−ln of the labels' probability"
        said = [", ".join(f"{value:.0f}" for value in line) for line in truth]
        answers = [", ".join(f"{value:.2f}" for value in line) for line in found]
    else:
        classes = target.classes.tolist()
        own = found[rows, truth]
        with np.errstate(divide="ignore"):
            losses, name = -np.log(own), "−ln of the true class's probability"
        best = found.argmax(axis=1)
        said = [str(classes[code]) for code in truth]
        answers = [f"{classes[code]} ({found[row, code]:.1%})" for row, code in zip(rows, best, strict=True)]
    order = np.argsort(-losses, kind="stable")[:MOST_WORST]
    names = table.columns
    if importances is not None:
        names = [importances.columns[index] for index in importances.ranking]
    shown = table.select(names[:WORST_VALUES])
    return (
        tuple(
            WorstRow(
                int(judged[row]), float(losses[row]), said[row], answers[row], _texts(shown.row(int(row), named=True))
            )
            for row in order
        ),
        name,
    )


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
    }


def _columns(estimator: Any, table: polars.DataFrame) -> tuple[ColumnStory, ...]:
    known = {column.name: column for column in estimator.encoder_.columns}
    return tuple(
        ColumnStory(
            encoding.name,
            encoding.kind,
            table[encoding.name].null_count() / table.height,
            known[encoding.name].n_distinct,
            known[encoding.name].examples,
        )
        for encoding in estimator.encoder_.encodings
    )


def _answers(estimator: Any, names: Sequence[str], predicted: Array) -> dict[str, float]:
    """Return the share of rows of which each class is predicted, the most frequent first; of numbers the quartiles."""
    target = estimator.target_
    if not isinstance(target, ClassTarget):
        quantiles = {
            "lowest": 0.0,
            "a quarter below": 0.25,
            "half below": 0.5,
            "three quarters below": 0.75,
            "highest": 1.0,
        }
        several = len(names) > 1
        return {
            f"{said}{f' of {name}' if several else ''}": float(np.quantile(predicted[:, place], level))
            for place, name in enumerate(names[:MOST_LABELS])
            for said, level in quantiles.items()
        }
    if target.is_multilabel:
        return {name: float((predicted[:, place] > 0.5).mean()) for place, name in enumerate(names)}
    counts = np.bincount(predicted.argmax(axis=1), minlength=predicted.shape[1])
    order = np.argsort(-counts, kind="stable")
    classes = target.classes.tolist()
    return {str(classes[code]): float(counts[code] / len(predicted)) for code in order}


def _receipt(estimator: Any) -> dict[str, Any]:
    from pellucid.model.receipt import receipt

    return {**receipt(estimator), **getattr(estimator, "receipt_", {})}


def _evenly(count: int, most: int) -> Array:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
