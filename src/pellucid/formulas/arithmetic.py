"""The arithmetic of an expression: what one cell comes to, term by term, and the numbers of all cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from pellucid.formulas.expression import (
    FUNCTIONS,
    Array,
    Cell,
    Choice,
    Condition,
    Constant,
    Expression,
    Function,
    Index,
    Lookup,
    Named,
    Operation,
    Place,
    Placed,
    Position,
    Reduction,
    Shifted,
    added,
)

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {">": np.greater, "<": np.less, "=": np.equal}
_OPERATORS: dict[str, Callable[..., Any]] = {
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "negative": np.negative,
}

Where: TypeAlias = Mapping[Index, int | Index]


def expand(expression: Expression, where: Where, most_terms: int | None = None) -> Expression:
    """Return the arithmetic at one place: indices become numbers, sums their terms, and laid pieces their cells.

    where : the value from 0 of each index that the expression has, outside the sums over it
    most_terms : where a sum has more, the last ones stay together as a sum
    """

    def inside(part: Expression) -> Expression:
        return expand(part, where, most_terms)

    match expression:
        case Place(Index() as index):
            return Place(where[index])
        case Cell(entry, at):
            return Cell(entry, tuple(_position(position, where) for position in at))
        case Operation(operator, arguments):
            return Operation(operator, tuple(map(inside, arguments)))
        case Function(name, arguments):
            return Function(name, tuple(map(inside, arguments)))
        case Named(_, _, meaning):
            return inside(meaning)
        case Reduction():
            return _expanded_sum(expression, where, most_terms)
        case Choice(condition, then, otherwise):
            compared = Condition(inside(condition.left), condition.relation, inside(condition.right))
            return Choice(compared, inside(then), inside(otherwise))
        case Placed(pieces, (row, column)):
            i, j = _position(row, where), _position(column, where)
            assert isinstance(j, int), "the columns of pieces are never summed over"
            return added(*(Cell(e, (i, j - start)) for start, e in pieces if start <= j < start + e.value.shape[1]))
    return expression


def _expanded_sum(expression: Reduction, where: Where, most_terms: int | None) -> Expression:
    name, index, body = expression.name, expression.index, expression.body
    shortened = most_terms is not None and name == "Σ" and index.size > most_terms
    terms: list[Expression] = []
    for value in range(index.size):
        if shortened and most_terms is not None and len(terms) == most_terms - 1:
            rest = Index(index.letter, index.size, value)
            terms.append(Reduction(name, rest, expand(body, {**where, index: rest})))
            break
        term = expand(body, {**where, index: value}, most_terms)
        if name != "Σ" or any(isinstance(given, Index) for given in where.values()) or not _is_left_out(term):
            terms.append(term)
    return added(*terms) if name == "Σ" else Operation("max", tuple(terms))


def evaluate(expression: Expression, over: Sequence[Index] = ()) -> Array:
    """Return the expression's numbers for all values of the indices, ``(index.size, ...)`` in their order."""
    with np.errstate(all="ignore"):  # limits such as 1/(1 + e^1000) = 0 are right
        value = np.asarray(_evaluate(expression, tuple(over)))
    return np.broadcast_to(value, tuple(index.size for index in over)).copy()


def _evaluate(expression: Expression, axes: tuple[Index, ...]) -> Any:
    """Return an array that has an axis per index, of length 1 where the value does not depend on it."""
    match expression:
        case Constant(value):
            return value
        case Place(index):
            return float(index) if isinstance(index, int) else _steps(index, axes).astype(float)
        case Cell(entry, at):
            return entry.value[tuple(_positions(position, axes) for position in at)] if at else entry.value[()]
        case Operation("+", arguments):
            value = _evaluate(arguments[0], axes)
            for argument in arguments[1:]:
                value = value + _evaluate(argument, axes)
            return value
        case Operation("max", arguments):
            return np.max(np.broadcast_arrays(*(_evaluate(argument, axes) for argument in arguments)), axis=0)
        case Operation(operator, arguments):
            return _OPERATORS[operator](*(_evaluate(argument, axes) for argument in arguments))
        case Function(name, arguments):
            return FUNCTIONS[name](*(_evaluate(argument, axes) for argument in arguments))
        case Named(_, _, meaning):
            return _evaluate(meaning, axes)
        case Reduction(name, index, body):
            inner = _evaluate(body, (*axes, index))
            size = index.size - index.start
            if not np.ndim(inner):
                return inner * size if name == "Σ" else inner
            inner = np.broadcast_to(inner, (*np.shape(inner)[:-1], size))
            return inner.sum(axis=-1) if name == "Σ" else inner.max(axis=-1)
        case Choice(condition, then, otherwise):
            left, right = _evaluate(condition.left, axes), _evaluate(condition.right, axes)
            holds = _RELATIONS[condition.relation](left, right)
            return np.where(holds, _evaluate(then, axes), _evaluate(otherwise, axes))
        case Placed(pieces, (row, column)):
            width = max(start + entry.value.shape[1] for start, entry in pieces)
            size = column.size if isinstance(column, Index) else 0
            whole = np.zeros((len(pieces[0][1].value), max(width, size)), pieces[0][1].value.dtype)
            for start, entry in pieces:
                whole[:, start : start + entry.value.shape[1]] += entry.value
            return whole[_positions(row, axes), _positions(column, axes)]
    raise TypeError(f"no expression: {expression!r}")


def _positions(position: Position, axes: tuple[Index, ...]) -> Any:
    match position:
        case Index():
            return _steps(position, axes)
        case Shifted(index, offset):
            return _steps(index, axes) + offset
        case Lookup(cell):
            return np.asarray(_evaluate(cell, axes)).astype(np.intp)
    return position


def _steps(index: Index, axes: tuple[Index, ...]) -> Array:
    """Return 0, 1, ... along the index's axis."""
    assert any(axis is index for axis in axes), f"the formula has an index {index.letter} that nothing runs over"
    shape = [index.size - index.start if axis is index else 1 for axis in axes]
    return np.arange(index.start, index.size).reshape(shape)


def _position(position: Position, where: Where) -> Position:
    match position:
        case Index():
            return where[position]
        case Shifted(index, offset):
            return where[index] + offset
        case Lookup(cell):
            found = expand(cell, where)
            assert isinstance(found, Cell)
            return int(evaluate(found)) if all(isinstance(at, int) for at in found.at) else Lookup(found)
    return position


def _is_left_out(term: Expression) -> bool:
    """Whether a term of a sum is a choice that came out as 0: a row of another code."""
    if not isinstance(term, Choice) or not isinstance(term.otherwise, Constant) or term.otherwise.value != 0:
        return False
    condition = term.condition
    return not _RELATIONS[condition.relation](evaluate(condition.left), evaluate(condition.right))
