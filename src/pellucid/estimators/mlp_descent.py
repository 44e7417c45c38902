"""Going down the slope epoch by epoch, as scikit-learn's MLP does: who judges, when it ends, which weights are kept."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from pellucid.errors import DataError, OptionError
from pellucid.estimators.fit_tasks import EpochTasks, FitTask
from pellucid.estimators.mlp_network import build_network, named_weights, read_network
from pellucid.estimators.mlp_objective import Objective, objective_for
from pellucid.estimators.mlp_options import MLPOptions
from pellucid.estimators.mlp_rules import Chosen, Descent, Moments
from pellucid.estimators.mlp_steps import Steps
from pellucid.estimators.mlp_validation import Validation
from pellucid.estimators.mlp_watch import Watch
from pellucid.layers.base import Array
from pellucid.network import Network

_MOST_SEED = np.iinfo(np.int32).max


class DescendingMLP(MLPOptions):
    """The part of an estimator that takes steps, and its attributes of these."""

    if TYPE_CHECKING:
        coefs_: list[Array]
        intercepts_: list[Array]
        out_activation_: str
        n_outputs_: int
        t_: int
        loss_: float
        _random: Any
        _order: Array
        _split: tuple[Array, Array]

    @abstractmethod
    def _validation_score(self, outputs: Array, y: Array, sample_weight: Array | None) -> float:
        """Return the score of raw outputs."""

    @abstractmethod
    def _stratum(self, y: Array) -> Array | None:
        """Return what the rows set aside keep the shares of."""

    def _start_descent(self) -> None:
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self._best_weights = (self.coefs_, self.intercepts_)
        self._best_figure = -np.inf
        self.best_loss_: Any = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.validation_loss_curve_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: Any = -np.inf if self.early_stopping else None
        self.stopped_by_ = ""
        self._finished = False

    def _descend(
        self,
        X: Any,
        y: Array,
        weight: Array | None,
        random: Any,
        held: Validation | None,
        task: FitTask | None,
        *,
        incremental: bool,
    ) -> None:
        """Take steps epoch by epoch until a rule of stopping says so."""
        goes_on = (incremental or self.warm_start == "continue") and hasattr(self, "_optimizer")
        if incremental and self.early_stopping:
            if held is None:
                raise OptionError(
                    "partial_fit does not support early_stopping=True without rows of its own to judge by: pass X_val "
                    "and y_val."
                )
            if self._finished:
                return
        random = self._random if goes_on and not incremental else random
        network = build_network(*self._weights_to_train(goes_on), self.activation, X.dtype, self.dropout)
        if self.early_stopping and held is None:
            X, y, weight, held = self._set_aside(X, y, weight, random, again=goes_on)
        if held is not None and self.validation_loss_curve_ is None:
            self.validation_loss_curve_, self.validation_scores_ = [], []
        objective = objective_for(self.loss, self.out_activation_, self.n_outputs_, y)
        if not goes_on:
            kind = Chosen if self.optimizer is not None else Descent if self.solver == "sgd" else Moments
            seed = int(random.randint(_MOST_SEED)) if self.dropout else 0
            self._optimizer = kind(self, network, objective.slope_factor, seed)
        rule = self._optimizer
        steps = Steps(
            network,
            objective,
            X,
            y,
            weight,
            batch_size=self._rows_per_step(X.shape[0]),
            alpha=self.alpha,
            optimizer=rule.optimizer,
            state=rule.state,
            schedule=self.schedule,
            n_epochs=self.max_iter,
        )
        self.engine_ = steps.engine
        n_epochs = 1 if incremental else self.max_iter
        bar = type(self).__name__ if self.verbose == "progress" else None
        told = [] if task is None else [EpochTasks(task=task, attributes=named_weights)]
        watch = Watch([*self.callbacks, *told], network, rule.state, n_epochs, steps.engine, bar=bar)
        order = self._order if goes_on and not incremental and len(self._order) == steps.n_rows else None
        self._order = np.arange(steps.n_rows) if order is None else order
        self.stopped_by_ = ""
        self.n_iter_ = 0
        watch.begin(anew=not goes_on)
        try:
            while self.n_iter_ < n_epochs and not self.stopped_by_:
                self._epoch(steps, rule, random, watch)
                figures = self._judge(network, objective, held)
                rule.after_epoch(self.t_)
                watch.after_epoch({"loss": self.loss_, **figures, "learning_rate": rule.learning_rate})
                ends = self._no_improvement_count > self.n_iter_no_change and self._ends()
                self.stopped_by_ = watch.ends or (self._reason() if ends else "")
            self._finished = incremental and bool(self.stopped_by_)
            if not incremental and not self.stopped_by_:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                    "hasn't converged yet.",
                    ConvergenceWarning,
                    stacklevel=4,
                )
        except KeyboardInterrupt:
            self.stopped_by_ = "an interrupt"
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:
            watch.end()
        self._random = random
        self._last_weights = self.coefs_, self.intercepts_ = read_network(network)
        if self.early_stopping and (self.stopped_by_ or not incremental):
            self.coefs_, self.intercepts_ = self._best_weights

    def _weights_to_train(self, goes_on: bool) -> tuple[list[Array], list[Array]]:
        """Return the estimator's weights, or the last ones where it keeps the best, which are not where it goes on."""
        keeps_best = self.early_stopping and self.coefs_ is self._best_weights[0]
        return self._last_weights if goes_on and keeps_best else (self.coefs_, self.intercepts_)

    def _epoch(self, steps: Steps, rule: Descent, random: Any, watch: Watch) -> None:
        if self.shuffle:
            drawn = np.arange(steps.n_rows)  # sklearn.utils.shuffle draws so: a permutation of the last order
            random.shuffle(drawn)
            self._order = self._order[drawn]
        self.loss_, n_visited = steps.epoch(self._order if self.shuffle else None, rule.step_rate, watch)
        self.n_iter_ += 1
        self.t_ += n_visited
        self.loss_curve_.append(self.loss_)
        self._say(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")

    def _rows_per_step(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {n_rows} rows; it is taken as {n_rows}.", stacklevel=5
            )
        return int(min(self.batch_size, n_rows))

    def _set_aside(self, X: Any, y: Array, weight: Array | None, random: Any, *, again: bool) -> Any:
        """Return training rows, and those that early stopping judges by; ``again`` the same ones, if it may be."""
        n_rows = X.shape[0]
        if not again or len(self._split[0]) + len(self._split[1]) != n_rows:
            self._split = train_test_split(
                np.arange(n_rows), random_state=random, test_size=self.validation_fraction, stratify=self._stratum(y)
            )
        kept, held = self._split
        if len(held) < 2:
            raise DataError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        weights = (None, None) if weight is None else (weight[kept], weight[held])
        return X[kept], y[kept], weights[0], Validation(X[held], y[held], weights[1])

    def _judge(self, network: Network, objective: Objective, held: Validation | None) -> dict[str, float]:
        """Return the figures of the validation rows, and count the epochs without progress.

        Progress is that of the training loss, or with early stopping of the validation rows.
        """
        figures = {}
        if held is not None:
            outputs, loss = held.outputs_and_loss(
                network, objective_for(self.loss, self.out_activation_, self.n_outputs_, held.y)
            )
            score = self._validation_score(outputs, held.y, held.weight)
            assert self.validation_loss_curve_ is not None
            assert self.validation_scores_ is not None
            self.validation_loss_curve_.append(loss)
            self.validation_scores_.append(score)
            self._say(f"Validation score: {score:f}")
            figures = {"validation_loss": loss, "validation_score": score}
        if not self.early_stopping:
            loss = self.loss_curve_[-1]
            self._no_improvement_count = self._no_improvement_count + 1 if loss > self.best_loss_ - self.tol else 0
            self.best_loss_ = min(self.best_loss_, loss)
            return figures
        figure = figures["validation_score"] if self.monitor == "score" else -figures["validation_loss"]
        enough = self._best_figure + self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if figure < enough else 0
        if figure > self._best_figure:
            self._best_figure, self.best_validation_score_ = figure, figures["validation_score"]
            self._best_weights = read_network(network)
        return figures

    def _ends(self) -> bool:
        """Return whether a lack of progress ends training, or only lowers the rate."""
        said = self._optimizer.on_plateau()
        what = "Validation score did not" if self.early_stopping else "Training loss did not"
        passes = self.n_iter_no_change
        self._say(f"{what} improve more than tol={self.tol:f} for {passes} consecutive epochs. {said}")
        if said.endswith("Stopping."):
            return True
        self._no_improvement_count = 0
        return False

    def _reason(self) -> str:
        what = f"validation {self.monitor}" if self.early_stopping else "training loss"
        return f"the {what} did not improve by {self.tol:g} for {self.n_iter_no_change} epochs"

    def _say(self, line: str) -> None:
        if self.verbose and self.verbose != "progress":
            print(line)
