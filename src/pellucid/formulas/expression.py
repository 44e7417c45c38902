"""An expression is a formula as a tree over the cells of named arrays, so that one formula can be read and computed.

A layer says ``z[i, j] = Σ_k x[i, k] W[k, j] + b[j]`` once, as ``sum_over(k, x[i, k] * W[k, j]) + b[j]``. From that
tree come the formula as text and as LaTeX (`writing`), and the arithmetic of one cell and all numbers (`arithmetic`),
to hold it against what the layer computed. Cells are counted from 0 in the tree, and from 1 where it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pellucid import normal

if TYPE_CHECKING:
    from pellucid.formulas.entry import Entry

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Index:
    """A running index, such as i over the rows: 1, 2, ..., size. ``k + 2`` is the position two after it.

    ``start`` is above 0 for an index over what a shortened sum leaves out.
    """

    letter: str
    size: int
    start: int = 0

    def __add__(self, offset: int) -> Position:
        return Shifted(self, offset) if offset else self


@dataclass(frozen=True, eq=False)
class Shifted:
    """The position ``offset`` after an index."""

    index: Index
    offset: int

    def __add__(self, offset: int) -> Position:
        return Shifted(self.index, self.offset + offset)


@dataclass(frozen=True, eq=False)
class Lookup:
    """The position that a cell holds as a number, from 0: the row of an embedding's table that a code names."""

    cell: Cell


Position: TypeAlias = Index | Shifted | Lookup | int


class Expression:
    """A formula's tree; the operators of arithmetic build it."""

    def __add__(self, other: Term) -> Expression:
        return Operation("+", (self, as_expression(other)))

    def __radd__(self, other: Term) -> Expression:
        return Operation("+", (as_expression(other), self))

    def __sub__(self, other: Term) -> Expression:
        return Operation("-", (self, as_expression(other)))

    def __rsub__(self, other: Term) -> Expression:
        return Operation("-", (as_expression(other), self))

    def __mul__(self, other: Term) -> Expression:
        return Operation("*", (self, as_expression(other)))

    def __rmul__(self, other: Term) -> Expression:
        return Operation("*", (as_expression(other), self))

    def __truediv__(self, other: Term) -> Expression:
        return Operation("/", (self, as_expression(other)))

    def __rtruediv__(self, other: Term) -> Expression:
        return Operation("/", (as_expression(other), self))

    def __neg__(self) -> Expression:
        return Operation("negative", (self,))

    def __pow__(self, exponent: Term) -> Expression:
        return Operation("**", (self, as_expression(exponent)))

    def __gt__(self, other: Term) -> Condition:
        return Condition(self, ">", as_expression(other))

    def __lt__(self, other: Term) -> Condition:
        return Condition(self, "<", as_expression(other))


Term: TypeAlias = Expression | float | int


@dataclass(frozen=True, eq=False)
class Constant(Expression):
    """A number, with a letter where it has one: ``Constant(0.1, "η")``."""

    value: float
    letter: str = ""


@dataclass(frozen=True, eq=False)
class Place(Expression):
    """An index as a number, counted from 0: the k of ``1 if y = k else 0`` for classes 0, 1, ..."""

    index: Index | int


@dataclass(frozen=True, eq=False)
class Cell(Expression):
    """One cell of an entry, at indices or at whole numbers from 0."""

    entry: Entry
    at: tuple[Position, ...]


@dataclass(frozen=True, eq=False)
class Operation(Expression):
    """``+``, ``-``, ``*``, ``/``, ``**`` or ``negative``; sums may have many arguments."""

    operator: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Function(Expression):
    """A function from `FUNCTIONS` of one or two arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Named(Expression):
    """A function that has a name of its own, σ(z), with what it means: 1 / (1 + e^(-z))."""

    name: str
    argument: Expression
    meaning: Expression


@dataclass(frozen=True, eq=False)
class Reduction(Expression):
    """``Σ`` or ``max`` of a body over an index."""

    name: str
    index: Index
    body: Expression


@dataclass(frozen=True, eq=False)
class Condition:
    """A comparison, by ``>``, ``<`` or ``=``."""

    left: Expression
    relation: str
    right: Expression


@dataclass(frozen=True, eq=False)
class Choice(Expression):
    """One expression where a condition holds, else another."""

    condition: Condition
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, eq=False)
class Placed(Expression):
    """Entries laid into the columns of one matrix, each from its start; where they overlap, they add up."""

    pieces: tuple[tuple[int, Entry], ...]
    at: tuple[Position, ...]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "cos": np.cos,
    "sin": np.sin,
    "abs": np.abs,
    "sign": np.sign,
    "max": np.maximum,
    "min": np.minimum,
    "Φ": normal.cdf,
    "φ": normal.density,
}


def as_expression(value: Term) -> Expression:
    """Return an expression as it is, and a number as one."""
    return value if isinstance(value, Expression) else Constant(float(value))


def added(*terms: Expression) -> Expression:
    """Return the sum of some expressions; that of none is 0."""
    return terms[0] if len(terms) == 1 else Operation("+", terms) if terms else Constant(0.0)


def product(*factors: Expression) -> Expression:
    """Return the product of one or more expressions."""
    whole = factors[0]
    for factor in factors[1:]:
        whole = whole * factor
    return whole


def sum_over(index: Index, body: Expression) -> Expression:
    """Return Σ of the body over an index."""
    return Reduction("Σ", index, body)


def mean_over(index: Index, body: Expression) -> Expression:
    """Return the mean of the body over an index."""
    return sum_over(index, body) / index.size


def max_over(index: Index, body: Expression) -> Expression:
    """Return the maximum of the body over an index."""
    return Reduction("max", index, body)


def function(name: str, *arguments: Term) -> Expression:
    """Return a function of expressions: ``function("max", z, 0)``."""
    assert name in FUNCTIONS
    return Function(name, tuple(map(as_expression, arguments)))


def choose(condition: Condition, then: Term, otherwise: Term) -> Expression:
    """Return ``then`` where the condition holds, else ``otherwise``."""
    return Choice(condition, as_expression(then), as_expression(otherwise))


def same(left: Term, right: Term) -> Condition:
    """Return the condition that two expressions are equal."""
    return Condition(as_expression(left), "=", as_expression(right))


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions that this one is made of."""
    match expression:
        case Operation(_, arguments) | Function(_, arguments):
            return arguments
        case Reduction(_, _, body) | Named(_, _, body):
            return (body,)
        case Choice(condition, then, otherwise):
            return (condition.left, condition.right, then, otherwise)
        case Cell(_, at):
            return tuple(position.cell for position in at if isinstance(position, Lookup))
    return ()


def entries_of(expression: Expression) -> Iterator[Entry]:
    """Yield the entries whose cells the expression names, as they come."""
    if isinstance(expression, Placed):
        yield from (entry for _, entry in expression.pieces)
    if isinstance(expression, Cell):
        yield expression.entry
    for child in children(expression):
        yield from entries_of(child)
