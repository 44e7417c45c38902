"""What the classifier and the regressor share: from a raw table to networks, and to predictions."""

from __future__ import annotations

import copy
import dataclasses
import os
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted

from pellucid.domains import Kind
from pellucid.engine.evaluator import evaluator
from pellucid.errors import NotInitializedError
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.duration import to_seconds
from pellucid.estimators.ensembles import cores_for, fit_population, tempered
from pellucid.estimators.fit_tasks import CallbackSupportMixin, EpochTasks, FitTask, begin_fit, with_callbacks
from pellucid.estimators.inputs import fitted_table, require_target
from pellucid.estimators.material import material_of
from pellucid.estimators.notebook import ShownInNotebook
from pellucid.estimators.recipe import AVERAGE, Plan, build_optimizer, plan_training
from pellucid.estimators.tabular_options import TabularOptions
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import option, to_config
from pellucid.population.configuration import Configuration
from pellucid.population.ensemble import Ensemble
from pellucid.population.recipe import build_member
from pellucid.population.view import MembersView
from pellucid.random import Random, as_random
from pellucid.tabular.conformal import Intervals, PredictionSets
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import column_names
from pellucid.tabular.outliers import outlier_remarks
from pellucid.tabular.splitting import Rows, split_last, split_rows
from pellucid.tabular.targets import ClassTarget, NumberTarget
from pellucid.training import Callback, EarlyStopping, ProgressBar, Run, TimeBudget, train
from pellucid.training.callbacks import as_callback
from pellucid.training.metrics import metric_for

if TYPE_CHECKING:
    from pellucid.insight import Importances


