"""What the classifier and the regressor share: from a raw table to one early-stopped network, and to predictions."""

from __future__ import annotations

import copy
import os
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_is_fitted

from pellucid.activations import Activation
from pellucid.domains import Boolean, Choice, Either, Integer, Kind, Nothing, Number, Several, Text
from pellucid.engine.evaluator import evaluator
from pellucid.errors import ShapeError
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.duration import Duration, to_seconds
from pellucid.estimators.fit_tasks import CallbackSupportMixin, EpochTasks, FitTask, begin_fit, with_callbacks
from pellucid.estimators.inputs import fitted_table, require_target, training_table
from pellucid.estimators.notebook import ShownInNotebook
from pellucid.estimators.recipe import AVERAGE, Plan, build_network, build_optimizer, plan_training
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import Configurable, option, registered
from pellucid.random import Random, as_random
from pellucid.tabular.columns import infer_columns
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import column_names, require_rows, to_table
from pellucid.tabular.splitting import Rows, checked_weight, require_same_height, split_rows
from pellucid.tabular.target_values import as_array
from pellucid.tabular.targets import ClassTarget, NumberTarget
from pellucid.training import Callback, EarlyStopping, ProgressBar, Run, TimeBudget, train
from pellucid.training.callbacks import as_callback

if TYPE_CHECKING:
    from pellucid.insight import Importances

ACTIVATIONS = tuple(sorted(cls.name for cls in registered(Activation).values()))  # type: ignore[type-abstract]


