"""``pellucid evaluate``: how well a model predicts a table whose true values are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.arguments import Data, Json, Model

if TYPE_CHECKING:
    from pellucid.cli.scores import Scores
    from pellucid.cli.source import Source
    from pellucid.layers.base import Array

MOST_CLASSES = 10


def evaluate(model: Model, data: Data, json: Json = False) -> int:
    """Score a model on a table that has the target column.

    Scores mean something on rows that the model was not trained on.
    """
    from pellucid.cli.display import Display, confusion_table, counted, scores_table
    from pellucid.cli.ensemble import noun
    from pellucid.cli.scores import confusion
    from pellucid.cli.targets import names_of
    from pellucid.model import load
    from pellucid.tabular import ClassTarget

    display = Display(as_json=json)
    estimator = load(model)
    target = estimator.target_
    classifies = isinstance(target, ClassTarget)
    names = names_of(target)
    source, y, prediction, found = evaluated(estimator, data)
    rows = source.table.height
    display.say(
        f"{model} on {data}: {counted(rows, 'row')}, {'target' if len(names) == 1 else 'targets'} {', '.join(names)}"
    )
    display.say()
    display.show(scores_table({noun(estimator): found}))
    document: dict[str, Any] = {
        "model": str(model),
        "data": str(data),
        "rows": rows,
        "targets": names,
        "metrics": found,
    }
    if classifies and not target.is_multilabel and len(target.classes) <= MOST_CLASSES:
        counts = confusion(target, y, prediction)
        display.say()
        display.show(confusion_table(counts, target.classes.tolist()))
        document["confusion"] = {"classes": target.classes.tolist(), "rows_true_columns_predicted": counts.tolist()}
    display.finish(document)
    return 0


def evaluated(estimator: Any, data: Path) -> tuple[Source, Any, Array, Scores]:
    """Return a table read for a model, the true values, what is predicted, and how well they fit."""
    from pellucid.cli.rows import read_rows
    from pellucid.cli.scores import predicted, scores
    from pellucid.cli.targets import names_of, take_target
    from pellucid.tabular import ClassTarget

    target, names = estimator.target_, names_of(estimator.target_)
    source = read_rows(estimator, data, with_target=True)
    with source.locating():
        y = take_target(source.table, names, "classification" if isinstance(target, ClassTarget) else "regression")
        target.encode(y)  # a value that cannot be scored is found before the work
        prediction = predicted(estimator, source.table)
        return source, y, prediction, scores(target, names, y, prediction)
