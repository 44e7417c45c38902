"""Writing turns an expression into a line of text or of LaTeX: with symbols, or with the numbers in their places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid.formulas.arithmetic import evaluate
from pellucid.formulas.entry import Entry
from pellucid.formulas.expression import (
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
    children,
)
from pellucid.formulas.symbols import Symbol, subscript

_SUM, _BIG_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4, 5  # how tightly a piece holds together
_NEGATED = {">": "≤", "<": "≥", "=": "≠"}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
Piece = tuple[str, int]


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits; an exact one has no more than it needs.

    >>> number(0.417022), number(0.25), number(3.0), number(-1.50004e-9), number(math.inf)
    ('0.4170', '0.25', '3', '−1.500e−9', '∞')
    """
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 10**6:
        return str(int(value)).replace("-", "−")
    rounded = f"{value:.{digits}g}"
    text = rounded if float(rounded) == value else f"{value:#.{digits}g}".rstrip(".")
    mantissa, _, exponent = text.partition("e")
    return (mantissa + (f"e{int(exponent)}" if exponent else "")).replace("-", "−")


@dataclass(frozen=True)
class Text:
    """Writes an expression as plain text.

    numbers : numbers in the place of symbols
    digits : significant digits of a number
    most_terms : a longer sum is shortened; the terms left out are given as their sum
    """

    minus: ClassVar[str] = "−"
    numbers: bool = False
    digits: int = 4
    most_terms: int = 8

    def write(self, expression: Expression) -> str:
        """Return the expression as a line."""
        return self._piece(expression)[0]

    def equation(self, entry: Entry) -> str:
        """Return the formula of an entry with its indices: ``Z¹ᵢⱼ = Σₖ Xᵢₖ W¹ₖⱼ + b¹ⱼ``."""
        assert entry.formula is not None
        left = self._symbol(entry.symbol, [index.letter for index in entry.at])
        return f"{left} {self._sign(entry)} {self.write(entry.formula)}"

    def arithmetic(self, entry: Entry, cell: Sequence[int]) -> str:
        """Return how a cell, counted from 0, came about: symbols, numbers, and the result."""
        expanded = entry.expand(*cell, most_terms=self.most_terms)
        symbols, numbers = self.write(expanded), self._with_numbers().write(expanded)
        result = self._written_number(float(entry.value[tuple(cell)]))
        parts = [symbols, numbers, result]
        parts = [part for index, part in enumerate(parts) if part not in parts[:index]]
        return f"{self._cell(Cell(entry, tuple(cell)))} {self._sign(entry)} {' = '.join(parts)}"

    def cell(self, entry: Entry, cell: Sequence[int]) -> str:
        """Return the symbol of a cell, counted from 0: ``Z¹₂₁``."""
        return self._cell(Cell(entry, tuple(cell)))

    def number(self, value: float) -> str:
        """Return a number."""
        return self._written_number(value)

    def symbol(self, entry: Entry) -> str:
        """Return the symbol of an entry."""
        return self._symbol(entry.symbol, [])

    def ranges(self, entry: Entry) -> str:
        """Return over what the indices of the formula run: ``i = 1…4, k = 1…2``."""
        assert entry.formula is not None
        found = dict.fromkeys([*entry.at, *_running(entry.formula)])
        by_letter = {index.letter: index.size for index in found}
        return ", ".join(f"{letter} = 1…{size}" if size > 1 else f"{letter} = 1" for letter, size in by_letter.items())

    def _with_numbers(self) -> Text:
        return Text(True, self.digits, self.most_terms)

    def _piece(self, expression: Expression) -> Piece:
        match expression:
            case Constant(value, letter):
                return (self._letter(letter), _ATOM) if letter and not self.numbers else self._number(value)
            case Place(index):
                return (str(index), _ATOM) if isinstance(index, int) else (f"{index.letter} {self.minus} 1", _SUM)
            case Cell():
                if self.numbers:
                    return self._number(float(evaluate(expression)))
                return self._cell(expression), _ATOM
            case Named(_, _, meaning):
                return self._piece(meaning)
            case Operation(operator, arguments):
                return self._operation(operator, arguments)
            case Function(name, arguments):
                return self._function(name, [self.write(argument) for argument in arguments])
            case Reduction(_, Index(_, size, start)) if start:
                return self._rest(expression, size - start), _ATOM
            case Reduction(name, index, body):
                return self._reduction(name, index.letter, self._inside(body, _PRODUCT))
            case Choice(condition, then, otherwise):
                return self._choice(condition, then, otherwise)
            case Placed():
                return self._placed(expression), _ATOM
        raise TypeError(f"no expression: {expression!r}")

    def _inside(self, expression: Expression, at_least: int) -> str:
        text, strength = self._piece(expression)
        return text if strength >= at_least else self._parentheses(text)

    def _operation(self, operator: str, arguments: tuple[Expression, ...]) -> Piece:
        if operator == "+":
            return self._sum(arguments)
        if operator == "max":
            return self._function("max", [self.write(argument) for argument in arguments])
        if operator == "negative":
            return self.minus + self._inside(arguments[0], _PRODUCT), _SUM
        left, right = arguments
        if operator == "-":
            return f"{self._inside(left, _SUM)} {self.minus} {self._inside(right, _BIG_SUM)}", _SUM
        if operator == "*":
            return self._times(self._inside(left, _PRODUCT), self._inside(right, _PRODUCT)), _PRODUCT
        if operator == "/":
            return self._quotient(left, right)
        return self._power(self._inside(left, _ATOM), right)

    def _sum(self, arguments: tuple[Expression, ...]) -> Piece:
        parts = [self._inside(argument, _SUM if index == 0 else _BIG_SUM) for index, argument in enumerate(arguments)]
        return " + ".join(parts), _SUM

    def _rest(self, expression: Expression, count: int) -> str:
        """Return what a long sum has besides the terms that are written."""
        value = f": {self._written_number(float(evaluate(expression)))}" if self.numbers else ""
        return self._words(f"[{count:,} more terms{value}]")

    def _number(self, value: float) -> Piece:
        return self._written_number(value), _SUM if value < 0 else _ATOM

    def _written_number(self, value: float) -> str:
        return number(value, self.digits)

    def _cell(self, cell: Cell) -> str:
        return self._symbol(cell.entry.symbol, [self._position(position) for position in cell.at])

    def _position(self, position: Position) -> str:
        match position:
            case Index(letter):
                return letter
            case Shifted(index, offset):
                return f"{index.letter} + {offset}"
            case Lookup(cell):
                return f"{self._cell(cell)} + 1"
        assert isinstance(position, int)
        return str(position + 1)

    def _sign(self, entry: Entry) -> str:
        return "=" if entry.replaces is None else "←"

    def _symbol(self, symbol: Symbol, indices: Sequence[str]) -> str:
        return symbol.with_indices(indices)

    def _letter(self, letter: str) -> str:
        return letter

    def _words(self, text: str) -> str:
        return text

    def _parentheses(self, text: str) -> str:
        return f"({text})"

    def _times(self, left: str, right: str) -> str:
        by_sign = self.numbers or right[0].isdigit()
        return f"{left} × {right}" if by_sign else f"{left} {right}"

    def _quotient(self, left: Expression, right: Expression) -> Piece:
        return f"{self._inside(left, _PRODUCT)} / {self._inside(right, _POWER)}", _PRODUCT

    def _power(self, base: str, exponent: Expression) -> Piece:
        written = self.write(exponent)
        return base + (written.translate(_SUPERSCRIPTS) if written.isdigit() else f"^{written}"), _POWER

    def _function(self, name: str, arguments: list[str]) -> Piece:
        if name == "abs":
            return f"|{arguments[0]}|", _ATOM
        return f"{ {'exp': 'e^', 'sqrt': '√'}.get(name, name) }({', '.join(arguments)})", _ATOM

    def _reduction(self, name: str, index: str, body: str) -> Piece:
        return f"{name}{self._subscript(index)} {body}", _BIG_SUM

    def _subscript(self, index: str) -> str:
        return subscript(index)

    def _choice(self, condition: Condition, then: Expression, otherwise: Expression) -> Piece:
        left, right = self.write(condition.left), self.write(condition.right)
        if not self.numbers:
            return f"{{{self.write(then)} if {left} {condition.relation} {right}, else {self.write(otherwise)}}}", _ATOM
        taken, holds = self._taken(condition, then, otherwise)
        relation = condition.relation if holds else _NEGATED[condition.relation]
        return f"{{{self.write(taken)}, as {left} {relation} {right}}}", _ATOM

    def _taken(self, condition: Condition, then: Expression, otherwise: Expression) -> tuple[Expression, bool]:
        holds = bool(evaluate(Choice(condition, Constant(1), Constant(0))))
        return (then if holds else otherwise), holds

    def _placed(self, placed: Placed) -> str:
        row, column = (self._position(position) for position in placed.at)
        names = [self._symbol(entry.symbol, []) for _, entry in placed.pieces]
        ends = [start + entry.shape[1] for start, entry in placed.pieces]
        starts = [start for start, _ in placed.pieces]
        if starts == [0, *ends[:-1]]:
            return f"[{', '.join(names)}]{self._subscript(row)}{self._subscript(column)}"
        places = [
            f"{name} in columns {start + 1} to {end}" for name, start, end in zip(names, starts, ends, strict=True)
        ]
        return self._words(f"[{' plus '.join(places)}]")


