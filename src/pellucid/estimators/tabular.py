"""What the classifier and the regressor share: from a raw table to networks, and to predictions."""

from __future__ import annotations

import dataclasses
import os
import time
from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted

from pellucid.engine.evaluator import BLOCK_ROWS, evaluator
from pellucid.engine.native import limited_threads
from pellucid.errors import NotInitializedError
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.duration import to_seconds
from pellucid.estimators.ensembles import cores_for, fit_population, tempered
from pellucid.estimators.fit_tasks import CallbackSupportMixin, FitTask, begin_fit, with_callbacks
from pellucid.estimators.inputs import fitted_table, require_target
from pellucid.estimators.material import material_of
from pellucid.estimators.notebook import ShownInNotebook
from pellucid.estimators.single import Single, decided, fit_single
from pellucid.estimators.tabular_options import TabularOptions
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import to_config
from pellucid.population.ensemble import Ensemble
from pellucid.population.view import MembersView
from pellucid.random import Random, as_random
from pellucid.tabular.columns import column_remarks
from pellucid.tabular.conformal import Intervals, PredictionSets
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import column_names
from pellucid.tabular.outliers import outlier_remarks
from pellucid.tabular.splitting import Rows
from pellucid.tabular.targets import ClassTarget, NumberTarget
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
            self._keep(fit_single(self, rows, held, kinds, rng, deadline, task, codes, ranks))
        else:
            self._train_population(rows, held, kinds, rng, deadline, task, codes, ranks)
        self.fingerprint_ = material.fingerprint()
        self.fit_seconds_, self.cpu_seconds_ = time.perf_counter() - began, time.process_time() - cpu_began
        noticed = () if is_classifier(self) else outlier_remarks(rows.target)
        self.remarks_ = (*column_remarks(material.columns), *noticed, *self.remarks_)
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
        encoder = self._new_encoder(kinds).fit(rows.table)
        watchers = [as_callback(callback) for callback in self.callbacks]
        if self.verbose:
            watchers.append(MembersView())
        part = task and task.subtask("population")
        fixed = {name: to_config(value) for name, value in decided(self).items()}  # plain numbers, for the file
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

    def _keep(self, outcome: Single) -> None:
        self.plan_, self.history_ = outcome.plan, outcome.history
        self.best_epoch_, self.refitted_ = outcome.best_epoch, outcome.refitted
        self.encoder_, self.network_ = outcome.encoder, outcome.network
        self.ensemble_ = Ensemble((outcome.network,), (1.0,), self.loss_)

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

    def _network_and_link(self) -> tuple[Network, str]:
        return self.network_, self.loss_.link

    def _predictions(self, X: Any) -> Array:
        """Return probabilities or standardized numbers, (n_rows, n_outputs) float64, for a raw table."""
        return self._linked(self._encoded(X))

    def _encoded(self, X: Any) -> Array:
        """Return a raw table as the networks see it, (n_rows, n_inputs)."""
        check_is_fitted(self)
        has_names = hasattr(self, "feature_names_in_")
        table = fitted_table(type(self).__name__, X, self.missing, self.encoder_, has_names=has_names)
        return self.encoder_.encode(table, self.network_.dtype)

    def _linked(self, rows: Array) -> Array:
        """Return probabilities or standardized numbers, (n_rows, n_outputs) float64, for encoded rows."""
        with self._limited(len(rows)):
            return tempered(self.loss_, self.ensemble_.predict(rows), self.temperature_)

    def _limited(self, n_rows: int) -> AbstractContextManager[None]:
        """Return the context that keeps a prediction to ``n_jobs`` cores; a block of native rows takes one anyway."""
        if not self.ensemble_.is_native:
            return limited_cores(cores_for(self.n_jobs))
        return nullcontext() if n_rows <= BLOCK_ROWS else limited_threads(cores_for(self.n_jobs))

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

    def _new_encoder(self, kinds: dict[str, str]) -> Encoder:
        return Encoder(one_hot_limit=self.one_hot_limit, min_category_count=self.min_category_count, kinds=kinds)

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
