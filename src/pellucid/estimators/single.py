"""An estimator's single network: trained to its best epoch, and where rows are few again on all of them."""

from __future__ import annotations

import copy
import dataclasses
import time
from typing import Any

from pellucid.domains import Kind
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.fit_tasks import EpochTasks, FitTask
from pellucid.estimators.recipe import AVERAGE, Plan, build_optimizer, plan_training
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.options import option
from pellucid.population.configuration import Configuration, first_configuration
from pellucid.population.ensemble import Ensemble
from pellucid.population.recipe import build_member
from pellucid.random import Random
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.splitting import Rows, split_last, split_rows
from pellucid.training import Callback, EarlyStopping, History, ProgressBar, Run, TimeBudget, train
from pellucid.training.callbacks import as_callback


@dataclasses.dataclass
class Single:
    """What the training of one network left; the history is that of the rows which were judged by others."""

    plan: Plan
    encoder: Encoder
    network: Network
    history: History
    best_epoch: int
    refitted: bool = False


def fit_single(
    estimator: Any,
    rows: Rows,
    held: Rows | None,
    kinds: dict[str, str],
    rng: Random,
    deadline: float | None,
    task: FitTask | None,
    groups: Array | None,
    ranks: Array | None,
) -> Single:
    """Train one network of an estimator's options, until a time of `time.perf_counter` at most."""
    share = estimator.validation_share
    if held is not None:
        training, validation = rows, held
    else:
        stay, aside = (
            split_last(ranks, share)
            if ranks is not None
            else split_rows(len(rows.target), share, rng, estimator._strata(rows.target), groups=groups)
        )
        training, validation = rows.take(stay), rows.take(aside)
    plan = plan_training(
        len(training.target),
        batch_size=estimator.batch_size,
        epochs=estimator.epochs,
        own_validation=held is not None,
    )
    with limited_cores(estimator.n_jobs):
        found, complete = _train_to_best(estimator, training, validation, kinds, rng, plan, deadline, task)
        if complete and plan.refit:
            again = _train_on_all(estimator, rows, found, kinds, rng, deadline, task)
            if again is not None:
                found.encoder, found.network = again
                found.refitted = True
    return found


def beginning(estimator: Any, encoder: Encoder, rows: Rows, rng: Random, plan: Plan) -> tuple[Network, dict[str, Any]]:
    """Return the network as training finds it, and what `train` gets besides epochs and watchers."""
    own, loss = configuration_of(estimator, plan.n_rows), estimator.loss_
    network = build_member(encoder, estimator._n_outputs(), own, loss, rows.target, rows.weight, rng)
    return network, {
        "X": encoder.transform(rows.table),
        "y": rows.target,
        "loss": loss,
        "optimizer": build_optimizer(own.learning_rate, own.weight_decay),
        "total_epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "sample_weight": rows.weight,
        "rng": rng,
        "schedules": plan.schedules(dropout=own.dropout > 0 and len(own.hidden_layer_sizes) > 0),
        "average": AVERAGE,
    }


def configuration_of(estimator: Any, n_rows: int) -> Configuration:
    """Return the configuration of a single network: the options, and the recipe's own where they are None.

    n_rows : those of the first training
    """
    return first_configuration(n_rows, decided(estimator))


def decided(estimator: Any) -> dict[str, Any]:
    """Return what an estimator's options decide of a configuration."""
    names = ("hidden_layer_sizes", "activation", "dropout", "learning_rate", "weight_decay", "embedding_size")
    return {name: getattr(estimator, name) for name in names if getattr(estimator, name) is not None}


def _train_to_best(
    estimator: Any,
    rows: Rows,
    validation: Rows,
    kinds: dict[str, str],
    rng: Random,
    plan: Plan,
    deadline: float | None,
    task: FitTask | None,
) -> tuple[Single, bool]:
    """Train to the best epoch on the validation rows; return also whether training ended by itself."""
    encoder = estimator._new_encoder(kinds).fit(rows.table)
    network, arguments = beginning(estimator, encoder, rows, rng, plan)
    stopping = EarlyStopping(patience=estimator.patience or plan.epochs, last_of_ties=True)
    watchers = [stopping, *map(as_callback, estimator.callbacks), *_until(deadline)]
    if estimator.verbose:
        watchers.append(ProgressBar(description="training"))
    part = task and task.subtask("training", max_subtasks=plan.epochs)
    history = train(
        network,
        **arguments,
        epochs=plan.epochs,
        callbacks=[*watchers, *_told(part, encoder, estimator)],
        X_val=encoder.transform(validation.table),
        y_val=validation.target,
        sample_weight_val=validation.weight,
    )
    if part is not None:
        part.end()
    found = Single(plan, encoder, network, history, int(stopping.state["best_epoch"]))
    return found, not history.stopped_by or stopping.has_waited


def _train_on_all(
    estimator: Any,
    rows: Rows,
    found: Single,
    kinds: dict[str, str],
    rng: Random,
    deadline: float | None,
    task: FitTask | None,
) -> tuple[Encoder, Network] | None:
    """Train on all rows up to the best epoch that was found; None if it was cut short."""
    encoder = estimator._new_encoder(kinds).fit(rows.table)
    network, arguments = beginning(estimator, encoder, rows, rng, found.plan)
    given = [as_callback(callback) for callback in estimator.callbacks]
    steps = [watcher for watcher in given if type(watcher).after_step is not Callback.after_step]
    watchers = [*(StepsOnly(watcher) for watcher in steps), *_until(deadline)]
    if estimator.verbose:
        watchers.append(ProgressBar(description="on all rows"))
    part = task and task.subtask("on all rows", max_subtasks=found.best_epoch)
    history = train(
        network, **arguments, epochs=found.best_epoch, callbacks=[*watchers, *_told(part, encoder, estimator)]
    )
    if part is not None:
        part.end()
    return None if history.stopped_by else (encoder, network)


def _until(deadline: float | None) -> list[Callback]:
    return [] if deadline is None else [TimeBudget(max(deadline - time.perf_counter(), 1e-3))]


def _told(part: FitTask | None, encoder: Encoder, estimator: Any) -> list[Callback]:
    """Return what tells scikit-learn's callbacks of each epoch, with the attributes of a fit that ended there."""
    if part is None:
        return []

    def fitted(network: Network) -> dict[str, Any]:
        own = copy.deepcopy(network)
        return {"encoder_": encoder, "network_": own, "ensemble_": Ensemble((own,), (1.0,), estimator.loss_)}

    return [EpochTasks(task=part, attributes=fitted)]


class StepsOnly(Callback):
    """A callback in the training on all rows: that has nothing to report after an epoch, but it can be stopped."""

    watcher: Any = option(Kind((Callback,), "a Callback"), "The callback.", kw_only=False)

    def after_step(self, run: Run) -> None:
        """Let the callback stop the run."""
        self.watcher.after_step(run)

    def idle_seconds(self) -> float:
        """As long as the callback's."""
        return float(self.watcher.idle_seconds())
