"""A predictor is a network made ready to be asked often: planned and checked once, then a call computes and no more."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from pellucid.engine.native import address, aligned, library
from pellucid.engine.plan import Plan, plan_prediction
from pellucid.engine.records import TrainingRun
from pellucid.errors import OptionError
from pellucid.layers.base import Array
from pellucid.network import Network

_ROWS = 256  # a block's activations stay in the cache


class Predictor:
    """Computes a network's outputs natively: `predict` for many rows, `predict_one` for one.

    The weights are copied when the predictor is made; training the network further does not change it. Threads may
    share a predictor: each has memory of its own.

    Raises `OptionError` with the reasons if the network has no native form, or this machine no native library.
    """

    def __init__(self, network: Network) -> None:
        loaded = library()
        if isinstance(loaded, str):
            raise OptionError(
                f"Predictor needs the native engine: {loaded}. network.predict(X) gives the same on NumPy."
            )
        network._require_weights()
        planned = plan_prediction(network, _ROWS)
        if not isinstance(planned, Plan):
            raise OptionError(f"Predictor: {'; '.join(planned)}. network.predict(X) works for every network.")
        self._library, self._plan = loaded, planned
        self._network = network.copy()
        self.dtype, self.n_inputs, self.n_outputs = network.dtype, network.n_inputs, network.n_outputs
        self._own = threading.local()

    def predict(self, X: Any) -> Array:
        """Return the outputs ``(n_rows, n_outputs)`` for ``X : (n_rows, n_inputs)``.

        Raises `ShapeError` or `DataError` for rows that do not fit.
        """
        x = X if type(X) is np.ndarray and X.dtype == self.dtype else np.asarray(X, self.dtype)
        if x.ndim != 2 or x.shape[1] != self.n_inputs:
            self._network.check_rows(x)
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        check_codes(self._plan, x)
        outputs = np.empty((len(x), self.n_outputs), self.dtype)
        run = self._memory()
        run.x, run.outputs, run.n_order = x.ctypes.data, outputs.ctypes.data, len(x)
        self._library.predict(self._plan, run)
        return outputs

    def predict_one(self, row: Any) -> Array:
        """Return the outputs ``(n_outputs,)`` for one ``row : (n_inputs,)``."""
        x = row if type(row) is np.ndarray and row.dtype == self.dtype else np.asarray(row, self.dtype)
        if x.ndim != 1 or len(x) != self.n_inputs:
            self._network.check_rows(x[None, :] if x.ndim == 1 else x)
        return self.predict(x[None, :])[0]

    def _memory(self) -> TrainingRun:
        """Return this thread's run: memory requested at its first call."""
        run: TrainingRun | None = getattr(self._own, "run", None)
        if run is None:
            run = self._own.run = TrainingRun()
            network, plan = self._network, self._plan
            self._own.workspace = aligned(plan.workspace, plan.dtype)
            run.scratch_numbers = self._library.scratch(plan)
            self._own.scratch = aligned(run.scratch_numbers, plan.dtype)
            run.parameters, run.buffers = address(network.parameters), address(network.buffers)
            run.workspace, run.scratch = address(self._own.workspace), address(self._own.scratch)
            run.batch_size, run.threads = _ROWS, 1
        return run


def check_codes(plan: Plan, x: Array) -> None:
    """Raise `DataError` as the `Embedding` does if a column of codes holds anything else."""
    for column, layer in plan.codes:
        codes = x[:, column]
        if not ((codes >= 0) & (codes < layer.n_codes) & (codes == np.floor(codes))).all():
            layer.forward(codes[:, None])
