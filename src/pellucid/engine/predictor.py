"""A predictor is a network made ready to be asked often: planned and packed once, then a call only computes."""

from __future__ import annotations

import ctypes
import functools
import threading
from ctypes import c_void_p
from typing import Any

import numpy as np

from pellucid.engine.native import Library, address, aligned, library, threads_for
from pellucid.engine.plan import Plan, plan_prediction
from pellucid.engine.records import Code, Operand, Operation, Space, TrainingRun
from pellucid.errors import OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.network import Network

_ROWS = 256  # a block's activations stay in the cache
_LONGEST = 1e10  # floating-point operations of a call: it returns in time to answer an interrupt


class Predictor:
    """Computes a network's outputs natively: `predict` for many rows, `predict_one` for one.

    The weights are copied when the predictor is made; training the network further does not change it. Threads may
    share a predictor: each has memory of its own. Many rows are shared out among threads, as many as the machine has
    cores to spare; each row's outputs have the same bits however the rows are divided.

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
        self._call = loaded.prediction(planned)
        self._parameters = _packed(loaded, planned, network.parameters)
        self.dtype, self.n_inputs, self.n_outputs = network.dtype, network.n_inputs, network.n_outputs
        self._row_shape = (self.n_inputs,)
        self._rows_per_call = max(1, int(_LONGEST / (planned.arithmetic + 1))) * _ROWS
        self._own = _OwnMemory(self)

    def predict(self, X: Any) -> Array:
        """Return the outputs ``(n_rows, n_outputs)`` for ``X : (n_rows, n_inputs)``.

        Raises `ShapeError` or `DataError` for rows that do not fit.
        """
        x = X if type(X) is np.ndarray and X.dtype == self.dtype else np.asarray(X, self.dtype)
        if x.ndim != 2 or x.shape[1] != self.n_inputs:
            self._network.check_rows(x)
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        if self._plan.codes:
            check_codes(self._plan, x)
        n_rows = len(x)
        outputs = np.empty((n_rows, self.n_outputs), self.dtype)
        own = self._own
        run = own.run
        if n_rows <= _ROWS:
            run.x, run.outputs, run.n_order, run.threads = x.ctypes.data, outputs.ctypes.data, n_rows, 1
            own.call()
            return outputs
        own.use_threads(threads_for(self._plan, n_rows))
        for start in range(0, n_rows, self._rows_per_call):
            part, out = x[start : start + self._rows_per_call], outputs[start:]
            run.x, run.outputs, run.n_order = part.ctypes.data, out.ctypes.data, len(part)
            own.call()
        return outputs

    def predict_one(self, row: Any) -> Array:
        """Return the outputs ``(n_outputs,)`` for one ``row : (n_inputs,)``.

        Raises `ShapeError` or `DataError` for a row that does not fit.
        """
        x = row if type(row) is np.ndarray else np.asarray(row, self.dtype)
        if x.shape != self._row_shape:
            if x.ndim == 1:
                self._network.check_rows(x[None, :])
            raise ShapeError(
                f"Predictor.predict_one got an array of shape {x.shape}; it expects one row, ({self.n_inputs},). "
                f"Write predict(X) for several."
            )
        own = self._own
        own.row[0] = x
        if self._plan.codes:
            check_codes(self._plan, own.row)
        own.call_one()
        return own.outputs.copy()


class _OwnMemory(threading.local):
    """What each thread that asks the predictor has to itself; requested when it asks for the first time."""

    def __init__(self, predictor: Predictor) -> None:
        plan, library = predictor._plan, predictor._library
        self._predictor, self._threads = predictor, 0
        memory = {
            "parameters": address(predictor._parameters),
            "buffers": address(predictor._network.buffers),
            "scratch_numbers": library.scratch(plan),
            "workspace_numbers": plan.workspace,
            "batch_size": _ROWS,
        }
        self.run = TrainingRun(**memory)
        self.row = np.zeros((1, predictor.n_inputs), predictor.dtype)
        self.outputs = np.zeros(predictor.n_outputs, predictor.dtype)
        self._one = TrainingRun(x=address(self.row), outputs=address(self.outputs), n_order=1, threads=1, **memory)
        self.use_threads(1)
        self.call, self.call_one = (
            functools.partial(predictor._call, c_void_p(ctypes.addressof(run))) for run in (self.run, self._one)
        )

    def use_threads(self, threads: int) -> None:
        """Let the next call use so many threads, each with workspace and scratch of its own."""
        run = self.run
        if threads > self._threads:
            self._workspace = aligned(run.workspace_numbers * threads, self._predictor.dtype)
            self._scratch = aligned(run.scratch_numbers * threads, self._predictor.dtype)
            for each in (run, self._one):
                each.workspace, each.scratch = address(self._workspace), address(self._scratch)
            self._threads = threads
        run.threads = threads


def _packed(loaded: Library, plan: Plan, parameters: Array) -> Array:
    """Return the parameters and, behind them, the weights once more as the products read them fastest."""
    operations = (Operation * plan.program.n_forward).from_address(plan.program.forward)
    end = -(-parameters.size // 16) * 16
    for o in operations:
        if o.code == Code.PRODUCT_FORWARD and (numbers := loaded.pack(plan, o, parameters)):
            o.operands[5] = Operand(Space.PARAMETERS, end)
            end += numbers
    packed = aligned(end, plan.dtype)
    packed[: parameters.size] = parameters
    for o in operations:
        if o.operands[5].space == Space.PARAMETERS:
            loaded.pack(plan, o, packed)
    return packed


def check_codes(plan: Plan, x: Array) -> None:
    """Raise `DataError` as the `Embedding` does if a column of codes holds anything else."""
    for column, layer in plan.codes:
        codes = x[:, column]
        if not ((codes >= 0) & (codes < layer.n_codes) & (codes == np.floor(codes))).all():
            layer.forward(codes[:, None])