class TabularEstimator(ShownInNotebook, TabularOptions, CallbackSupportMixin, BaseEstimator):
    """The options, and the way from a table to a network."""

    def __post_init__(self) -> None:
        """Nothing is checked here: scikit-learn's convention is that `fit` does."""

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
        order: Any = None,
    ) -> Self:
        """Train on a raw table.

        Parameters
        ----------
        X : (n_rows, n_columns), a DataFrame of any library, a dict of columns, or an array
        y : (n_rows,) or (n_rows, n_targets)
        sample_weight : (n_rows,), at least 0; only their ratios matter, and a row of weight 0 counts as if it were
            not there
        X_val, y_val, sample_weight_val : rows to judge by; without them, rows of X are
        groups : (n_rows,), anything; rows of one group are never parted between training and judging
        order : (n_rows,), numbers or dates; the last rows, ``validation_share`` of them, are judged by

        Returns
        -------
        self, with ``ensemble_``, ``network_``, ``encoder_``, ``target_``, ``history_``, ``plan_`` and ``seed_``

        Raises
        ------
        DataError, TargetError : the table, the target or a weight cannot be used; the message names column and row
        ShapeError : tables, targets and weights do not have the same number of rows
        OptionError : an option has a value outside its range
        """
        self.validate()
        metric_for("classification" if is_classifier(self) else "regression", self.metric, "fit")  # or it raises
        began, cpu_began = time.perf_counter(), time.process_time()
        task = begin_fit(self, X, y, sample_weight, max_subtasks=2)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # a fit that fails leaves no model, rather than half of the one before
        self.seed_ = self._seed()
        rng = Random(self.seed_)
        require_target(type(self).__name__, y, is_classes=is_classifier(self))
        material = material_of(
            self,
            X,
            y,
            sample_weight,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
            groups=groups,
            order=order,
        )
        names = column_names(X)
        if names is not None:
            self.feature_names_in_: Array = np.array(names, dtype=object)
        self.target_: Any = material.target
        kinds, codes, ranks = material.kinds, material.groups, material.ranks
        rows, held = self._weighted(material.rows, material.held)
        self.loss_ = self._loss()
        self.temperature_, self.members_ = 1.0, list[dict[str, Any]]()
        self.conformal_: Intervals | PredictionSets | None = None
        self.remarks_: tuple[str, ...] = ()
        deadline = None if self.time_budget is None else began + to_seconds(self.time_budget)
        if self.members == 1:
            self._train_one(rows, held, kinds, rng, deadline, task, codes, ranks)
        else:
            self._train_population(rows, held, kinds, rng, deadline, task, codes, ranks)
        self.fingerprint_ = material.fingerprint()
        self.fit_seconds_, self.cpu_seconds_ = time.perf_counter() - began, time.process_time() - cpu_began
        noticed = () if is_classifier(self) else outlier_remarks(rows.target)
        self.remarks_ = (*self.encoder_.remarks, *noticed, *self.remarks_)
        if task is not None:
            task.end(dict)
        return self

    def _train_population(
        self,
        rows: Rows,
        held: Rows | None,
        kinds: dict[str, str],
        rng: Random,
        deadline: float | None,
        task: FitTask | None,
        groups: Array | None,
        ranks: Array | None,
    ) -> None:
        """Train a population and keep its ensemble."""
        encoder = Encoder(
            one_hot_limit=self.one_hot_limit, min_category_count=self.min_category_count, kinds=kinds
        ).fit(rows.table)
        watchers = [as_callback(callback) for callback in self.callbacks]
        if self.verbose:
            watchers.append(MembersView())
        part = task and task.subtask("population")
        fixed = {name: to_config(value) for name, value in self._decided().items()}  # plain numbers, for the file
        if "hidden_layer_sizes" in fixed:
            fixed["hidden_layer_sizes"] = tuple(fixed["hidden_layer_sizes"])
        outcome = fit_population(
            encoder,
            rows,
            held,
            self.loss_,
            self._n_outputs(),
            rng,
            fixed=fixed,
            plan=self.plan,
            planned={name: to_config(getattr(self, name)) for name in ("members", "folds", "batch_size", "epochs")},
            share=self.validation_share,
            metric=self.metric,
            cores=cores_for(self.n_jobs),
            deadline=deadline,
            watchers=watchers,
            groups=groups,
            ranks=ranks,
            classes=self.target_.classes.tolist() if is_classifier(self) else (),
            n_table_columns=rows.table.width,
        )
        if part is not None:
            part.end()
        population = outcome.population
        self.encoder_: Encoder = encoder
        self.ensemble_ = outcome.ensemble
        self.network_: Network = outcome.ensemble.strongest
        self.plan_: Any = outcome.plan
        self.history_ = population.history
        self.best_epoch_: int = outcome.plan.rungs[-1]
        self.refitted_ = False
        self.temperature_ = outcome.temperature
        self.conformal_ = outcome.conformal
        self.remarks_ = outcome.remarks
        used = {(member, epoch): count for member, epoch, count in outcome.candidates}
        self.members_ = [
            {
                "member": member.number,
                "configuration": dataclasses.asdict(member.configuration),
                "values": list(member.values),
                "stopped_by": member.stopped_by,
                "used": {epoch: count for (number, epoch), count in used.items() if number == member.number},
            }
            for member in population.members
        ]

    def _train_one(
        self,
        rows: Rows,
        held: Rows | None,
        kinds: dict[str, str],
        rng: Random,
        deadline: float | None,
        task: FitTask | None,
        groups: Array | None,
        ranks: Array | None,
    ) -> None:
        """Train one network to its best epoch, and where rows are few again on all of them."""
        if held is not None:
            training, validation = rows, held
        else:
            strata = self._strata(rows.target)
            stay, aside = (
                split_last(ranks, self.validation_share)
                if ranks is not None
                else split_rows(len(rows.target), self.validation_share, rng, strata, groups=groups)
            )
            training, validation = rows.take(stay), rows.take(aside)
        self.plan_ = plan_training(
            len(training.target), batch_size=self.batch_size, epochs=self.epochs, own_validation=held is not None
        )
        with limited_cores(self.n_jobs):
            complete = self._train(training, kinds, rng, deadline, task, validation)
            self.refitted_ = complete and self.plan_.refit and self._train(rows, kinds, rng, deadline, task)

    @property
    def n_features_in_(self) -> int:
        """The number of columns of the table that was fitted."""
        return len(self.encoder_.columns)

    @property
    def engine_(self) -> str:
        """What predicts: ``"native"``, the same bits whichever way the rows are split, or ``"numpy"``, and why."""
        check_is_fitted(self)
        found = evaluator(self.network_)
        return f"numpy: {found}" if isinstance(found, str) else "native"

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write the fitted estimator to one file that `pellucid.load` reads back; returns its SHA-256.

        Raises `OutputError` if the path exists (unless ``overwrite``) or cannot be written.
        """
        from pellucid.model import save

        check_is_fitted(self)
        return save(self, Path(path), overwrite=overwrite)

    def feature_importances(self, X: Any, y: Any, **options: Any) -> Importances:
        """Return how much worse predictions become when a column is shuffled: `pellucid.feature_importances`.

        ``options`` are its metric, repeats, rng and sample_weight. Give rows that were not trained on.
        """
        from pellucid.insight import feature_importances

        check_is_fitted(self)
        return feature_importances(self, X, y, **options)

    def _train(
        self,
        rows: Rows,
        kinds: dict[str, str],
        rng: Random,
        deadline: float | None,
        task: FitTask | None,
        validation: Rows | None = None,
    ) -> bool:
        """Fit the encoder and train the network: to the best epoch on ``validation``, or up to the one found before.

        Returns whether training ended by itself; cut short without validation rows, it leaves what was there before.
        """
        encoder = Encoder(
            one_hot_limit=self.one_hot_limit, min_category_count=self.min_category_count, kinds=kinds
        ).fit(rows.table)
        network, arguments = self._beginning(encoder, rows, rng, self.plan_)
        watchers = [as_callback(callback) for callback in self.callbacks]
        judged: dict[str, Any] = {}
        if validation is None:
            steps = [watcher for watcher in watchers if type(watcher).after_step is not Callback.after_step]
            watchers = [StepsOnly(watcher) for watcher in steps]
        else:
            stopping = EarlyStopping(patience=self.patience or self.plan_.epochs, last_of_ties=True)
            watchers.insert(0, stopping)
            judged = {"X_val": encoder.transform(validation.table), "y_val": validation.target}
            judged["sample_weight_val"] = validation.weight
        if deadline is not None:
            watchers.append(TimeBudget(max(deadline - time.perf_counter(), 1e-3)))
        if self.verbose:
            watchers.append(ProgressBar(description="training" if validation is not None else "on all rows"))
        epochs = self.plan_.epochs if validation is not None else self.best_epoch_
        part = task and task.subtask("training" if validation is not None else "on all rows", max_subtasks=epochs)
        if part is not None:

            def fitted(network: Network) -> dict[str, Any]:
                own = copy.deepcopy(network)
                return {"encoder_": encoder, "network_": own, "ensemble_": Ensemble((own,), (1.0,), self.loss_)}

            watchers.append(EpochTasks(task=part, attributes=fitted))
        history = train(network, **arguments, epochs=epochs, callbacks=watchers, **judged)
        if part is not None:
            part.end()
        if validation is not None:
            self.best_epoch_ = int(stopping.state["best_epoch"])
            self.history_ = history
        complete = not history.stopped_by or (validation is not None and stopping.has_waited)
        if complete or validation is not None:
            self.encoder_ = encoder
            self.network_ = network
            self.ensemble_ = Ensemble((network,), (1.0,), self.loss_)
        return complete

    def _beginning(self, encoder: Encoder, rows: Rows, rng: Random, plan: Plan) -> tuple[Network, dict[str, Any]]:
        """Return the network as training finds it, and what `train` gets besides epochs and watchers."""
        own = self._single()
        network = build_member(encoder, self._n_outputs(), own, self.loss_, rows.target, rows.weight, rng)
        return network, {
            "X": encoder.transform(rows.table),
            "y": rows.target,
            "loss": self.loss_,
            "optimizer": build_optimizer(own.learning_rate, own.weight_decay),
            "total_epochs": plan.epochs,
            "batch_size": plan.batch_size,
            "sample_weight": rows.weight,
            "rng": rng,
            "schedules": plan.schedules(dropout=own.dropout > 0 and len(own.hidden_layer_sizes) > 0),
            "average": AVERAGE,
        }

    def _network_and_link(self) -> tuple[Network, str]:
        return self.network_, self.loss_.link

    def _single(self) -> Configuration:
        """Return the configuration of a single network: the options, and the recipe's own where they are None."""
        return dataclasses.replace(Configuration(), **self._decided())

    def _decided(self) -> dict[str, Any]:
        """Return what the options decide of a configuration."""
        names = ("hidden_layer_sizes", "activation", "dropout", "learning_rate", "weight_decay", "embedding_size")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _predictions(self, X: Any) -> Array:
        """Return probabilities or standardized numbers, (n_rows, n_outputs) float64, for a raw table."""
        return self._linked(self._encoded(X))

    def _encoded(self, X: Any) -> Array:
        """Return a raw table as the networks see it, (n_rows, n_inputs)."""
        check_is_fitted(self)
        has_names = hasattr(self, "feature_names_in_")
        table = fitted_table(type(self).__name__, X, self.missing, self.encoder_, has_names=has_names)
        return self.encoder_.transform(table)

    def _linked(self, rows: Array) -> Array:
        """Return probabilities or standardized numbers, (n_rows, n_outputs) float64, for encoded rows."""
        with limited_cores(cores_for(self.n_jobs)):
            return tempered(self.loss_, self.ensemble_.predict(rows), self.temperature_)

    def _calibrated(self) -> Any:
        """Return the conformal scores, or raise if there are none."""
        check_is_fitted(self)
        if self.conformal_ is None:
            raise NotInitializedError(
                "there are no out-of-sample predictions to measure coverage by: a single network (members=1) and "
                "independent labels have none. Fit a population: leave members at None."
            )
        return self.conformal_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    @abstractmethod
    def _predicted(self, linked: Array) -> Array:
        """Return what `_linked` found as the probability of each class, or as numbers in the target's unit."""

    @abstractmethod
    def _new_target(self) -> ClassTarget | NumberTarget:
        """Return the kind of target that is learned."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss for the target that was fitted."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Return the number of the network's outputs."""

    def _weighted(self, rows: Rows, held: Rows | None) -> tuple[Rows, Rows | None]:
        """Return the rows to learn from and those to judge by as they count."""
        return rows, held

    def _strata(self, encoded: Array) -> Array | None:
        """Return class codes that the validation rows should share out evenly, or None."""
        return encoded if encoded.dtype.kind == "i" else None

    def _seed(self) -> int:
        if isinstance(self.random_state, np.random.RandomState):
            return int(self.random_state.randint(2**31 - 1))
        return as_random(self.random_state).seed


class StepsOnly(Callback):
    """A callback in the training on all rows: that has nothing to report after an epoch, but it can be stopped."""

    watcher: Any = option(Kind((Callback,), "a Callback"), "The callback.", kw_only=False)

    def after_step(self, run: Run) -> None:
        """Let the callback stop the run."""
        self.watcher.after_step(run)

    def idle_seconds(self) -> float:
        """As long as the callback's."""
        return float(self.watcher.idle_seconds())
