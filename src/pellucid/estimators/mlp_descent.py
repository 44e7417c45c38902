"""Going down the slope epoch by epoch, as scikit-learn's MLP does: who judges, when it ends, which weights are kept."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
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
from pellucid.estimators.mlp_validation import Judge, Validation
from pellucid.estimators.mlp_watch import Watch
from pellucid.layers.base import Array
from pellucid.network import Network

_MOST_SEED = np.iinfo(np.int32).max


@dataclass
class Left:
    """Where a fit ended, for a warm start that continues.

    weights : the last, where the estimator has the best
    order : of the training rows, from which the next is drawn
    split : the rows that train and those set aside, if there are any
    """

    weights: tuple[list[Array], list[Array]]
    random: Any
    order: Array
    split: tuple[Array, Array] | None


class DescendingMLP(MLPOptions):
    """The part of an estimator that takes steps, and its attributes of these."""

    if TYPE_CHECKING:
        coefs_: list[Array]
        intercepts_: list[Array]
        out_activation_: str
        n_outputs_: int
        t_: int
        loss_: float

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
        self._left: Left | None = None

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
        left = self._left if goes_on and not incremental else None
        network = build_network(*self._weights_from(left), self.activation, X.dtype, self.dropout)
        random, split = (random, None) if left is None else (left.random, left.split)
        if self.early_stopping and held is None:
            if split is None or len(split[0]) + len(split[1]) != len(y):
                split = self._split(y, random)
            X, y, weight, held = _set_aside(X, y, weight, split)
        objective = objective_for(self.loss, self.out_activation_, self.n_outputs_, y)
        if not goes_on:
            kind = Chosen if self.optimizer is not None else Descent if self.solver == "sgd" else Moments
            seed = int(random.randint(_MOST_SEED)) if self.dropout else 0
            self._optimizer = kind(self, network, objective.slope_factor, seed)
        steps = self._steps(network, objective, X, y, weight)
        judge = None
        if held is not None:
            judge = Judge(network, objective_for(self.loss, self.out_activation_, self.n_outputs_, held.y), held)
        if judge is not None and self.validation_loss_curve_ is None:
            self.validation_loss_curve_, self.validation_scores_ = [], []
        n_epochs = 1 if incremental else self.max_iter
        bar = type(self).__name__ if self.verbose == "progress" else None
        told = [] if task is None else [EpochTasks(task=task, attributes=named_weights)]
        watch = Watch([*self.callbacks, *told], network, self._optimizer.state, n_epochs, steps.engine, bar=bar)
        order = np.arange(steps.n_rows) if left is None or len(left.order) != steps.n_rows else left.order
        self.engine_, self.stopped_by_ = steps.engine, ""
        watch.begin(anew=not goes_on)
        try:
            self.n_iter_ = 0
            while self.n_iter_ < n_epochs and not self.stopped_by_:
                if self.shuffle:
                    drawn = np.arange(steps.n_rows)  # sklearn.utils.shuffle draws so: a permutation of the last order
                    random.shuffle(drawn)
                    order = order[drawn]
                self._epoch(steps, order, judge, watch)
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
        self.coefs_, self.intercepts_ = read_network(network)
        if self.warm_start == "continue":
            self._left = Left((self.coefs_, self.intercepts_), random, order, split)
        if self.early_stopping and (self.stopped_by_ or not incremental):
            self.coefs_, self.intercepts_ = self._best_weights

    def _weights_from(self, left: Left | None) -> tuple[list[Array], list[Array]]:
        """Return the estimator's weights, or where it holds the best and goes on, the last."""
        holds_best = self.coefs_ is self._best_weights[0]  # not where somebody put others there
        return left.weights if left is not None and holds_best else (self.coefs_, self.intercepts_)

    def _steps(self, network: Network, objective: Objective, X: Any, y: Array, weight: Array | None) -> Steps:
        return Steps(
            network,
            objective,
            X,
            y,
            weight,
            batch_size=self._rows_per_step(X.shape[0]),
            alpha=self.alpha,
            optimizer=self._optimizer.optimizer,
            state=self._optimizer.state,
            schedule=self.schedule,
            n_epochs=self.max_iter,
        )

    def _epoch(self, steps: Steps, order: Array, judge: Judge | None, watch: Watch) -> None:
        """Visit the rows once, judge what came of it, and say in ``stopped_by_`` whether that was the last time."""
        rule = self._optimizer
        self.loss_, n_visited = steps.epoch(order if self.shuffle else None, rule.step_rate, watch)
        self.n_iter_ += 1
        self.t_ += n_visited
        self.loss_curve_.append(self.loss_)
        self._say(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        figures = self._judged(steps, judge)
        rule.after_epoch(self.t_)
        watch.after_epoch({"loss": self.loss_, **figures, "learning_rate": rule.learning_rate})
        ends = self._no_improvement_count > self.n_iter_no_change and self._ends()
        self.stopped_by_ = watch.ends or (self._reason() if ends else "")

    def _rows_per_step(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {n_rows} rows; it is taken as {n_rows}.", stacklevel=6
            )
        return int(min(self.batch_size, n_rows))

    def _split(self, y: Array, random: Any) -> tuple[Array, Array]:
        """Draw which rows train, and which early stopping judges by."""
        kept, held = train_test_split(
            np.arange(len(y)), random_state=random, test_size=self.validation_fraction, stratify=self._stratum(y)
        )
        if len(held) < 2:
            raise DataError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return kept, held

    def _judged(self, steps: Steps, judge: Judge | None) -> dict[str, float]:
        """Return the figures of the validation rows, and count the epochs without progress.

        Progress is that of the training loss, or with early stopping of the validation rows.
        """
        figures = {}
        if judge is not None:
            outputs, loss = judge()
            score = self._validation_score(outputs, judge.rows.y, judge.rows.weight)
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
            self._best_weights = read_network(steps.network)
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


def _set_aside(X: Any, y: Array, weight: Array | None, split: tuple[Array, Array]) -> Any:
    """Return X, y and weights of the rows that train, and the rows to judge by."""
    kept, held = split
    weights = (None, None) if weight is None else (weight[kept], weight[held])
    return X[kept], y[kept], weights[0], Validation(X[held], y[held], weights[1])
