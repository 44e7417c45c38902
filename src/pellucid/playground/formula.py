"""A formula is a text of x1, x2 and arithmetic, computed by walking its tree: nothing of it is ever executed."""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pellucid.errors import DataError, OptionError, listed, near_miss
from pellucid.layers.base import Array

LONGEST = 200
CONSTANTS = {"pi": np.pi, "e": np.e}
FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1),
    "cos": (np.cos, 1),
    "exp": (np.exp, 1),
    "floor": (np.floor, 1),
    "log": (np.log, 1),
    "maximum": (np.maximum, 2),
    "minimum": (np.minimum, 2),
    "sign": (np.sign, 1),
    "sin": (np.sin, 1),
    "sqrt": (np.sqrt, 1),
    "tan": (np.tan, 1),
    "tanh": (np.tanh, 1),
}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: lambda value: value == 0,
    ast.And: lambda left, right: (left != 0) & (right != 0),
    ast.Or: lambda left, right: (left != 0) | (right != 0),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(text: str, columns: Mapping[str, Array]) -> Array:
    """Return the formula's value for each row, ``(n_rows,)``, for ``columns`` of shape ``(n_rows,)`` by name.

    A comparison is 1 where it holds and 0 elsewhere. Raises `OptionError` for what is no formula, `DataError` where a
    value is not finite.

    >>> evaluate("x1 ** 2 + x2 ** 2 < 4", {"x1": np.array([1.0, 2.0]), "x2": np.array([1.0, 2.0])})
    array([1., 0.])
    """
    if len(text) > LONGEST:
        raise OptionError(f"formula has {len(text)} characters; it expects at most {LONGEST}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the tokenizer, about a number that touches a word
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise OptionError(
            f"formula {text!r} cannot be read; it expects arithmetic such as sin(x1) + x2 ** 2."
        ) from None
    n_rows = len(next(iter(columns.values())))
    with np.errstate(all="ignore"):  # what is not finite is refused below
        value = np.asarray(_value(tree, columns), dtype=np.float64)
    value = np.broadcast_to(value, (n_rows,)).copy()
    if not np.isfinite(value).all():
        row = int(np.argmin(np.isfinite(value)))
        at = ", ".join(f"{name} = {column[row]:.3g}" for name, column in columns.items())
        raise DataError(f"formula {text!r} is {value[row]} at {at}; it expects a finite number everywhere.")
    return value


def _value(node: ast.AST, columns: Mapping[str, Array]) -> Any:
    match node:
        case ast.Constant(int(number) | float(number)) if not isinstance(number, bool):
            try:
                return np.float64(number)
            except OverflowError:
                raise OptionError("formula has a number that is too large; it expects at most 1e308.") from None
        case ast.Name(name):
            known = {**CONSTANTS, **columns}
            if name not in known:
                raise OptionError(f"formula names {name!r}; there are {listed(known)}{near_miss(name, known) or '.'}")
            return known[name]
        case ast.BinOp(left, symbol, right) if type(symbol) in OPERATORS:
            return OPERATORS[type(symbol)](_value(left, columns), _value(right, columns))
        case ast.UnaryOp(symbol, operand) if type(symbol) in OPERATORS:
            return _number(OPERATORS[type(symbol)](_value(operand, columns)))
        case ast.BoolOp(symbol, operands):
            value = _value(operands[0], columns)
            for operand in operands[1:]:
                value = OPERATORS[type(symbol)](value, _value(operand, columns))
            return _number(value)
        case ast.Compare(left, [symbol], [right]) if type(symbol) in OPERATORS:
            return _number(OPERATORS[type(symbol)](_value(left, columns), _value(right, columns)))
        case ast.Call(ast.Name(name), arguments, []):
            if name not in FUNCTIONS:
                hint = near_miss(name, FUNCTIONS) or "."
                raise OptionError(f"formula calls {name!r}; there are {listed(FUNCTIONS, limit=20)}{hint}")
            function, count = FUNCTIONS[name]
            if len(arguments) != count:
                raise OptionError(f"formula: {name} got {len(arguments)} values; it expects {count}.")
            return function(*(_value(argument, columns) for argument in arguments))
    raise OptionError(
        f"formula has {ast.unparse(node)!r:.60}; it expects numbers, x1, x2, arithmetic, single comparisons and "
        "functions."
    )


def _number(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64)
