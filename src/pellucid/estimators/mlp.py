"""What the drop-in classifier and regressor share: from arrays to a network, and from rows to outputs."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, validate_data

from pellucid.errors import DataError, OptionError
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.mlp_descent import DescendingMLP
from pellucid.estimators.mlp_network import build_network, draw_weights, layer_activations, raw_outputs, read_network
from pellucid.estimators.mlp_objective import objective_for
from pellucid.estimators.mlp_rules import search
from pellucid.estimators.mlp_steps import Steps
from pellucid.estimators.mlp_validation import Validation
from pellucid.estimators.notebook import ShownInNotebook
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.optimizers import LBFGS
from pellucid.training.history import TrainingState


class MLP(ShownInNotebook, DescendingMLP, BaseEstimator):
    """The fit and the outputs, by the rules of scikit-learn's own MLP."""

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
    def _validation_target(self, y: Any) -> Array:
        """Return the target of rows to judge by as (n_rows, n_outputs), by what was learned of the training rows."""

    @abstractmethod
    def _out_activation(self) -> str:
        """Return scikit-learn's name of the output activation."""

    def _row_weights(self, y: Array, sample_weight: Array | None, *, training: bool) -> Array | None:
        """Return the weights of rows with this target, (n_rows,), or None where all count alike."""
        return sample_weight

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
        """Train on rows and their targets.

        Parameters
        ----------
        X : (n_rows, n_features), dense or sparse
        y : (n_rows,), or (n_rows, n_outputs) of numbers or of labels 0 and 1
        sample_weight : (n_rows,), at least 0
        X_val, y_val, sample_weight_val : rows to judge by after each epoch, in ``validation_loss_curve_`` and
            ``validation_scores_``; ``early_stopping`` then judges by them, and sets none aside

        Returns
        -------
        self, with the fitted attributes

        Raises
        ------
        OptionError : an option is outside its domain, or excludes another
        ValueError : the data cannot be used
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], *, incremental: bool) -> Self:
        self.validate()
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=int)).tolist()
        if min(sizes, default=1) < 1:
            raise OptionError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        functions = layer_activations(self.activation, len(sizes))
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
        weight = self._row_weights(y, weight, training=True)
        self._require_some_weight(weight, "sample_weight")
        self.n_outputs_ = y.shape[1]
        held = self._checked_validation(*validation, X.dtype)
        random = check_random_state(self.random_state)
        if anew:
            self.n_iter_ = self.t_ = 0
            self.n_layers_ = len(sizes) + 2
            self.out_activation_ = self._out_activation()
            self.coefs_, self.intercepts_ = draw_weights([X.shape[1], *sizes, y.shape[1]], functions, random, X.dtype)
            self.__dict__.pop("_optimizer", None)
        if self.solver != "lbfgs" and (anew or not hasattr(self, "loss_curve_")):
            self._start_descent()
        with self._cores():
            if self.solver == "lbfgs":
                self._search(X, y, weight)
            else:
                self._descend(X, y, weight, random, held, incremental=incremental)
        if not all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_)):
            raise DataError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed."
            )
        return self

    def _require_some_weight(self, weight: Array | None, name: str) -> None:
        if weight is not None and not weight.sum() > 0:
            raise DataError(f"{type(self).__name__}: {name} is zero for every row; give some rows a weight.")

    def _checked_validation(self, X: Any, y: Any, sample_weight: Any, dtype: Any) -> Validation | None:
        """Return the rows given to judge by, or None."""
        name = type(self).__name__
        if X is None and (y is not None or sample_weight is not None):
            raise DataError(f"{name}: got {'y_val' if y is not None else 'sample_weight_val'} without X_val.")
        if X is None:
            return None
        if y is None:
            raise DataError(f"{name}: got X_val without y_val; each row needs its target.")
        if self.solver == "lbfgs":
            raise OptionError(
                f"{name}: got X_val together with solver='lbfgs', which has no epochs to judge after. Leave it out, or "
                "write solver='adam'."
            )
        X = validate_data(self, X, accept_sparse="csr", dtype=dtype, reset=False)
        check_consistent_length(X, y)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        y = self._validation_target(y)
        weight = self._row_weights(y, weight, training=False)
        self._require_some_weight(weight, "sample_weight_val")
        return Validation(X, y, weight)

    def _cores(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.n_jobs is None else limited_cores(self.n_jobs)

    def _search(self, X: Any, y: Array, weight: Array | None) -> None:
        """Let SciPy's L-BFGS-B search, in float64, which it works in."""
        network = build_network(self.coefs_, self.intercepts_, self.activation, np.float64)
        n_rows = X.shape[0]
        searcher = LBFGS()
        steps = Steps(
            network,
            objective_for(self.loss, self.out_activation_, self.n_outputs_, y),
            X.astype(np.float64, copy=False),
            y,
            weight,
            batch_size=n_rows,
            alpha=0.0,
            optimizer=searcher,
            state=TrainingState(0, 1, optimizer=searcher.start(network.parameters)),
        )
        self.engine_ = steps.engine
        total = float(n_rows if weight is None else weight.sum())
        limits = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        found = search(network, steps, alpha=self.alpha, total_weight=total, options=limits)
        self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        self.loss_ = float(found.fun)
        self.coefs_, self.intercepts_ = read_network(network)

    def _network_and_link(self) -> tuple[Network, str]:
        network = build_network(self.coefs_, self.intercepts_, self.activation, self.coefs_[0].dtype)
        return network, self.out_activation_

    def _raw_outputs(self, X: Any) -> Array:
        """Return the network's outputs, (n_rows, n_outputs), before the link."""
        dtype = np.float32 if np.result_type(X.dtype, self.coefs_[0].dtype) == np.float32 else np.float64
        network = build_network(self.coefs_, self.intercepts_, self.activation, dtype)
        with np.errstate(over="ignore", invalid="ignore"), self._cores():
            return raw_outputs(network, X)

    def _checked_rows(self, X: Any) -> Any:
        return validate_data(self, X, accept_sparse="csr", reset=False)

    def _solver_is_stochastic(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(f"partial_fit takes single steps; solver={self.solver!r} searches over all rows.")
        return True
