"""What ``pellucid train`` does once its words are understood: read, say, hold out, fit, save, judge."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from typing import Any

from pellucid.cli import ensemble
from pellucid.cli.baselines import baselines
from pellucid.cli.display import (
    Display,
    counted,
    number,
    scores_table,
    size,
)
from pellucid.cli.interruption import Interruption
from pellucid.cli.material import Material, Order, prepare
from pellucid.cli.output import check_output
from pellucid.cli.record import record
from pellucid.cli.room import Room
from pellucid.cli.scores import Scores, predicted, scores
from pellucid.cli.targets import keep_names
from pellucid.cli.termination import Terminated, stopped
from pellucid.estimators import TabularClassifier, TabularRegressor
from pellucid.estimators.single import configuration_of
from pellucid.model import save
from pellucid.model.receipt import to_json
from pellucid.tabular.values import to_text
from pellucid.training import Callback

OTHER_BYTES = 20_000  # of a model file besides weights and what it knows of columns: history, network, receipt


def run(order: Order, *, force: bool, as_json: bool) -> int:
    """Carry out the order and return the exit code."""
    display = Display(as_json=as_json)
    material = prepare(order, display)
    interruption = Interruption()
    with interruption:
        estimator = fit(order, material, [interruption, Room(functools.partial(room, order, material, force=force))])
        told: dict[str, Any] = {"command": record(order, material.task.task)}
        digest = save(estimator, order.output, overwrite=force, told=told)
    rows = {
        "training": estimator.plan_.n_rows,
        "validation": material.table.height - estimator.plan_.n_rows,  # 0 of a population, whose plan says the folds
        "test": 0 if material.test is None else material.test.height,
    }
    trained = describe(estimator, rows, display)
    if interruption.happened:
        what = "ensemble of epoch" if estimator.members_ else "best epoch so far,"
        display.say(f"interrupted: the {what} {estimator.best_epoch_}{'' if estimator.members_ else ','} is kept")
    display.say(f"saved {order.output} ({size(order.output.stat().st_size)})")
    display.say()
    try:
        found = judge(estimator, order, material, with_baselines=not interruption.happened)
        if found is not None and material.test is not None:  # saved before, so that nothing is lost; now with scores
            metrics = {name: to_json(value) for name, value in found[ensemble.noun(estimator)].items()}
            judged = material.fingerprint(material.test, material.test_y)
            told["test"] = {"rows": rows["test"], "metrics": metrics, "data": judged.to_json()}
            digest = save(estimator, order.output, overwrite=True, told=told)
    except (KeyboardInterrupt, Terminated) as ended:
        return stopped(ended, f"; {order.output} is saved, and not evaluated")
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
    history, plan = estimator.history_, estimator.plan_
    for reason in plan.reasons:
        display.say(f"chosen: {reason}")
    (_describe_population if estimator.members_ else _describe_network)(estimator, rows, display)
    for line in ensemble.remark_lines(estimator):
        display.say(line)
    best = estimator.best_epoch_
    return {
        "refitted": estimator.refitted_,
        "choices": list(plan.reasons),
        "epochs": history["epoch"][-1],
        "plan": plan.to_json() if estimator.members_ else None,
        "ensemble": ensemble.to_json(estimator),
        "members": estimator.members_,
        "best_epoch": best,
        "validation_loss": history["validation_loss"][history["epoch"].index(best)],
        "stopped_by": history.stopped_by,
        "seconds": round(estimator.fit_seconds_, 3),
    }


def _describe_population(estimator: Any, rows: dict[str, int], display: Display) -> None:
    plan, history = estimator.plan_, estimator.history_
    done = plan.rungs[-1]
    ended = "" if done == plan.epochs else ", as more did not improve the ensemble"
    if history.stopped_by:
        ended = f", stopped by {history.stopped_by}"
    display.say(f"trained in {estimator.fit_seconds_:.1f} s: {done} of {counted(plan.epochs, 'epoch')}{ended}")
    display.say()
    display.show(ensemble.ensemble_table(estimator))
    for line in (*ensemble.ensemble_lines(estimator), *ensemble.calibration_lines(estimator)):
        display.say(line)


def _describe_network(estimator: Any, rows: dict[str, int], display: Display) -> None:
    history, best = estimator.history_, estimator.best_epoch_
    loss = history["validation_loss"][history["epoch"].index(best)]
    ended = f", stopped by {history.stopped_by}" if history.stopped_by else ""
    sizes = "-".join(map(str, configuration_of(estimator, estimator.plan_.n_rows).hidden_layer_sizes)) or "no"
    display.say(f"of these rows, {rows['training']:,} are for training and {rows['validation']:,} find the best epoch")
    display.say(f"network: {sizes} hidden neurons, {estimator.network_.parameters.size:,} parameters")
    display.say(
        f"trained in {estimator.fit_seconds_:.1f} s: {counted(len(history), 'epoch')}, the best one {best} "
        f"(validation loss {number(loss)}){ended}"
    )
    if estimator.plan_.refit:
        all_rows = rows["training"] + rows["validation"]
        display.say(
            f"trained again, on all {all_rows:,} rows to epoch {best}"
            if estimator.refitted_
            else f"the second training, on all {all_rows:,} rows, was cut short; the network is that of the first"
        )


def fit(order: Order, material: Material, callbacks: list[Callback]) -> Any:
    """Return the trained estimator."""
    kinds = {c.name: c.kind for c in material.columns if c.is_used and c.name in material.table.columns}
    estimator = (TabularClassifier if material.task.task == "classification" else TabularRegressor)(
        kinds=kinds,
        missing=order.missing,
        random_state=order.seed,
        verbose=True,
        callbacks=callbacks,
        **order.options,
    )
    estimator.fit(material.table, material.y, **material.parting.to_fit())
    keep_names(estimator.target_, order.targets)
    return estimator


def room(order: Order, material: Material, weights_bytes: int, *, force: bool) -> None:
    """Raise if the disk has no room for the model, whose weights take so many bytes."""
    names = [column.name for column in material.columns if column.kind == "category"]
    texts = [material.table[name].unique().drop_nulls() for name in names if name in material.table.columns]
    levels = sum(int(to_text(series).str.len_bytes().sum()) + 8 * len(series) for series in texts)
    needed = weights_bytes + levels + 450 * len(material.columns) + OTHER_BYTES
    check_output(order.output, force=force, inputs=(), noun="a model", needed_bytes=needed)


def judge(estimator: Any, order: Order, material: Material, *, with_baselines: bool) -> dict[str, Scores] | None:
    """Return the scores of what was trained, and of the baselines, on the rows that were held out."""
    if material.test is None:
        return None
    with material.test_source.locating():
        predictions = {ensemble.noun(estimator): predicted(estimator, material.test)}
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
    display.say(f"  pellucid verify {model} --data {shlex.quote(str(order.data))}")
