"""What ``pellucid train`` does once its words are understood: read, say, hold out, fit, save, judge."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli.baselines import baselines
from pellucid.cli.display import (
    MOST_COLUMNS,
    Display,
    columns_summary,
    columns_table,
    counted,
    note,
    number,
    scores_table,
    size,
)
from pellucid.cli.interruption import Interruption
from pellucid.cli.output import check_output
from pellucid.cli.remarks import remarks
from pellucid.cli.room import Room
from pellucid.cli.scores import Scores, predicted, scores
from pellucid.cli.source import Source
from pellucid.cli.targets import choose_task, keep_names, new_target, refuse_no_features, take_target
from pellucid.estimators import TabularClassifier, TabularRegressor
from pellucid.random import Random
from pellucid.tabular import Column, Task, infer_columns
from pellucid.tabular.splitting import split_rows
from pellucid.tabular.values import to_text
from pellucid.training import Callback
from pellucid.training.metrics import metric_for

if TYPE_CHECKING:
    import polars

OTHER_BYTES = 20_000  # of a model file besides weights and what it knows of columns: history, network, receipt


@dataclasses.dataclass(frozen=True)
class Order:
    """What was asked for; ``options`` are those of the estimator that were given."""

    data: Path
    targets: tuple[str, ...]
    output: Path
    test: Path | None
    test_share: float
    seed: int
    task: str
    kinds: dict[str, str]
    missing: tuple[str, ...]
    drop: tuple[str, ...]
    options: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Material:
    """The tables that the order names, understood: rows to learn from, and rows to judge by, if any."""

    columns: list[Column]
    task: Task
    table: polars.DataFrame
    y: Any
    test: polars.DataFrame | None
    test_y: Any
    test_source: Source


def run(order: Order, *, force: bool, as_json: bool) -> int:
    """Carry out the order and return the exit code."""
    display = Display(as_json=as_json)
    material = prepare(order, display)
    interruption = Interruption()
    with interruption:
        estimator = fit(order, material, [interruption, Room(functools.partial(room, order, material, force=force))])
        digest = estimator.save(order.output, overwrite=force)
    rows = {
        "training": estimator.plan_.n_rows,
        "validation": material.table.height - estimator.plan_.n_rows,
        "test": 0 if material.test is None else material.test.height,
    }
    trained = describe(estimator, rows, display)
    if interruption.happened:
        display.say(f"interrupted: the best epoch so far, {estimator.best_epoch_}, is kept")
    display.say(f"saved {order.output} ({size(order.output.stat().st_size)})")
    display.say()
    try:
        found = judge(estimator, order, material, with_baselines=not interruption.happened)
    except KeyboardInterrupt:
        note(f"pellucid: interrupted; {order.output} is saved, and not evaluated")
        return 130
    if found is None:
        display.say("no rows were held out (--test-share 0), so there is no evaluation")
    else:
        display.say(f"on the {counted(rows['test'], 'row')} that it has not seen:")
        display.show(scores_table(found))
    display.say()
    say_next(display, order)
    display.finish(
        {
            "model": str(order.output),
            "sha256": digest,
            "data": str(order.data),
            "task": material.task.task,
            "reason": material.task.reason,
            "targets": list(order.targets),
            "columns": [dataclasses.asdict(column) for column in material.columns],
            "rows": rows,
            "seed": order.seed,
            **trained,
            "interrupted": interruption.happened,
            "metrics": found,
        }
    )
    return 130 if interruption.happened else 0


def describe(estimator: Any, rows: dict[str, int], display: Display) -> dict[str, Any]:
    """Say how training went, and return it."""
    history, plan, best = estimator.history_, estimator.plan_, estimator.best_epoch_
    loss = history["validation_loss"][history["epoch"].index(best)]
    ended = f", stopped by {history.stopped_by}" if history.stopped_by else ""
    took = f"trained in {estimator.fit_seconds_:.1f} s"
    for reason in plan.reasons:
        display.say(f"chosen: {reason}")
    if estimator.members_:
        networks = estimator.ensemble_.networks
        display.say(f"{took}: {counted(history['epoch'][-1], 'epoch')}{ended}")
        display.show(members_table(estimator))
        display.say(
            f"ensemble: {counted(len(networks), 'network')}, {estimator.ensemble_.size:,} parameters in all; on rows "
            f"that its networks have not seen, {metric_name(estimator)} {number(loss)}"
        )
        for remark in estimator.remarks_:
            display.say(f"note: {remark}")
    else:
        sizes = "-".join(map(str, estimator._single().hidden_layer_sizes)) or "no"
        display.say(
            f"of these rows, {rows['training']:,} are for training and {rows['validation']:,} find the best epoch"
        )
        display.say(f"network: {sizes} hidden neurons, {estimator.network_.parameters.size:,} parameters")
        display.say(
            f"{took}: {counted(len(history), 'epoch')}, the best one {best} (validation loss {number(loss)}){ended}"
        )
    if plan.refit:
        all_rows = rows["training"] + rows["validation"]
        display.say(
            f"trained again, on all {all_rows:,} rows to epoch {best}"
            if estimator.refitted_
            else f"the second training, on all {all_rows:,} rows, was cut short; the network is that of the first"
        )
    return {
        "refitted": estimator.refitted_,
        "choices": list(plan.reasons),
        "epochs": history["epoch"][-1],
        "networks": len(estimator.ensemble_.networks),
        "members": estimator.members_,
        "best_epoch": best,
        "validation_loss": loss,
        "stopped_by": history.stopped_by,
        "seconds": round(estimator.fit_seconds_, 3),
    }


def metric_name(estimator: Any) -> str:
    """Return the name of what the ensemble was chosen by."""
    task = "classification" if isinstance(estimator, TabularClassifier) else "regression"
    return metric_for(task, estimator.metric, "metric").name.replace("_", " ")


def members_table(estimator: Any) -> Any:
    """Return a table of the members: what they are, what they were worth by themselves, and how they are used."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("member", justify="right")
    table.add_column("layers")
    table.add_column("numbers")
    table.add_column("best alone", justify="right")
    table.add_column("outcome")
    for member in estimator.members_:
        given = member["configuration"]
        sizes = "-".join(map(str, given["hidden_layer_sizes"]))
        numbers = f"{given['n_bins']} bins" if given["numbers"] == "piecewise" else given["numbers"]
        best = f"{min(member['values']):.4g}" if member["values"] else ""
        used = ", ".join(f"epoch {epoch} × {count}" for epoch, count in member["used"].items())
        outcome = f"used: {used}" if used else member["stopped_by"] or "not needed"
        table.add_row(str(member["member"]), f"{sizes} {given['activation']}", numbers, best, outcome)
    return table


