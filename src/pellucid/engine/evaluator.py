"""An evaluator computes natively what rows give with the weights that a network has at the moment: outputs and loss."""

from __future__ import annotations

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

_ROWS = 256  # a block's activations stay in the cache; a fixed number, as the loss is summed block by block
_LONGEST = 2e9  # floating-point operations of a call: it returns in time to answer an interrupt


class Evaluator:
    """Unlike a `Predictor` it reads the network itself, whose weights may go on changing.

    With a loss and the target of all rows, as the loss checked it, `loss` gives theirs.
    """

    def __init__(
        self, loaded: Library, plan: Plan, network: Network, target: Array | None = None, weight: Array | None = None
    ) -> None:
        self._library, self._plan, self._network = loaded, plan, network
        self._target = None if target is None else np.ascontiguousarray(target)
        self._weight = None if weight is None else np.ascontiguousarray(weight)
        self._run = run = TrainingRun()
        run.threads = threads_for(plan)
        run.scratch_numbers = loaded.scratch(plan)
        self._workspace = aligned(plan.workspace * run.threads, plan.dtype)
        self._scratch = aligned(run.scratch_numbers * run.threads, plan.dtype)
        run.parameters, run.buffers = address(network.parameters), address(network.buffers)
        run.workspace, run.scratch = address(self._workspace), address(self._scratch)
        run.batch_size = plan.rows
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
        x = np.ascontiguousarray(self._network.check_rows(x))
        check_codes(self._plan, x)
        outputs = np.empty((len(x), self._network.n_outputs), self._plan.dtype)
        run = self._run
        for start in range(0, len(x), self._rows_per_call):
            stop = start + self._rows_per_call
            run.x, run.outputs, run.n_order = address(x[start:]), address(outputs[start:]), len(x[start:stop])
            run.workspace_numbers = self._plan.workspace if loss is None else 0  # a thread has blocks, or part of each
            run.losses, run.batch = address(loss), start // self._plan.rows
            run.target = None if self._target is None else address(self._target[start:])
            run.weight = None if self._weight is None else address(self._weight[start:])
            self._library.predict(self._plan, run)
        return outputs


def evaluator(
    network: Network, loss: Loss | None = None, target: Array | None = None, weight: Array | None = None
) -> Evaluator | str:
    """Return an evaluator for the network, or why it is NumPy's to compute."""
    loaded = library()
    if isinstance(loaded, str):
        return loaded
    planned = plan_prediction(network, _ROWS, loss, target)
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
