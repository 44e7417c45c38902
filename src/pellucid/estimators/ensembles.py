"""An estimator's population: from rows to the ensemble, with what is known of it from rows that took no part."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.engine.cores import available_cores
from pellucid.engine.native import limited_threads
from pellucid.errors import OptionError
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.optimizers import AdamW
from pellucid.population.configuration import Configuration, draw_configuration, first_configuration
from pellucid.population.ensemble import Ensemble
from pellucid.population.members import Fold, Member
from pellucid.population.memory import forecast_memory, free_memory, require_memory
from pellucid.population.outlook import outlook
from pellucid.population.plan import MEMBERS, PopulationPlan, plan_population
from pellucid.population.population import Population, parts_of
from pellucid.population.recipe import build_member, leave_out_rare, suited, work_per_row
from pellucid.random import Random
from pellucid.tabular.conformal import Intervals, PredictionSets
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.folds import Folds, make_folds
from pellucid.tabular.splitting import Rows, require_two_of_a_class, split_last, split_rows
from pellucid.tabular.temperature import fit_temperature, outputs_of
from pellucid.training import Callback, train
from pellucid.training.metrics import metric_for

MEASURED_ROWS = 4096  # of the epoch that measures how long a step takes
SAFETY = 0.85  # share of a time budget that is planned; selection, and what was measured wrongly, take the rest


@dataclasses.dataclass(frozen=True)
class Split:
    """The rows that are judged, and the folds they come from; ``remarks`` is what is not as it was asked for."""

    folds: list[Fold]
    target: Array
    weight: Array | None
    remarks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the training of a population left."""

    population: Population
    plan: PopulationPlan
    ensemble: Ensemble
    candidates: tuple[tuple[int, int, int], ...]
    temperature: float
    remarks: tuple[str, ...]
    conformal: Intervals | PredictionSets | None


def split_for(
    encoder: Encoder,
    rows: Rows,
    held: Rows | None,
    n_folds: int,
    rng: Random,
    *,
    share: float,
    groups: Array | None = None,
    ranks: Array | None = None,
    classes: Sequence[object] = (),
) -> Split:
    """Return the folds: rows of one's own to judge by, the last ones in an order, a share, or each row once."""
    x = encoder.transform(rows.table)
    strata = rows.target if rows.target.dtype.kind == "i" else None
    remarks: tuple[str, ...] = ()
    if held is not None:
        everything = Fold(x, rows.target, rows.weight, encoder.transform(held.table), np.arange(len(held.target)))
        return Split([everything], held.target, held.weight)
    if ranks is not None:
        splits: Sequence[tuple[Array, Array]] = [split_last(ranks, share)]
    elif n_folds > 1:
        if strata is not None:
            require_two_of_a_class(strata)
        found: Folds = make_folds(len(rows.target), n_folds, rng, strata, groups)
        splits, remarks = found.splits, found.said(classes)
    else:
        splits = [split_rows(len(rows.target), share, rng, strata, groups=groups)]
    judged = np.sort(np.concatenate([aside for _, aside in splits]))
    folds = [
        Fold(x[stay], rows.target[stay], _of(rows.weight, stay), x[aside], np.searchsorted(judged, aside))
        for stay, aside in splits
    ]
    return Split(folds, rows.target[judged], _of(rows.weight, judged), remarks)


