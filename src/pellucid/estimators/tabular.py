"""What the classifier and the regressor share: from a raw table to one early-stopped network, and to predictions."""

from __future__ import annotations

import contextlib
import os
import time
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from pellucid.errors import ShapeError
from pellucid.estimators.duration import Duration, to_seconds
from pellucid.estimators.recipe import AVERAGE, build_network, plan_training
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.optimizers import AdamW
from pellucid.options import (
    Boolean,
    Configurable,
    Either,
    Integer,
    Kind,
    Nothing,
    Number,
    Several,
    Text,
    option,
)
from pellucid.random import Random, as_random
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import require_rows, to_table
from pellucid.tabular.splitting import Rows, split_rows
from pellucid.tabular.targets import ClassTarget, NumberTarget
from pellucid.training import EarlyStopping, ProgressBar, TimeBudget, train


class TabularEstimator(Configurable, BaseEstimator):
    """The options, and the way from a table to a network."""

    hidden_layer_sizes: Any = option(Several(Integer(1)), "Neurons of each hidden layer.", default=(128, 128))
    activation: Any = option(Text("an activation's name"), "Activation of the hidden layers.", default="relu")
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
        default=25,
        unit="epochs",
    )
    validation_share: float = option(
        Number(0, 1, open="low high"), "Share of the rows set aside to find the best epoch.", default=0.15
    )
    one_hot_limit: int = option(Integer(0), "Categories up to this many levels become one-hot columns.", default=8)
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
        Either(Integer(), Nothing("as NumPy is set up")), "Cores for matrix products; -1 means all.", default=None
    )
    verbose: bool = option(Boolean(), "Show a progress bar on a terminal.", default=False)
    callbacks: Any = option(Several(Kind((object,), "a Callback, or a function of a Run")), "Watchers.", default=())

    def __post_init__(self) -> None:
        """Nothing is checked here: scikit-learn's convention is that `fit` does."""

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
        sample_weight : (n_rows,), at least 0
        X_val, y_val, sample_weight_val : rows to find the best epoch by; without them, some of X are set aside

        Returns
        -------
        self, with ``network_``, ``encoder_``, ``target_``, ``history_``, ``plan_`` and ``seed_``

        Raises
        ------
        DataError, TargetError : the table or the target cannot be used; the message names column and row
        OptionError : an option has a value outside its range
        """
        self.validate()
        began = time.perf_counter()
        self.seed_ = self._seed()
        rng = Random(self.seed_)
        table = to_table(X, missing=self.missing)
        require_rows(table, "training")
        self.target_: Any = self._new_target().fit(y)
        encoded = self.target_.encode(y)
        if len(encoded) != table.height:
            raise ShapeError(f"fit: X has {table.height} rows and y has {len(encoded)}; each row needs its target.")
        rows = Rows(table, encoded, _checked_weight(sample_weight, table.height, "sample_weight"))
        if X_val is not None:
            held = to_table(X_val, missing=self.missing)
            weight = _checked_weight(sample_weight_val, held.height, "sample_weight_val")
            training, validation = rows, Rows(held, self.target_.encode(y_val), weight)
        elif y_val is not None or sample_weight_val is not None:
            raise ShapeError("fit: y_val or sample_weight_val is given without X_val; pass all of them, or none.")
        else:
            stay, aside = split_rows(table.height, self.validation_share, rng, self._strata(encoded))
            training, validation = rows.take(stay), rows.take(aside)
        self.loss_ = self._loss()
        self.plan_ = plan_training(
            len(training.target), batch_size=self.batch_size, epochs=self.epochs, own_validation=X_val is not None
        )
        deadline = None if self.time_budget is None else began + to_seconds(self.time_budget)
        with self._threads():
            complete = self._train(training, rng, deadline, validation)
            if complete and self.plan_.refit:
                self._train(rows, rng, deadline)
        self.n_features_in_ = len(self.encoder_.columns)
        self.feature_names_in_ = np.asarray([column.name for column in self.encoder_.columns], dtype=object)
        self.fit_seconds_ = time.perf_counter() - began
        return self

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
        """Write the fitted estimator to one file that `pellucid.load` reads back; returns its SHA-256.

        Raises `OutputError` if the path exists (unless ``overwrite``) or cannot be written.
        """
        from pellucid.model import save

        check_is_fitted(self)
        return save(self, Path(path), overwrite=overwrite)

    def _train(self, rows: Rows, rng: Random, deadline: float | None, validation: Rows | None = None) -> bool:
        """Fit the encoder and train the network: to the best epoch on ``validation``, or up to the one found before.

        Returns whether training ended by itself; cut short without validation rows, it leaves what was there before.
        """
        encoder = Encoder(one_hot_limit=self.one_hot_limit, kinds=self.kinds).fit(rows.table)
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
        watchers: list[Any] = [*self.callbacks]
        judged: dict[str, Any] = {}
        if validation is not None:
            stopping = EarlyStopping(patience=self.patience or self.plan_.epochs, last_of_ties=True)
            watchers.insert(0, stopping)
            judged = {"X_val": encoder.transform(validation.table), "y_val": validation.target}
            judged["sample_weight_val"] = validation.weight
        if deadline is not None:
            watchers.append(TimeBudget(max(deadline - time.perf_counter(), 1e-3)))
        if self.verbose:
            watchers.append(ProgressBar(description="training" if validation is not None else "on all rows"))
        history = train(
            network,
            encoder.transform(rows.table),
            rows.target,
            loss=self.loss_,
            optimizer=AdamW(learning_rate=self.learning_rate, weight_decay=self.weight_decay, beta2=0.95),
            epochs=self.plan_.epochs if validation is not None else self.best_epoch_,
            total_epochs=self.plan_.epochs,
            batch_size=self.plan_.batch_size,
            sample_weight=rows.weight,
            rng=rng,
            schedules=self.plan_.schedules(dropout=self.dropout > 0),
            average=AVERAGE,
            callbacks=watchers,
            **judged,
        )
        if validation is not None:
            self.best_epoch_: int = int(stopping.state["best_epoch"])
            self.history_ = history
        complete = not history.stopped_by or (validation is not None and stopping.has_waited)
        if complete or validation is not None:
            self.encoder_: Encoder = encoder
            self.network_: Network = network
        return complete

    def _outputs(self, X: Any) -> Array:
        """Return the network's raw outputs, (n_rows, n_outputs), for a raw table."""
        check_is_fitted(self)
        with self._threads():
            return self.network_.predict(self.encoder_.transform(to_table(X, missing=self.missing)))

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

    @contextlib.contextmanager
    def _threads(self) -> Iterator[None]:
        """Limit the cores that NumPy's matrix products use, for this call only."""
        if self.n_jobs is None:
            yield
            return
        from threadpoolctl import threadpool_limits

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        with threadpool_limits(limits=self.n_jobs if self.n_jobs > 0 else max(1, cores + 1 + self.n_jobs)):
            yield


def _checked_weight(sample_weight: Any, n_rows: int, name: str) -> Array | None:
    """Return the weights as an array with one number per row; their values are checked where training uses them."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_rows,):
        raise ShapeError(f"fit: {name} has shape {weight.shape}; it expects ({n_rows},), one number per row.")
    return weight
