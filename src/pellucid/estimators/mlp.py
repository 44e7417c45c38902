"""What the drop-in classifier and regressor share: scikit-learn's options, attributes and rules of stopping."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, validate_data

from pellucid.domains import Boolean, Choice, Either, Infinity, Integer, Kind, Nothing, Number, Several
from pellucid.errors import DataError, OptionError
from pellucid.estimators.mlp_network import (
    ACTIVATIONS,
    build_network,
    draw_weights,
    objective_for,
    raw_outputs,
    read_network,
)
from pellucid.estimators.mlp_rules import Descent, Moments, search
from pellucid.estimators.mlp_steps import Steps
from pellucid.estimators.notebook import ShownInNotebook
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.optimizers import LBFGS
from pellucid.options import Configurable, option

SIZES = Either(Integer(1), Several(Integer(1)), Kind((np.ndarray,), "an array of them"))
ACTIVATION = Choice(tuple(ACTIVATIONS))


class MLP(ShownInNotebook, Configurable, BaseEstimator):
    """The options, and the way from arrays to a trained network, by the rules of scikit-learn's own MLP."""

    if TYPE_CHECKING:
        hidden_layer_sizes: Any
        activation: str
    solver: str = option(Choice(("lbfgs", "sgd", "adam")), "The rule by which weights move.", default="adam")
    alpha: float = option(
        Number(0), "Strength of half the sum of squared weights, divided by a batch's sum of weights.", default=0.0001
    )
    batch_size: Any = option(
        Either(Choice(("auto",)), Integer(1)), "Rows per step; 'auto' is 200, or all if they are fewer.", default="auto"
    )
    learning_rate: str = option(
        Choice(("constant", "invscaling", "adaptive")), "How the rate of sgd changes.", default="constant"
    )
    learning_rate_init: float = option(Number(0, open="low"), "Step size at the start.", default=0.001)
    power_t: float = option(Number(0), "Exponent of 'invscaling'.", default=0.5)
    max_iter: int = option(Integer(1), "Most passes over the rows, or steps of lbfgs.", default=200)
    shuffle: bool = option(Boolean(), "Visit the rows in a new order in each pass.", default=True)
    random_state: Any = option(
        Either(Integer(0), Nothing("NumPy's global state"), Kind((np.random.RandomState,), "a RandomState")),
        "What first weights, orders and validation rows are drawn from.",
        default=None,
    )
    tol: float = option(Number(0), "Least progress that counts as such.", default=1e-4)
    verbose: Any = option(Either(Boolean(), Integer(0)), "Print a line per pass.", default=False)
    warm_start: bool = option(Boolean(), "Go on from the weights of the fit before.", default=False)
    momentum: float = option(Number(0, 1), "Share of sgd's velocity kept from step to step.", default=0.9)
    nesterovs_momentum: bool = option(Boolean(), "Look ahead along sgd's velocity.", default=True)
    early_stopping: bool = option(Boolean(), "Stop by the score on rows set aside, and keep the best.", default=False)
    validation_fraction: float = option(
        Number(0, 1, open="high"), "Share of the rows set aside for early stopping.", default=0.1
    )
    beta_1: float = option(Number(0, 1, open="high"), "Share of adam's mean slope kept.", default=0.9)
    beta_2: float = option(Number(0, 1, open="high"), "Share of adam's mean square kept.", default=0.999)
    epsilon: float = option(Number(0, open="low"), "Added to the root of adam's mean square.", default=1e-8)
    n_iter_no_change: Any = option(
        Either(Integer(1), Infinity("never")), "Stop after more passes than these without progress.", default=10
    )
    max_fun: int = option(Integer(1), "Most evaluations of the loss in lbfgs.", default=15000)

    def __post_init__(self) -> None:
        """Nothing is checked here: scikit-learn's convention is that `fit` does."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @abstractmethod
    def _checked_target(self, y: Array, *, anew: bool, incremental: bool) -> Array:
        """Return the target as (n_rows, n_outputs), and learn the classes where it is ``anew``."""

    @abstractmethod
    def _out_activation(self) -> str:
        """Return scikit-learn's name of the output activation."""

    @abstractmethod
    def _validation_score(self, X: Any, y: Array, sample_weight: Array | None) -> float:
        """Return the score by which early stopping judges."""

    @abstractmethod
    def _stratum(self, y: Array) -> Array | None:
        """Return what the rows set aside keep the shares of."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on ``X : (n_rows, n_features)``, dense or sparse, and ``y : (n_rows,)`` or ``(n_rows, n_outputs)``.

        Raises `OptionError` for an option outside its domain, and `ValueError` for data that cannot be used.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Self:
        self.validate()
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=int)).tolist()
        if min(sizes, default=1) < 1:
            raise OptionError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        anew = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=anew,
        )
        y = self._checked_target(y, anew=anew, incremental=incremental)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        if weight is not None and not weight.sum() > 0:
            raise DataError(f"{type(self).__name__}: sample_weight is zero for every row; give some rows a weight.")
        self.n_outputs_ = y.shape[1]
        random = check_random_state(self.random_state)
        if anew:
            self._start([X.shape[1], *sizes, y.shape[1]], random, X.dtype)
        if self.solver == "lbfgs":
            self._search(X, y, weight)
        else:
            self._descend(X, y, weight, random, incremental=incremental)
        if not all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_)):
            raise DataError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        return self

    def _start(self, sizes: list[int], random: Any, dtype: Any) -> None:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._out_activation()
        self.coefs_, self.intercepts_ = draw_weights(sizes, self.activation, random, dtype)
        if self.solver == "lbfgs":
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self._best_weights = (self.coefs_, self.intercepts_)
        self.best_loss_: Any = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_: Any = -np.inf if self.early_stopping else None

    def _search(self, X: Any, y: Array, weight: Array | None) -> None:
        """Let SciPy's L-BFGS-B search, in float64, which it works in."""
        network = build_network(self.coefs_, self.intercepts_, self.activation, np.float64)
        n_rows = X.shape[0]
        objective = objective_for(self.out_activation_, self.n_outputs_, y)
        searcher = LBFGS()
        steps = Steps(
            network,
            objective,
            X.astype(np.float64, copy=False),
            y,
            weight,
            batch_size=n_rows,
            alpha=0.0,
            optimizer=searcher,
            state=searcher.start(network.parameters),
        )
        total = float(n_rows if weight is None else weight.sum())
        limits = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        found = search(network, steps, alpha=self.alpha, total_weight=total, options=limits)
        self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        self.loss_ = float(found.fun)
        self.coefs_, self.intercepts_ = read_network(network)

    def _descend(self, X: Any, y: Array, weight: Array | None, random: Any, *, incremental: bool) -> None:
        """Take steps epoch by epoch until a rule of stopping says so."""
        if incremental and self.early_stopping:
            raise OptionError("partial_fit does not support early_stopping=True")
        network = build_network(self.coefs_, self.intercepts_, self.activation, X.dtype)
        held = None
        if self.early_stopping:
            X, y, weight, held = self._set_aside(X, y, weight, random)
        objective = objective_for(self.out_activation_, self.n_outputs_, y)
        if not incremental or not hasattr(self, "_optimizer"):
            kind = Descent if self.solver == "sgd" else Moments
            self._optimizer = kind(self, network, objective.slope_factor)
        steps = Steps(
            network,
            objective,
            X,
            y,
            weight,
            batch_size=self._rows_per_step(X.shape[0]),
            alpha=self.alpha,
            optimizer=self._optimizer.optimizer,
            state=self._optimizer.state,
        )
        order = np.arange(steps.n_rows)
        try:
            self.n_iter_ = 0
            for _ in range(1 if incremental else self.max_iter):
                if self.shuffle:
                    drawn = np.arange(steps.n_rows)  # sklearn.utils.shuffle draws so: a permutation of the last order
                    random.shuffle(drawn)
                    order = order[drawn]
                self.loss_ = steps.epoch(order if self.shuffle else None, self._optimizer.step_rate)
                self.n_iter_ += 1
                self.t_ += steps.n_rows
                self.loss_curve_.append(self.loss_)
                if self.verbose:
                    print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
                self._judge(network, held)
                self._optimizer.after_epoch(self.t_)
                if self._no_improvement_count > self.n_iter_no_change and self._ends():
                    break
                if not incremental and self.n_iter_ == self.max_iter:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                        "hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self.coefs_, self.intercepts_ = self._best_weights if self.early_stopping else read_network(network)

    def _rows_per_step(self, n_rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                f"batch_size={self.batch_size} is more than the {n_rows} rows; it is taken as {n_rows}.", stacklevel=5
            )
        return int(min(self.batch_size, n_rows))

    def _set_aside(self, X: Any, y: Array, weight: Array | None, random: Any) -> Any:
        """Return training rows, and those that early stopping judges by."""
        arrays = [X, y] if weight is None else [X, y, weight]
        parts = train_test_split(
            *arrays, random_state=random, test_size=self.validation_fraction, stratify=self._stratum(y)
        )
        if parts[1].shape[0] < 2:
            raise DataError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        if weight is None:
            parts += [None, None]
        return parts[0], parts[2], parts[4], (parts[1], parts[3], parts[5])

    def _judge(self, network: Network, held: Any) -> None:
        """Count the epochs without progress: of the training loss, or of the score on the rows set aside."""
        if held is None:
            loss = self.loss_curve_[-1]
            self._no_improvement_count = self._no_improvement_count + 1 if loss > self.best_loss_ - self.tol else 0
            self.best_loss_ = min(self.best_loss_, loss)
            return
        self.coefs_, self.intercepts_ = read_network(network)
        score = self._validation_score(*held)
        assert self.validation_scores_ is not None
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        enough = self.best_validation_score_ + self.tol
        self._no_improvement_count = self._no_improvement_count + 1 if score < enough else 0
        if score > self.best_validation_score_:
            self.best_validation_score_ = score
            self._best_weights = (self.coefs_, self.intercepts_)

    def _ends(self) -> bool:
        """Return whether a lack of progress ends training, or only lowers the rate."""
        said = self._optimizer.on_plateau()
        if self.verbose:
            what = "Validation score did not" if self.early_stopping else "Training loss did not"
            passes = self.n_iter_no_change
            print(f"{what} improve more than tol={self.tol:f} for {passes} consecutive epochs. {said}")
        if said.endswith("Stopping."):
            return True
        self._no_improvement_count = 0
        return False

    def _network_and_link(self) -> tuple[Network, str]:
        network = build_network(self.coefs_, self.intercepts_, self.activation, self.coefs_[0].dtype)
        return network, self.out_activation_

    def _raw_outputs(self, X: Any) -> Array:
        """Return the network's outputs, (n_rows, n_outputs), before the link."""
        dtype = np.float32 if np.result_type(X.dtype, self.coefs_[0].dtype) == np.float32 else np.float64
        network = build_network(self.coefs_, self.intercepts_, self.activation, dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            return raw_outputs(network, X)

    def _checked_rows(self, X: Any) -> Any:
        return validate_data(self, X, accept_sparse="csr", reset=False)

    def _solver_is_stochastic(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(f"partial_fit takes single steps; solver={self.solver!r} searches over all rows.")
        return True
