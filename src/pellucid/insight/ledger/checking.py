"""The column of differences: beside each slope of the ledger, what the definition of the derivative says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pellucid.errors import DataError
from pellucid.formulas import Entry, evaluate
from pellucid.insight.differences import TOLERANCE, central_difference, one_sided, step_for
from pellucid.insight.ledger.recording import Recording, twin
from pellucid.insight.ledger.sections import Ledger
from pellucid.layers import Layer
from pellucid.layers.base import Array, walk
from pellucid.random import Random

Cell = tuple[int, ...]

WORK = 1e10
"""Multiply-adds that are taken for differences unasked, a layer's output counted as 16: some seconds on one core."""


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
    """Computes the step's loss again, in float64, with one number moved: a parameter, or a value on the way.

    A value on the way is what enters a layer or the loss, or a value inside a layer, from which the formulas of the
    ledger lead to the layer's output. The batch, the masks and the batch's statistics are those of the step. What the
    number cannot change is not computed again: the layers before it, and for a value on the way the other rows, unless
    rows act on each other (or draw random numbers).

    tolerance : how far, relative to the largest slope, a right slope may be from its difference
    smallest : below this size, a slope cannot be told from zero by differences of the loss
    n_rows : how many rows go through the network for one of them
    """

    def __init__(self, made: Recording, ledger: Ledger) -> None:
        self._made, self._ledger = made, ledger
        self._network = twin(made.setting.network, np.float64)
        self._network.parameters[...] = made.start
        self._network.buffers[...] = made.before.buffers
        batch = made.batch
        self._x = batch.x.astype(np.float64)
        self._target = batch.target.astype(np.float64) if batch.target.dtype.kind == "f" else batch.target
        self._weight = None if batch.weight is None else batch.weight.astype(np.float64)
        self._found: dict[tuple[Entry, Cell], Difference | None] = {}
        self._values: list[Array] = []  # what leaves each of the chain's layers, with nothing moved
        self._first = 0  # the first of them that is computed again
        self._rows: Array | slice = slice(None)  # the rows that are
        self._entering: tuple[str, Cell, float] = ("", (), 0.0)
        self._leaving: tuple[str, Array] = ("", np.empty(0))
        for path, layer in walk(self._network.chain):
            if path:
                self._let_move(path, layer)
        self._outputs = self._forward()
        self._rows_act_alone = self._do_rows_act_alone()
        self.tolerance = TOLERANCE if made.network.dtype == np.float64 else 1e-3  # float32 slopes round by 1e-7 a term
        self.smallest = 1e-3 * abs(made.loss)  # their rounding, about eps^(2/3) of the loss, is then 4e-8 of it
        self.n_rows = len(self._x)
        n_whole = len(ledger.slopes) + (0 if self._rows_act_alone else len(ledger.enters) + len(ledger.inside))
        pass_through = self.n_rows * self._network.parameters.size + 16 * sum(values.size for values in self._values)
        self._bearable = max(1, int(WORK / (2 * pass_through * max(1, n_whole))))

    def has(self, entry: Entry) -> bool:
        """Whether a difference can be taken: for the slopes of parameters and of values on the way."""
        ledger = self._ledger
        return entry in ledger.slopes or entry in ledger.enters or entry in ledger.inside

    def bearable(self, entry: Entry) -> int:
        """Return how many cells of a slope can be taken in a bearable time; at least one."""
        by_row = self._rows_act_alone and entry not in self._ledger.slopes
        return entry.value.size if by_row else self._bearable

    def why_not(self, entry: Entry) -> str:
        """Return why there is none for what stands for a slope; empty for other quantities."""
        return self._ledger.without.get(entry, "")

    def at(self, entry: Entry, cell: Cell) -> Difference | None:
        """Return the difference for one cell, or None where the number has no neighbors: a code of a category."""
        if (entry, cell) not in self._found:
            try:
                self._found[entry, cell] = self._at(entry, cell)
            except DataError:
                self._found[entry, cell] = None
        return self._found[entry, cell]

    def _at(self, entry: Entry, cell: Cell) -> Difference:
        slope = float(entry.value[cell])
        if entry in self._ledger.slopes:
            name, of_objective = self._ledger.slopes[entry]
            return self._of_parameter(slope, name, cell, of_objective)
        if entry in self._ledger.inside:
            return self._of_inside(slope, *self._ledger.inside[entry], cell)
        path = self._ledger.enters[entry]
        enters = self._made.passages[""].y if path == "loss" else self._made.passages[path].x
        row, *column = cell

        def value_at(distance: float) -> float:
            self._entering = (path, (0 if self._rows_act_alone else row, *column), distance)
            return self._value(path, row)

        try:
            return self._difference(slope, value_at, step_for(float(enters[cell])))
        finally:
            self._entering = ("", (), 0.0)

    def _of_inside(self, slope: float, path: str, way: list[Entry], cell: Cell) -> Difference:
        """Return the difference for a value inside a layer, with ``way`` from it to the layer's output."""
        before = [entry.value for entry in way]

        def value_at(distance: float) -> float:
            try:
                way[0].value = before[0].astype(np.float64)
                way[0].value[cell] += distance
                for later in way[1:]:
                    if later.formula is not None:
                        later.value = evaluate(later.formula, later.at)
                self._leaving = (path, way[-1].value)
            finally:
                for entry, value in zip(way, before, strict=True):
                    entry.value = value
            return self._value(path, cell[0])

        try:
            return self._difference(slope, value_at, step_for(float(before[0][cell])))
        finally:
            self._leaving = ("", np.empty(0))

    def _of_parameter(self, slope: float, name: str, cell: Cell, of_objective: bool) -> Difference:
        view = self._network.named_parameters[name]
        before = float(view[cell])

        def value_at(distance: float) -> float:
            view[cell] = before + distance
            value = self._value(name)
            penalty = self._made.setting.penalty
            if of_objective and penalty is not None:
                factor = self._network.weight_decay_factor
                value += penalty.value_and_gradient(self._network.parameters, factor)[0]
            return value

        try:
            return self._difference(slope, value_at, step_for(before))
        finally:
            view[cell] = before

    def _difference(self, slope: float, value_at: Callable[[float], float], size: float) -> Difference:
        middle = central_difference(value_at, size)
        if abs(slope - middle) <= TOLERANCE * max(abs(middle), self.smallest):
            return Difference(middle, middle, middle)
        return Difference(middle, *one_sided(value_at, size))  # off: by a mistake, or at a kink

    def _value(self, path: str, row: int | None = None) -> float:
        """Return the loss with what is moved in the layer of this path; of a value on the way, only in this row."""
        outputs = self._outputs
        if row is not None and self._rows_act_alone:
            outputs = outputs.copy()
            outputs[row] = self._forward(path, np.array([row]))[0]
        else:
            outputs = self._forward(path)
        value, _ = self._made.setting.loss.value_and_gradient(outputs, self._target, self._weight)
        return value

    def _forward(self, path: str = "0.", rows: Array | slice = slice(None)) -> Array:
        """Return the outputs for some rows, computed from the layer of this path on."""
        made, chain = self._made, self._network.chain
        self._first, self._rows = len(chain.layers) if path == "loss" else int(path.partition(".")[0]), rows
        address = Random(made.before.seed, step=made.before.step) if chain.draws else None
        outputs, _ = chain.forward(self._x[rows], training=True, rng=address, rates=made.rates)
        return self._nudged("loss", outputs)

    def _do_rows_act_alone(self) -> bool:
        """Return whether some rows, each alone, give what they give in the batch."""
        n_rows = len(self._x)
        if self._network.chain.draws or n_rows < 2:
            return False
        alone = [self._forward(rows=np.array([row])) for row in (0, n_rows // 2, n_rows - 1)]
        together = self._outputs[[0, n_rows // 2, n_rows - 1]]
        return bool(np.allclose(np.concatenate(alone), together, rtol=1e-9, atol=1e-12))

    def _let_move(self, path: str, layer: Layer) -> None:
        """Let the layer's forward move what is to be moved; a layer of the chain before that gives what it gave."""
        forward = layer.forward
        index = int(path[:-1]) if path.count(".") == 1 else None

        def moved_forward(x: Array, **how: Any) -> tuple[Array, Any]:
            if index is not None and index < self._first:
                return self._values[index][self._rows], None
            y, cache = forward(self._nudged(path, x), **how)
            if self._leaving[0] == path:
                y = self._leaving[1][self._rows]
            if index == len(self._values):
                self._values.append(y)
            return y, cache

        vars(layer)["forward"] = moved_forward

    def _nudged(self, path: str, x: Array) -> Array:
        moved, cell, distance = self._entering
        if moved != path:
            return x
        x = x.copy()
        x[cell] += distance
        return x