@dataclass(frozen=True)
class Latex(Text):
    """Writes an expression as LaTeX."""

    minus: ClassVar[str] = "-"

    def _with_numbers(self) -> Latex:
        return Latex(True, self.digits, self.most_terms)

    def ranges(self, entry: Entry) -> str:
        """Return over what the indices run."""
        return super().ranges(entry).replace("…", r"\dots ").replace(", ", r",\ ")

    def _written_number(self, value: float) -> str:
        mantissa, _, exponent = number(value, self.digits).replace("−", "-").partition("e")
        text = {"∞": r"\infty", "-∞": r"-\infty", "NaN": r"\mathrm{NaN}"}.get(mantissa, mantissa)
        return f"{text} \\cdot 10^{{{exponent}}}" if exponent else text

    def _number(self, value: float) -> Piece:
        text = self._written_number(value)
        return text, _SUM if value < 0 else _PRODUCT if "cdot" in text else _ATOM

    def _sign(self, entry: Entry) -> str:
        return "=" if entry.replaces is None else r"\leftarrow"

    def _symbol(self, symbol: Symbol, indices: Sequence[str]) -> str:
        return symbol.latex_with_indices(indices)

    def _letter(self, letter: str) -> str:
        return Symbol.of(letter).latex_with_indices([])

    def _words(self, text: str) -> str:
        return rf"\text{{{text}}}"

    def _parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _times(self, left: str, right: str) -> str:
        by_sign = self.numbers or right[0].isdigit()
        return rf"{left} \cdot {right}" if by_sign else rf"{left} \, {right}"

    def _quotient(self, left: Expression, right: Expression) -> Piece:
        return rf"\frac{{{self.write(left)}}}{{{self.write(right)}}}", _PRODUCT

    def _power(self, base: str, exponent: Expression) -> Piece:
        return f"{{{base}}}^{{{self.write(exponent)}}}", _POWER

    def _function(self, name: str, arguments: list[str]) -> Piece:
        inside = ", ".join(arguments)
        if name in ("exp", "sqrt", "abs"):
            shapes = {"exp": "e^{%s}", "sqrt": r"\sqrt{%s}", "abs": r"\left|%s\right|"}
            return shapes[name] % inside, _POWER if name == "exp" else _ATOM
        known = {"Φ": r"\Phi", "φ": r"\varphi", "sign": r"\operatorname{sign}"}
        return f"{known.get(name, chr(92) + name)}{self._parentheses(inside)}", _ATOM

    def _subscript(self, index: str) -> str:
        return f"{{}}_{{{index}}}"

    def _reduction(self, name: str, index: str, body: str) -> Piece:
        return f"{chr(92)}{'sum' if name == 'Σ' else 'max'}_{{{index}}} {body}", _BIG_SUM

    def _choice(self, condition: Condition, then: Expression, otherwise: Expression) -> Piece:
        relations = {"≤": r"\le", "≥": r"\ge", "≠": r"\ne"}
        left, right = self.write(condition.left), self.write(condition.right)
        if not self.numbers:
            cases = (
                rf"{self.write(then)} & {left} {condition.relation} {right} \\ {self.write(otherwise)} & \text{{else}}"
            )
            return rf"\begin{{cases}} {cases} \end{{cases}}", _ATOM
        taken, holds = self._taken(condition, then, otherwise)
        relation = condition.relation if holds else relations[_NEGATED[condition.relation]]
        return rf"\left[{self.write(taken)} \text{{, as }} {left} {relation} {right}\right]", _ATOM


def _running(expression: Expression) -> list[Index]:
    """Return the indices that sums inside the expression run over."""
    own = [expression.index] if isinstance(expression, Reduction) else []
    return own + [index for child in children(expression) for index in _running(child)]
