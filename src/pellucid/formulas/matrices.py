"""The matrix form of a formula, ``Z¹ = X W¹ + b¹``: read off the form with indices, where there is such a form."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.formulas.entry import Entry
from pellucid.formulas.expression import (
    Cell,
    Constant,
    Expression,
    Function,
    Index,
    Named,
    Operation,
    Position,
    Reduction,
)
from pellucid.formulas.symbols import Symbol
from pellucid.formulas.writing import Latex, Piece, Text

_SUM, _PRODUCT, _ATOM = 1, 3, 5


class _NoMatrixForm(Exception):
    pass


def matrix_form(entry: Entry, latex: bool = False) -> str | None:
    """Return the formula without indices, or None where it has no such form.

    A cell at the indices of the left side stands for its whole array, a vector over the columns for itself in every
    row, and a sum of products for a product of matrices: Σₖ Aᵢₖ Bₖⱼ is A B, and Σᵢ Aᵢₖ Bᵢⱼ is Aᵀ B.
    """
    if entry.formula is None or not entry.at:
        return None
    writer = _Matrices(entry.at, latex)
    try:
        right = writer.piece(entry.formula)[0]
    except _NoMatrixForm:
        return None
    arrow = "=" if entry.replaces is None else r"\leftarrow" if latex else "←"
    return f"{writer.symbol(entry.symbol)} {arrow} {right}"


@dataclass(frozen=True)
class _Matrices:
    at: tuple[Index, ...]
    latex: bool

    def symbol(self, symbol: Symbol) -> str:
        return symbol.latex_with_indices([]) if self.latex else symbol.text

    def piece(self, expression: Expression) -> Piece:
        match expression:
            case Constant():
                return (Latex() if self.latex else Text())._piece(expression)
            case Cell(entry, at):
                if at in (self.at, self.at[1:], ()):
                    return self.symbol(entry.symbol), _ATOM
                raise _NoMatrixForm
            case Named(name, argument, _):
                name = {"σ": r"\sigma"}.get(name, rf"\operatorname{{{name}}}") if self.latex else name
                return f"{name}({self.piece(argument)[0]})", _ATOM
            case Reduction("Σ", index, Operation("*", (Cell() as a, Cell() as b))):
                return self._product(index, a, b), _PRODUCT
            case Operation(operator, arguments) if operator in ("+", "-", "*", "/", "negative"):
                return self._operation(operator, arguments)
        raise _NoMatrixForm

    def _product(self, over: Index, a: Cell, b: Cell) -> str:
        if len(self.at) != 2:
            raise _NoMatrixForm
        row, column = self.at
        transposed = r"^{\top}" if self.latex else "ᵀ"
        lefts: dict[tuple[Position, ...], str] = {(row, over): "", (over, row): transposed}
        rights: dict[tuple[Position, ...], str] = {(over, column): "", (column, over): transposed}
        left, right = lefts.get(a.at), rights.get(b.at)
        if left is None or right is None:
            raise _NoMatrixForm
        space = r" \, " if self.latex else " "
        return f"{self._turned(a, left)}{space}{self._turned(b, right)}"

    def _turned(self, cell: Cell, transposed: str) -> str:
        name = self.symbol(cell.entry.symbol)
        if transposed and name.startswith((r"\frac", r"\left", "∂")):
            name = self._parentheses(name)
        return f"{{{name}}}{transposed}" if transposed and self.latex else name + transposed

    def _operation(self, operator: str, arguments: tuple[Expression, ...]) -> Piece:
        pieces = [self.piece(argument) for argument in arguments]
        if operator == "negative":
            return f"{self._minus}{self._held(pieces[0], _PRODUCT)}", _SUM
        if operator in "+-":
            rest = [f"{self._minus if operator == '-' else '+'} {self._held(piece, _PRODUCT)}" for piece in pieces[1:]]
            return " ".join([pieces[0][0], *rest]), _SUM
        left, right = (self._held(piece, _PRODUCT) for piece in pieces)
        if operator == "/":
            if self.latex:
                return rf"\frac{{{pieces[0][0]}}}{{{pieces[1][0]}}}", _ATOM
            return f"{left} / {self._held(pieces[1], _ATOM)}", _PRODUCT
        scaled = any(_is_scalar(argument) for argument in arguments)
        sign = (r" \, " if self.latex else " ") if scaled else (r" \odot " if self.latex else " ⊙ ")
        return f"{left}{sign}{right}", _PRODUCT

    @property
    def _minus(self) -> str:
        return "-" if self.latex else "−"

    def _parentheses(self, text: str) -> str:
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def _held(self, piece: Piece, at_least: int) -> str:
        return piece[0] if piece[1] >= at_least else self._parentheses(piece[0])


def _is_scalar(expression: Expression) -> bool:
    match expression:
        case Constant():
            return True
        case Cell(_, at):
            return not at
        case Operation(_, arguments) | Function(_, arguments):
            return all(map(_is_scalar, arguments))
    return False
