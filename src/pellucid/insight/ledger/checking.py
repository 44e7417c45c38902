"""The column of differences: beside each slope of the ledger, what the definition of the derivative says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pellucid.errors import DataError
from pellucid.formulas import Entry
from pellucid.insight.differences import TOLERANCE, central_difference, one_sided, step_for
from pellucid.insight.ledger.recording import Recording, twin
from pellucid.insight.ledger.sections import Ledger
from pellucid.layers import Layer
from pellucid.layers.base import Array, walk
from pellucid.random import Random


class Difference(NamedTuple):
    """What differences say of one number: the slope; and the slopes to the left and to the right of it.

    At a kink, such as ReLU at 0, these two differ, and backpropagation may give any slope between them.
    """

    middle: float
    left: float
    right: float

    def is_kink(self, scale: float) -> bool:
        """Return whether the slope jumps, for slopes of a scale."""
        return abs(self.right - self.left) > TOLERANCE * scale

    def distance(self, slope: float) -> float:
        """Return how far a slope is off: from the middle, or from the range of the sides, if it is nearer to that."""
        low, high = sorted((self.left, self.right))
        return min(abs(slope - self.middle), max(low - slope, slope - high, 0.0))


class Differences:
    """Computes the step's loss again, in float64, with one number moved: a parameter, or what enters a layer.

    The batch, the masks and the batch's statistics are those of the step.
    """

    def __init__(self, made: Recording, ledger: Ledger) -> None:
        self._made, self._ledger = made, ledger
        self._network = twin(made.setting.network, np.float64)
        self._network.parameters[...] = made.start
        self._network.buffers[...] = made.before.buffers
        self._start = self._network.parameters.copy()
        batch = made.batch
        self._x = batch.x.astype(np.float64)
        self._target = batch.target.astype(np.float64) if batch.target.dtype.kind == "f" else batch.target
        self._weight = None if batch.weight is None else batch.weight.astype(np.float64)
        self._moved: tuple[str, tuple[int, ...], float] = ("", (), 0.0)
        for path, layer in walk(self._network.chain):
            self._let_inputs_move(path, layer)
        self.tolerance = TOLERANCE if made.network.dtype == np.float64 else 1e-3  # float32 slopes round by 1e-7 a term

    def has(self, entry: Entry) -> bool:
        """Whether a difference can be taken: for slopes of parameters and of what enters a layer or the loss."""
        return entry in self._ledger.slopes or entry in self._ledger.enters

    def at(self, entry: Entry, cell: tuple[int, ...]) -> Difference | None:
        """Return the difference for one cell, or None where the number has no neighbors: a code of a category."""
        if entry in self._ledger.slopes:
            name, of_objective = self._ledger.slopes[entry]
            return self._of_parameter(float(entry.value[cell]), name, cell, of_objective)
        path = self._ledger.enters[entry]
        enters = self._made.passages[""].y if path == "loss" else self._made.passages[path].x

        def value_at(distance: float) -> float:
            self._moved = (path, cell, distance)
            return self._value(False)

        try:
            return _difference(float(entry.value[cell]), value_at, step_for(float(enters[cell])))
        except DataError:
            return None
        finally:
            self._moved = ("", (), 0.0)

    def _of_parameter(self, slope: float, name: str, cell: tuple[int, ...], of_objective: bool) -> Difference:
        view = self._network.named_parameters[name]
        before = float(view[cell])

        def value_at(distance: float) -> float:
            view[cell] = before + distance
            return self._value(of_objective)

        try:
            return _difference(slope, value_at, step_for(before))
        finally:
            view[cell] = before

    def _value(self, of_objective: bool) -> float:
        made, setting = self._made, self._made.setting
        address = Random(made.before.seed, step=made.before.step) if self._network.chain.draws else None
        outputs, _ = self._network.chain.forward(self._x, training=True, rng=address, rates=made.rates)
        if self._moved[0] == "loss":
            outputs = self._nudged("loss", outputs)
        value, _ = setting.loss.value_and_gradient(outputs, self._target, self._weight)
        if of_objective and setting.penalty is not None:
            value += setting.penalty.value_and_gradient(self._network.parameters, self._network.weight_decay_factor)[0]
        return value

    def _let_inputs_move(self, path: str, layer: Layer) -> None:
        forward = layer.forward

        def nudged_forward(x: Array, **how: Any) -> tuple[Array, Any]:
            return forward(self._nudged(path, x), **how)

        vars(layer)["forward"] = nudged_forward

    def _nudged(self, path: str, x: Array) -> Array:
        moved, cell, distance = self._moved
        if moved != path or not cell:
            return x
        x = x.copy()
        x[cell] += distance
        return x


def _difference(slope: float, value_at: Callable[[float], float], size: float) -> Difference:
    middle = central_difference(value_at, size)
    if abs(slope - middle) <= TOLERANCE * abs(middle):
        return Difference(middle, middle, middle)
    return Difference(middle, *one_sided(value_at, size))  # off: by a mistake, or at a kink
