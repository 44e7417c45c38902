"""An evaluator computes natively what rows give with the weights that a network has at the moment: outputs and loss."""

from __future__ import annotations

import threading

import numpy as np

from pellucid.engine.native import Library, address, aligned, library, threads_for
from pellucid.engine.plan import Plan, plan_prediction
from pellucid.engine.predictor import check_codes
from pellucid.engine.records import TrainingRun
from pellucid.errors import OptionError, ShapeError
from pellucid.layers.base import Array, Layer, on_numpy, walk
from pellucid.losses import Loss
from pellucid.network import Network
from pellucid.options import from_config, to_config

BLOCK_ROWS = 256  # a block's activations stay in the cache; a fixed number, as the loss is summed block by block
_LONGEST = 2e9  # floating-point operations of a call: it returns in time to answer an interrupt


class _Memory(threading.local):
    """What a thread computes in, kept for its next call; nothing in it outlives one."""

    def __init__(self) -> None:
        self.workspace = self.scratch = aligned(0, np.uint8)

    def lend(self, run: TrainingRun, plan: Plan) -> None:
        """Give a call, whose threads are known, workspace and scratch for each of them."""
        size = plan.dtype.itemsize * run.threads
        if self.workspace.size < plan.workspace * size:
            self.workspace = aligned(plan.workspace * size, np.uint8)
        if self.scratch.size < run.scratch_numbers * size:
            self.scratch = aligned(run.scratch_numbers * size, np.uint8)
        run.workspace, run.scratch = address(self.workspace), address(self.scratch)


_memory = _Memory()


class Evaluator:
    """Unlike a `Predictor` it reads the network itself, whose weights may go on changing; threads may share it.

    With a loss and the target of all rows, as the loss checked it, `loss` gives theirs.
    """

    def __init__(
        self, loaded: Library, plan: Plan, network: Network, target: Array | None = None, weight: Array | None = None
    ) -> None:
        self._library, self._plan, self._network = loaded, plan, network
        self._target = None if target is None else np.ascontiguousarray(target)
        self._weight = None if weight is None else np.ascontiguousarray(weight)
        self._scratch_numbers = loaded.scratch(plan)
        self._rows_per_call = plan.rows * max(1, int(_LONGEST // max(plan.arithmetic, 1)))

    def outputs(self, x: Array) -> Array:
        """Return the outputs ``(n_rows, n_outputs)`` for ``x : (n_rows, n_inputs)``.

        Raises `ShapeError` or `DataError` for rows that do not fit.
        """
        return self._computed(x, None)

    def loss(self, x: Array) -> tuple[Array, float]:
        """Return the outputs and their loss, summed in blocks of rows.

        The blocks are the same for the same rows, whatever the batches of the training and the number of threads.
        """
        if self._target is None or len(self._target) != len(x):
            raise ShapeError("Evaluator.loss expects the rows whose target it was made with.")
        value = np.empty(1)
        return self._computed(x, value), float(value[0])

    def _computed(self, x: Array, loss: Array | None) -> Array:
        plan, network = self._plan, self._network
        x = np.ascontiguousarray(network.check_rows(x))
        check_codes(plan, x)
        outputs = np.empty((len(x), network.n_outputs), plan.dtype)
        run = TrainingRun(batch_size=plan.rows, threads=self._threads(len(x), loss))
        run.scratch_numbers = self._scratch_numbers
        run.workspace_numbers = plan.workspace if loss is None else 0  # a thread has blocks, or part of each
        run.parameters, run.buffers = address(network.parameters), address(network.buffers)
        run.losses = address(loss)
        _memory.lend(run, plan)
        for start in range(0, len(x), self._rows_per_call):
            stop = start + self._rows_per_call
            run.x, run.outputs, run.n_order = address(x[start:]), address(outputs[start:]), len(x[start:stop])
            run.batch = start // plan.rows
            run.target = None if self._target is None else address(self._target[start:])
            run.weight = None if self._weight is None else address(self._weight[start:])
            self._library.predict(plan, run)
        return outputs

    def _threads(self, n_rows: int, loss: Array | None) -> int:
        """Return how many threads a call uses: for a loss they share each block of rows, otherwise each has its own."""
        if loss is not None:
            return threads_for(self._plan)
        blocks = -(-n_rows // self._plan.rows)
        return min(blocks, threads_for(self._plan, n_rows)) if blocks > 1 else 1


def evaluator(
    network: Network, loss: Loss | None = None, target: Array | None = None, weight: Array | None = None
) -> Evaluator | str:
    """Return an evaluator for the network, or why it is NumPy's to compute."""
    loaded = library()
    if isinstance(loaded, str):
        return loaded
    planned = plan_prediction(network, BLOCK_ROWS, loss, target)
    return Evaluator(loaded, planned, network, target, weight) if isinstance(planned, Plan) else "; ".join(planned)


def forward(layer: Layer, x: Array) -> Array:
    """Return what the layer, as part of a network, makes of rows, computed natively where that can be.

    This is what ``network.initialize(X, forward=forward)`` hands rows on by.
    """
    try:
        twin = Network([from_config(Layer, to_config(layer))], x.shape[1], dtype=x.dtype)  # type: ignore[type-abstract]
    except OptionError:  # it holds a layer or an activation of the user's own
        return on_numpy(layer, x)
    for prefix, own in walk(layer):
        for views, named in ((own.parameters, twin.named_parameters), (own.buffers, twin.named_buffers)):
            for name, view in views.items():
                named[f"0.{prefix}{name}"][...] = view
    found = evaluator(twin)
    return on_numpy(layer, x) if isinstance(found, str) else found.outputs(x)
