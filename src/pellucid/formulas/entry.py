"""An entry is one line of the ledger: a named array, and the formula by which each of its cells came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from pellucid.formulas.arithmetic import evaluate, expand
from pellucid.formulas.expression import (
    Array,
    Cell,
    Constant,
    Expression,
    Index,
    Lookup,
    Position,
    entries_of,
)
from pellucid.formulas.symbols import Symbol


@dataclass(eq=False)
class Entry:
    """A quantity of a training step.

    Attributes
    ----------
    symbol : its name in formulas, such as ``∂L/∂W¹``
    value : its numbers, of 0, 1 or 2 axes
    name : its name in the network where it is a parameter, its slope, or a buffer: ``"0.weight"``
    meaning : what it is, in a few words
    at, formula : the indices of a cell (i runs over rows of the batch) and the expression for it; None for what is
        given, such as X
    replaces : the entry whose place it takes after the step: the new W¹ replaces the old
    """

    symbol: Symbol
    value: Array
    name: str = ""
    meaning: str = ""
    at: tuple[Index, ...] = ()
    formula: Expression | None = None
    replaces: Entry | None = None
    source: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    @property
    def operands(self) -> list[Entry]:
        """The entries that the formula names, each once."""
        return list(dict.fromkeys(entries_of(self.formula))) if self.formula is not None else []

    def __getitem__(self, at: Position | tuple[Position, ...]) -> Cell:
        return Cell(self, at if isinstance(at, tuple) else (at,))

    @property
    def scalar(self) -> Cell:
        """The one cell of an entry without axes."""
        return Cell(self, ())

    def equals(self, at: Sequence[Index], formula: Expression, meaning: str = "") -> Entry:
        """Say by which formula the cell at these indices came about; returns the entry."""
        self.at, self.formula = tuple(at), formula
        self.meaning = meaning or self.meaning
        return self

    def over(self, letters: str) -> Entry:
        """Say what the axes of a given quantity run over; returns the entry."""
        self.at = self.indices(letters)
        return self

    def indices(self, letters: str = "ij") -> tuple[Index, ...]:
        """Return an index for each axis."""
        return tuple(Index(letter, size) for letter, size in zip(letters, self.shape, strict=False))

    def expand(self, *cell: int, most_terms: int | None = None) -> Expression:
        """Return the arithmetic of one cell, counted from 0: an expression over cells and numbers.

        most_terms : where a sum has more, the last ones stay together as a sum
        """
        assert self.formula is not None
        return expand(self.formula, dict(zip(self.at, cell, strict=True)), most_terms)

    def recomputed(self) -> Array:
        """Return the value that the formula gives, computed from the entries that it names."""
        assert self.formula is not None
        return evaluate(self.formula, self.at).astype(self.value.dtype, copy=False)


def derived(
    symbol: Symbol, at: Sequence[Index], formula: Expression, meaning: str = "", dtype: Any = None, source: str = ""
) -> Entry:
    """Return an entry whose value is what its formula gives: a step on the way that the code does not keep."""
    value = evaluate(formula, at)
    value = value if dtype is None else value.astype(dtype, copy=False)
    return Entry(symbol, value, meaning=meaning, source=source).equals(at, formula)


Explanation: TypeAlias = tuple[list[Entry], list[Entry]]
"""The entries of the way forward and of the way back, each in the order in which they come about."""


@dataclass
class Columns:
    """Some columns of an entry, as if they were an entry: what one part of a table sees of it."""

    entry: Entry
    start: int
    stop: int

    @property
    def symbol(self) -> Symbol:
        """The whole entry's symbol."""
        return self.entry.symbol

    @property
    def value(self) -> Array:
        """The columns."""
        return self.entry.value[:, self.start : self.stop]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the columns."""
        return self.value.shape

    def __getitem__(self, at: tuple[Position, Position]) -> Cell:
        row, column = at
        assert not isinstance(column, Lookup)
        return self.entry[row, column + self.start]


Matrix: TypeAlias = Entry | Columns


@dataclass
class LayerCall:
    """What went through a layer and back: its quantities as entries, for `Layer.explain` to say how they came about.

    x, y : (n_rows, n_inputs) and (n_rows, n_outputs)
    dy, dx : dLoss/dy and dLoss/dx; dx is None where nobody needed it
    cache : what `forward` returned beside y
    parameters, gradients, buffers, new_buffers : by the layer's own names for them
    inner : the calls of the layers that it holds, by their names
    slopes : the slopes of values on the way inside the layer, each with the value that it is of
    rates : the factors that schedules gave
    number, source : the superscript of its symbols; the layer in words
    """

    x: Matrix
    y: Entry
    dy: Matrix
    dx: Entry | None
    cache: Any
    parameters: dict[str, Entry] = field(default_factory=dict)
    gradients: dict[str, Entry] = field(default_factory=dict)
    buffers: dict[str, Entry] = field(default_factory=dict)
    new_buffers: dict[str, Entry] = field(default_factory=dict)
    inner: Mapping[str, LayerCall] = field(default_factory=dict)
    slopes: dict[Entry, Entry] = field(default_factory=dict)
    rates: Mapping[str, Any] = field(default_factory=dict)
    number: int = 1
    source: str = ""

    def input_slope(self) -> list[Entry]:
        """Return dx as a list of one, or of none where nobody needed it."""
        return [] if self.dx is None else [self.dx]

    def rows(self) -> Index:
        """Return an index i over the rows."""
        return Index("i", self.y.shape[0])

    def columns(self) -> Index:
        """Return an index j over the columns that come out."""
        return Index("j", self.y.shape[1])

    def value(self, letter: str, value: Array, meaning: str) -> Entry:
        """Return an entry for a value on the way that the cache holds; what was drawn needs no formula."""
        value = value.astype(self.y.value.dtype, copy=False)
        return Entry(Symbol.of(letter, self.number), value, meaning=meaning, source=self.source).over("ij")

    def step(self, letter: str, at: Sequence[Index], formula: Expression, meaning: str) -> Entry:
        """Return an entry for a value on the way that the cache does not hold: it is computed from the formula."""
        return derived(Symbol.of(letter, self.number), at, formula, meaning, self.y.value.dtype, self.source)

    def slope(self, of: Entry, at: Sequence[Index], formula: Expression, meaning: str = "") -> Entry:
        """Return an entry for dLoss/d(a value on the way), computed from the formula."""
        slope = derived(of.symbol.slope("L"), at, formula, meaning, self.y.value.dtype, self.source)
        self.slopes[slope] = of
        return slope


@dataclass
class LossCall:
    """What a loss was given and gave, for `Loss.explain`.

    outputs, target : (n_rows, n_outputs), and as the loss checked it
    weight : (n_rows,) or None
    per_row : (n_rows,), each row's loss
    value : the batch's loss, without axes; slope : dLoss/doutputs
    """

    outputs: Entry
    target: Entry
    weight: Entry | None
    per_row: Entry
    value: Entry
    slope: Entry

    def rows(self) -> Index:
        """Return an index i over the rows."""
        return Index("i", self.outputs.shape[0])

    def columns(self, letter: str = "j") -> Index:
        """Return an index over the outputs."""
        return Index(letter, self.outputs.shape[1])

    def step(self, letter: str, at: Sequence[Index], formula: Expression, meaning: str) -> Entry:
        """Return an entry for a value on the way, computed from the formula."""
        return derived(Symbol.of(letter), at, formula, meaning, self.outputs.value.dtype)


@dataclass
class Update:
    """One parameter array in a step of an optimizer.

    parameter, gradient, new : its values before, its slope, and its values after
    state, new_state : what the optimizer remembers, before and after, by the state's own names; what it remembers of
        all parameters together is the same entry in every update
    rates : factors on configured values, each one number or an array like the parameter
    """

    parameter: Entry
    gradient: Entry
    new: Entry
    state: Mapping[str, Entry]
    new_state: Mapping[str, Entry]
    rates: Mapping[str, Any]

    @cached_property
    def at(self) -> tuple[Index, ...]:
        """An index for each axis of the parameter."""
        return self.parameter.indices("kj" if self.parameter.value.ndim == 2 else "j")

    def rate(self, name: str, letter: str, value: float, at: tuple[Index, ...]) -> Expression:
        """Return a configured value times its factor: a number, or where the factors differ, the cell of an entry."""
        factor = np.asarray(self.rates.get(name, 1.0))
        if factor.size and (factor == factor.flat[0]).all():
            return Constant(float(value * factor.flat[0]), letter)
        symbol = Symbol.of(letter).belonging_to(self.parameter.symbol)
        return Entry(symbol, value * factor, meaning=f"{name.replace('_', ' ')} of each")[at]


@dataclass
class OptimizerCall:
    """What an optimizer did in a step, for `Optimizer.explain`.

    updates : each parameter array's, in the network's order
    common, new_common : what the optimizer remembers of all parameters together, before and after
    parameters, gradients, new : (n_parameters,), the flat vectors; state : as it was before the step
    views : from a flat vector to its parts by parameter name
    """

    updates: list[Update]
    common: Mapping[str, Entry]
    new_common: Mapping[str, Entry]
    parameters: Array
    gradients: Array
    new: Array
    state: Mapping[str, Array]
    rates: Mapping[str, Any]
    views: Callable[[Array], Mapping[str, Array]]


@dataclass
class PenaltyCall:
    """What a penalty was given and gave, for `Penalty.explain`.

    parameters, factors : each parameter array, and how much it counts: one number, or an array like it
    gradients, slopes : dL/dparameter, and dJ/dparameter for the objective J = L + Ω
    loss, value, objective : L, Ω and J
    """

    parameters: list[Entry]
    factors: list[Array]
    gradients: list[Entry]
    slopes: list[Entry]
    loss: Entry
    value: Entry
    objective: Entry


__all__ = [
    "Columns",
    "Entry",
    "Explanation",
    "LayerCall",
    "LossCall",
    "Matrix",
    "OptimizerCall",
    "PenaltyCall",
    "Update",
    "derived",
]