class TabularEstimator(ShownInNotebook, Configurable, CallbackSupportMixin, BaseEstimator):
    """The options, and the way from a table to a network."""

    hidden_layer_sizes: Any = option(Several(Integer(1)), "Neurons of each hidden layer.", default=(128, 128))
    activation: Any = option(Choice(ACTIVATIONS), "Activation of the hidden layers.", default="relu")
    dropout: float = option(Number(0, 1, open="high"), "Share of hidden outputs silenced in each step.", default=0.15)
    learning_rate: float = option(Number(0, open="low"), "Step size at the start of its cosine.", default=0.003)
    weight_decay: float = option(Number(0), "Pull of the weights towards zero.", default=0.02)
    batch_size: int | None = option(
        Either(Integer(1), Nothing("from the number of rows")), "Rows per step.", default=None
    )
    epochs: int | None = option(
        Either(Integer(1), Nothing("from the number of rows")), "Most passes over the rows.", default=None
    )
    patience: int | None = option(
        Either(Integer(1), Nothing("all epochs run, and the best one is kept")),
        "Stop after so many epochs without improvement.",
        default=None,
        unit="epochs",
    )
    validation_share: float = option(
        Number(0, 1, open="low high"), "Share of the rows set aside to find the best epoch.", default=0.15
    )
    one_hot_limit: int = option(Integer(0), "Categories up to this many levels become one-hot columns.", default=8)
    min_category_count: int = option(
        Integer(1), "A level seen in fewer rows counts as unknown, which is learned from such rows.", default=2
    )
    embedding_size: int = option(Integer(1), "Numbers that a level of a larger category becomes.", default=16)
    kinds: Any = option(
        Either(Nothing("inferred"), Kind((dict,), "a mapping from column name to kind")),
        "What columns hold, where it differs from what they look like: number, category, boolean or date.",
        default=None,
    )
    missing: Any = option(
        Several(Text("a text")), "Texts that stand for a missing value, besides the empty one.", default=()
    )
    time_budget: Any = option(
        Either(Duration(), Nothing("no limit")), "Most time for training; the best epoch so far is kept.", default=None
    )
    random_state: Any = option(
        Either(
            Integer(0),
            Nothing("a fresh seed, kept in seed_"),
            Kind((np.random.RandomState,), "a RandomState"),
        ),
        "Seed of everything that is drawn.",
        default=None,
    )
    n_jobs: int | None = option(
        Either(Integer(1), Integer(high=-1), Nothing("one")),
        "Cores for matrix products; -1 means all, -2 all but one.",
        default=None,
    )
    verbose: bool = option(Boolean(), "Show a progress bar on a terminal.", default=False)
    callbacks: Any = option(Several(Kind((object,), "a Callback, or a function of a Run")), "Watchers.", default=())

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
    ) -> Self:
        """Train on a raw table.

        Parameters
        ----------
        X : (n_rows, n_columns), a DataFrame of any library, a dict of columns, or an array
        y : (n_rows,) or (n_rows, n_targets)
        sample_weight : (n_rows,), at least 0; only their ratios matter, and a row of weight 0 counts as if it were
            not there
        X_val, y_val, sample_weight_val : rows to find the best epoch by; without them, some of X are set aside

        Returns
        -------
        self, with ``network_``, ``encoder_``, ``target_``, ``history_``, ``plan_`` and ``seed_``

        Raises
        ------
        DataError, TargetError : the table, the target or a weight cannot be used; the message names column and row
        ShapeError : tables, targets and weights do not have the same number of rows
        OptionError : an option has a value outside its range
        """
        self.validate()
        began = time.perf_counter()
        task = begin_fit(self, X, y, sample_weight, max_subtasks=2)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)  # a fit that fails leaves no model, rather than half of the one before
        self.seed_ = self._seed()
        rng = Random(self.seed_)
        require_target(type(self).__name__, y, is_classes=is_classifier(self))
        table = training_table(X, self.missing)
        names = column_names(X)
        if names is not None:
            self.feature_names_in_: Array = np.array(names, dtype=object)
        weight = checked_weight(sample_weight, table.height, "sample_weight")
        # All rows say what a column holds: a part of them could say otherwise, and would count rows in another way.
        kinds = {column.name: column.kind for column in infer_columns(table, self.kinds) if column.kind != "empty"}
        self.target_: Any = self._new_target().fit(y)
        require_same_height(table.height, y, "")
        if weight is not None and not weight.all():
            name, counted = self.target_.name, np.flatnonzero(weight)
            table, y, weight = table[counted], as_array(y)[counted], weight[counted]
            self.target_ = self._new_target().fit(y)
            self.target_.name = name
        rows = Rows(table, self.target_.encode(y), weight)
        if (X_val is None) != (y_val is None) or (X_val is None and sample_weight_val is not None):
            raise ShapeError("fit: X_val, y_val and sample_weight_val belong together; pass X_val and y_val, or none.")
        if X_val is not None:
            held = to_table(X_val, missing=self.missing)
            require_rows(held, "judging training (X_val)")
            weight_val = checked_weight(sample_weight_val, held.height, "sample_weight_val")
            require_same_height(held.height, y_val, "_val")
            training, validation = rows, Rows(held, self.target_.encode(y_val), weight_val)
        else:
            stay, aside = split_rows(table.height, self.validation_share, rng, self._strata(rows.target))
            training, validation = rows.take(stay), rows.take(aside)
        self.loss_ = self._loss()
        self.plan_ = plan_training(
            len(training.target), batch_size=self.batch_size, epochs=self.epochs, own_validation=X_val is not None
        )
        deadline = None if self.time_budget is None else began + to_seconds(self.time_budget)
        with limited_cores(self.n_jobs):
            complete = self._train(training, kinds, rng, deadline, task, validation)
            self.refitted_ = complete and self.plan_.refit and self._train(rows, kinds, rng, deadline, task)
        self.fit_seconds_ = time.perf_counter() - began
        if task is not None:
            task.end(dict)
        return self

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
            fitted = lambda network: {"encoder_": encoder, "network_": copy.deepcopy(network)}  # noqa: E731
            watchers.append(EpochTasks(task=part, attributes=fitted))
        history = train(network, **arguments, epochs=epochs, callbacks=watchers, **judged)
        if part is not None:
            part.end()
        if validation is not None:
            self.best_epoch_: int = int(stopping.state["best_epoch"])
            self.history_ = history
        complete = not history.stopped_by or (validation is not None and stopping.has_waited)
        if complete or validation is not None:
            self.encoder_: Encoder = encoder
            self.network_: Network = network
        return complete

    def _beginning(self, encoder: Encoder, rows: Rows, rng: Random, plan: Plan) -> tuple[Network, dict[str, Any]]:
        """Return the network as training finds it, and what `train` gets besides epochs and watchers."""
        n_outputs = self._n_outputs()
        network = build_network(
            encoder,
            n_outputs,
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
            dropout=self.dropout,
            embedding_size=self.embedding_size,
            rng=rng,
        )
        best = self.loss_.best_constant(self.loss_.check_target(rows.target, n_outputs), rows.weight)
        network.named_parameters[f"{len(network.layers) - 1}.bias"][...] = best
        return network, {
            "X": encoder.transform(rows.table),
            "y": rows.target,
            "loss": self.loss_,
            "optimizer": build_optimizer(self.learning_rate, self.weight_decay),
            "total_epochs": plan.epochs,
            "batch_size": plan.batch_size,
            "sample_weight": rows.weight,
            "rng": rng,
            "schedules": plan.schedules(dropout=self.dropout > 0 and len(self.hidden_layer_sizes) > 0),
            "average": AVERAGE,
        }

    def _network_and_link(self) -> tuple[Network, str]:
        return self.network_, self.loss_.link

    def _outputs(self, X: Any) -> Array:
        """Return the network's raw outputs, (n_rows, n_outputs), for a raw table."""
        check_is_fitted(self)
        has_names = hasattr(self, "feature_names_in_")
        table = fitted_table(type(self).__name__, X, self.missing, self.encoder_, has_names=has_names)
        rows = self.encoder_.transform(table)
        with limited_cores(self.n_jobs):
            found = evaluator(self.network_)
            return self.network_.predict(rows) if isinstance(found, str) else found.outputs(rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    @abstractmethod
    def _new_target(self) -> ClassTarget | NumberTarget:
        """Return the kind of target that is learned."""

    @abstractmethod
    def _loss(self) -> Loss:
        """Return the loss for the target that was fitted."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Return the number of the network's outputs."""

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
