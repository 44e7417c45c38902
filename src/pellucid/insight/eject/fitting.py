"""The start of an estimator's training, found again from the table that it was fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine import forward
from pellucid.errors import OptionError
from pellucid.estimators.recipe import plan_training
from pellucid.estimators.single import beginning
from pellucid.insight.eject.recipe import Recipe, recipe_of
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.random import Random
from pellucid.tabular import Encoder, infer_columns, to_table
from pellucid.tabular.splitting import Rows, checked_weight, require_same_height, split_rows
from pellucid.tabular.target_values import as_array


class OtherRowsError(OptionError):
    """The rows are not those that the estimator learned from."""


def refuse_population(estimator: Any) -> None:
    """Raise `OptionError` for an estimator that trained a population."""
    if estimator.members_:
        raise OptionError(
            f"eject: this {type(estimator).__name__} trained a population, networks on folds of the rows, stopped the "
            "weaker ones and chose among the others; a page trains one network, step by step. Eject without training, "
            "or fit with members=1 (pellucid train --members 1) and eject that."
        )


@dataclass(frozen=True)
class Start:
    """What an estimator's last training began with; ``rows`` are the row numbers of the table, None for all."""

    network: Network
    recipe: Recipe
    rows: Array | None


def start_of(
    estimator: Any, X: Any = None, y: Any = None, sample_weight: Any = None, rows: Any = None, **others: Any
) -> Start:
    """Return what the estimator's last training began with, from the table that it was fitted on.

    Raises `OptionError` for another table, and for a training that was cut short within an epoch.
    """
    if others or X is None or y is None:
        got = f"got {', '.join(others)}" if others else "got no table"
        raise OptionError(
            f"eject: training an estimator {got}; it takes X and y, and sample_weight and rows if need be."
        )
    table = to_table(X, missing=estimator.missing)
    require_same_height(table.height, y, "")
    numbers = np.arange(table.height) if rows is None else _row_numbers(rows, table.height)
    kinds = {c.name: c.kind for c in infer_columns(table[numbers], estimator.kinds) if c.is_used}
    weight = checked_weight(sample_weight, table.height, "sample_weight")
    if weight is not None:
        numbers = numbers[weight[numbers] > 0]
        weight = checked_weight(np.asarray(sample_weight, dtype=np.float64)[numbers], len(numbers), "sample_weight")
    target = type(estimator.target_)().fit(as_array(y)[numbers])
    learned = Rows(table[numbers], target.encode(as_array(y)[numbers]), weight)
    told, stay = _told(estimator), np.arange(len(numbers))
    if told["training_rows"] != len(numbers):
        strata = learned.target if learned.target.dtype.kind == "i" else None
        stay, _ = split_rows(len(numbers), estimator.validation_share, Random(estimator.seed_), strata)
    if not estimator.refitted_:
        learned, numbers = learned.take(stay), numbers[stay]
    encoder = Encoder(
        one_hot_limit=estimator.one_hot_limit, min_category_count=estimator.min_category_count, kinds=kinds
    ).fit(learned.table)
    own, target.name = estimator.encoder_, estimator.target_.name
    alike = (encoder.to_json(), target.to_json()) == (own.to_json(), estimator.target_.to_json())
    if len(stay) != told["training_rows"] or not alike:
        raise OtherRowsError(
            f"eject: {len(numbers):,} rows of X are not those that the estimator learned from: their columns would be "
            "encoded in another way. Pass the table and target that fit got, in the same order, and its sample_weight; "
            "if it was fitted on some of the rows, say which: rows=[...]."
        )
    plan = plan_training(told["training_rows"], batch_size=estimator.batch_size, epochs=estimator.epochs)
    network, arguments = beginning(estimator, encoder, learned, Random(estimator.seed_), plan)
    if not network.initialized:  # the bins of an embedding need rows
        network.initialize(arguments["X"])
    recipe = recipe_of(network, {**arguments, "epochs": estimator.best_epoch_})
    if not network.initialized:  # the edges of bins are quantiles of the rows, and training draws all weights then
        network.initialize(recipe.samples.x, forward=forward)
    whole = len(numbers) == table.height and bool((numbers == np.arange(table.height)).all())
    return Start(network, recipe, None if whole else numbers)


def _row_numbers(rows: Any, height: int) -> Array:
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not ((numbers >= 0) & (numbers < height)).all():
        raise OptionError(f"eject: rows got {rows!r:.80}; it expects row numbers from 0 to {height - 1}.")
    return numbers.astype(np.int64)


def _told(estimator: Any) -> dict[str, Any]:
    """Return how many rows the first training had; raise where it cannot be repeated step by step."""
    if "playground" in getattr(estimator, "receipt_", {}):
        raise OptionError(
            "eject: the model was taken out of the playground, which trains in another way than fit; take out the run "
            "as a Python script there, or eject without training."
        )
    stopped = estimator.history_.stopped_by
    ended_early = bool(stopped) and not stopped.startswith("early stopping")
    if ended_early and estimator.best_epoch_ == len(estimator.history_) and not estimator.refitted_:
        raise OptionError(
            f"eject: training was stopped by {stopped} in the epoch whose weights were kept, so it cannot be repeated "
            "step by step. Fit without a time budget, or eject without training."
        )
    rows = estimator.plan_.n_rows if hasattr(estimator, "plan_") else estimator.receipt_["training_rows"]
    return {"training_rows": int(rows)}