def prepare(order: Order, display: Display) -> Material:
    """Read the tables, check all that can be checked before training, and say what was understood."""
    targets, texts = list(order.targets), [name for name, kind in order.kinds.items() if kind == "category"]
    source = Source.read(order.data, missing=order.missing)
    source.require(targets, "which --target names")
    source.require(order.drop, "which --drop names")
    source.require(list(order.kinds), "which --kind names")
    if texts:
        source = Source.read(order.data, missing=order.missing, columns_as_text=texts)
    source.table = source.table.drop(order.drop)
    features = [name for name in source.table.columns if name not in targets]
    refuse_no_features(features, order.data)
    with source.locating():
        columns = infer_columns(source.table, {name: k for name, k in order.kinds.items() if name not in order.drop})
        display.say(f"{order.data}: {counted(source.table.height, 'row')}, {counted(len(columns), 'column')}")
        if len(columns) > MOST_COLUMNS:
            display.say(columns_summary(columns))
        display.say()
        display.show(columns_table(columns, targets, display.width))
        for remark in remarks(columns, source.table.height, targets):
            display.say(f"note: {remark}")
        display.say()
        task = choose_task(source.table, [column for column in columns if column.name in targets], order.task)
        y = take_target(source.table, targets, task.task)
        target = new_target(task.task).fit(y, ", ".join(targets))
        codes = target.encode(y)
    auto = " (--task overrides)" if order.task == "auto" else ""
    display.say(f"task: {task.task}, because {task.reason}{auto}")
    test_source = source
    table, test, test_y = source.table, None, None
    if order.test is not None:
        texts = [name for name in texts if name not in order.drop]
        test_source = Source.read(order.test, missing=order.missing, columns_as_text=texts)
        kinds = {c.name: c.kind for c in columns if c.is_used and c.name not in targets}
        test_source.require(list(kinds), "which training has")
        test_source.require(targets, "the target")
        with test_source.locating():
            test = test_source.table
            infer_columns(test.select(list(kinds)), kinds)
            test_y = take_target(test, targets, task.task)
            target.encode(test_y)
    elif order.test_share > 0:
        strata = codes if codes.dtype.kind == "i" else None
        stay, aside = split_rows(table.height, order.test_share, Random(order.seed), strata)
        table, test = table[stay], table[aside]
        test_y, y = y[aside], y[stay]
    display.say(
        f"rows: {table.height:,} to learn from, {0 if test is None else test.height:,} held out to judge the result by"
    )
    return Material(columns, task, table.select(features), y, test, test_y, test_source)


def fit(order: Order, material: Material, callbacks: list[Callback]) -> Any:
    """Return the trained estimator."""
    kinds = {c.name: c.kind for c in material.columns if c.is_used and c.name not in order.targets}
    estimator = (TabularClassifier if material.task.task == "classification" else TabularRegressor)(
        kinds=kinds,
        missing=order.missing,
        random_state=order.seed,
        verbose=True,
        callbacks=callbacks,
        **order.options,
    )
    estimator.fit(material.table, material.y)
    keep_names(estimator.target_, order.targets)
    return estimator


def room(order: Order, material: Material, weights_bytes: int, *, force: bool) -> None:
    """Raise if the disk has no room for the model, whose weights take so many bytes."""
    names = [column.name for column in material.columns if column.kind == "category"]
    texts = [material.table[name].unique().drop_nulls() for name in names if name in material.table.columns]
    levels = sum(int(to_text(series).str.len_bytes().sum()) + 8 * len(series) for series in texts)
    needed = weights_bytes + levels + 300 * len(material.columns) + OTHER_BYTES
    check_output(order.output, force=force, inputs=(), noun="a model", needed_bytes=needed)


def judge(estimator: Any, order: Order, material: Material, *, with_baselines: bool) -> dict[str, Scores] | None:
    """Return the scores of the network, and of the baselines, on the rows that were held out."""
    if material.test is None:
        return None
    with material.test_source.locating():
        predictions = {"network": predicted(estimator, material.test)}
        if with_baselines:
            predictions |= baselines(estimator, material.table, material.y, material.test)
    names, target = order.targets, estimator.target_
    return {name: scores(target, names, material.test_y, prediction) for name, prediction in predictions.items()}


def say_next(display: Display, order: Order) -> None:
    """Say which commands come next, ready to be copied."""
    model, rows = shlex.quote(str(order.output)), shlex.quote(str(order.test or order.data))
    unseen = rows if order.test else f"NEW{order.data.suffix}"
    display.say("next:")
    display.say(f"  pellucid predict {model} {rows}")
    comment = "" if order.test else "   # rows that it was not trained on"
    display.say(f"  pellucid evaluate {model} {unseen}{comment}")
    display.say(f"  pellucid info {model}")