def fit_population(
    encoder: Encoder,
    rows: Rows,
    held: Rows | None,
    loss: Loss,
    n_outputs: int,
    rng: Random,
    *,
    fixed: dict[str, Any],
    plan: PopulationPlan | None,
    planned: dict[str, Any],
    share: float,
    metric: Any,
    cores: int,
    deadline: float | None,
    watchers: Sequence[Callback],
    groups: Array | None,
    ranks: Array | None,
    classes: Sequence[object],
    n_table_columns: int,
) -> Outcome:
    """Plan, train and choose, until a time of `time.perf_counter` at most.

    Raises `NotEnoughMemoryError` before anything is trained.
    """
    regression = loss.link == "identity"
    judge = metric_for("regression" if regression else "classification", metric, "fit")

    def build(configuration: Configuration, fold: Fold, own: Random) -> Network:
        network = build_member(encoder, n_outputs, configuration, loss, fold.target, fold.weight, own)
        leave_out_rare(network, encoder, configuration, fold.x)
        return network

    one_fold = held is not None or ranks is not None
    n_rows = len(rows.target)
    if plan is not None and plan.n_rows != n_rows:
        raise OptionError(f"plan is for {plan.n_rows:,} rows, and there are {n_rows:,}; it can be replayed on its own.")
    if plan is not None:
        plan, deadline = dataclasses.replace(plan, reasons=("a recorded plan, repeated",)), None
    else:
        drawn = [
            suited(draw_configuration(rng, n, n_rows, fixed), encoder, fixed)
            for n in range(planned["members"] or MEMBERS[1])
        ]
        works = [work_per_row(encoder, n_outputs, configuration) for configuration in drawn]
        known = {**planned, "one_fold": one_fold, "regression": regression}
        plan = plan_population(n_rows, works, **known)
        if deadline is not None:
            pace = _row_seconds(encoder, rows, n_outputs, loss, fixed, plan.batch_size, rng)
            left = max(deadline - time.perf_counter(), 0.01) * SAFETY * cores
            plan = plan_population(n_rows, works, core_seconds=left, row_seconds=pace, **known)
    members = []
    for number in range(plan.n_members):
        configuration = suited(draw_configuration(rng, number, n_rows, fixed), encoder, fixed)
        network = build_member(encoder, n_outputs, configuration, loss, rows.target, rows.weight, rng)
        members.append(Member(number, configuration, network.parameters.nbytes + network.buffers.nbytes))
    require_memory(
        forecast_memory(
            n_rows=n_rows,
            n_columns=n_table_columns,
            n_inputs=encoder.n_columns * max(1, plan.n_folds),
            n_outputs=n_outputs,
            n_parameters=sum(member.n_bytes for member in members) // len(members) // 4,
            n_neurons=768,
            batch_size=plan.batch_size,
            n_members=plan.n_members * plan.n_folds,
            n_at_once=cores,
            n_candidates=2 * plan.n_members,
            n_judged=n_rows,
        ),
        free_memory(),
    )
    split = split_for(encoder, rows, held, plan.n_folds, rng, share=share, groups=groups, ranks=ranks, classes=classes)
    target = loss.check_target(split.target, n_outputs)
    population = Population(
        plan,
        members,
        split.folds,
        target,
        split.weight,
        build=build,
        loss=loss,
        metric=judge,
        seed=rng.seed,
        cores=cores,
    )
    done = population.train(watchers, deadline)
    chosen = population.choose(parts_of(split.folds, len(target), rng))
    remarks = (*split.remarks, *population.remarks)
    temperature, predictions = 1.0, chosen.predictions
    if loss.link in ("sigmoid", "softmax"):
        outputs = outputs_of(predictions, loss)
        fitted = fit_temperature(outputs, target, loss, split.weight)
        temperature, reason = fitted.value, fitted.reason
        if temperature > 1.0 and len(split.folds) > 1:
            temperature = 1.0
            reason = (
                "no temperature above 1 is used with folds: the mean of their networks is already softer than the one "
                "network of each that the rows were predicted by"
            )
        remarks = (*remarks, reason)
        predictions = loss.predict(outputs / temperature)
    return Outcome(
        population,
        dataclasses.replace(done, reasons=(*plan.reasons, *outlook(plan, done, population.history, judge))),
        chosen.ensemble,
        chosen.candidates,
        temperature,
        remarks,
        _conformal(loss, predictions, target),
    )


def tempered(loss: Loss, predictions: Array, temperature: float) -> Array:
    """Return probabilities by the temperature."""
    return predictions if temperature == 1.0 else loss.predict(outputs_of(predictions, loss) / temperature)


def cores_for(n_jobs: int | None) -> int:
    """Return how many networks are trained at a time; None means all cores, -2 all but one."""
    cores = available_cores()
    wanted = cores if n_jobs is None else n_jobs if n_jobs > 0 else cores + 1 + n_jobs
    return min(max(1, wanted), cores)


def _of(weight: Array | None, numbers: Array) -> Array | None:
    return None if weight is None else weight[numbers]


def _conformal(loss: Loss, predictions: Array, target: Array) -> Intervals | PredictionSets | None:
    """Return the conformal scores, standardized for numbers; None for independent labels."""
    if loss.link == "identity":
        return Intervals.fit(predictions, target)
    if target.ndim == 1:
        return PredictionSets.fit(predictions, target)
    if target.shape[1] == 1:
        return PredictionSets.fit(np.concatenate([1 - predictions, predictions], axis=1), target[:, 0].astype(np.int64))
    return None


def _row_seconds(
    encoder: Encoder, rows: Rows, n_outputs: int, loss: Loss, fixed: dict[str, Any], batch_size: int, rng: Random
) -> float:
    """Return how long a row takes in a training step of the first configuration, on one core."""
    some = rows.take(np.arange(min(len(rows.target), MEASURED_ROWS)))
    x = encoder.transform(some.table)
    configuration = suited(first_configuration(len(rows.target), fixed), encoder, fixed)
    network = build_member(encoder, n_outputs, configuration, loss, some.target, some.weight, rng)
    with limited_threads(1):
        seconds = train(
            network,
            x,
            some.target,
            loss=loss,
            optimizer=AdamW(learning_rate=configuration.learning_rate, beta2=0.95),
            epochs=3,
            batch_size=batch_size,
            sample_weight=some.weight,
        )["seconds"]
    return float(min(np.diff(seconds))) / len(x)
