"""The ledger as JSON data, whose formulas are trees that any reader can compute from the cells that they name."""

from __future__ import annotations

import math
from typing import Any

from pellucid.formulas.expression import (
    Cell,
    Choice,
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
)
from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Latex, Text
from pellucid.insight.ledger.traced import TracedStep
from pellucid.insight.ledger.view import Shown, View


def document(steps: list[TracedStep], view: View) -> dict[str, Any]:
    """Return the ledgers of some steps.

    Cells count from 0. ``values`` has a list for each of ``rows``, with a number for each of ``columns``; a number that
    JSON lacks is one of the texts ``"NaN"``, ``"Infinity"``, ``"-Infinity"``. ``differences`` stand like ``values``,
    with null where a number has no neighbors; each of ``kinks`` is a cell and the slopes to the left and to the right
    of it; ``verdict`` says how far they agree, or why there are none. A formula is one of these:

        {"constant": 0.1, "letter": "η"}                    a number
        {"place": "k"}                                      an index as a number from 0
        {"cell": "W¹", "at": ["k", {"index": "j", "plus": 2}, {"lookup": {"cell": ...}}, 0]}
        {"operation": "+", "of": [...]}                     + - * / ** negative
        {"function": "exp", "of": [...]}                    exp log sqrt tanh abs sign max min Φ φ
        {"over": "k", "size": 3, "reduce": "Σ", "of": ...}  a sum or max
        {"if": [..., ">", ...], "then": ..., "else": ...}   > < =
        {"placed": [[0, "S¹"], [2, "E¹"]], "at": ["i", "j"]}  entries laid into columns, added where they overlap
    """
    return {"steps": [_step(step, view) for step in steps]}


def _step(step: TracedStep, view: View) -> dict[str, Any]:
    return {
        "step": step.number,
        "epoch": step.epoch,
        "batch": step.batch,
        "batch_rows": [int(row) for row in step.rows],
        "dtype": str(step.recording.network.dtype),
        "sections": [
            {"title": title, "entries": [_entry(shown) for shown in entries]} for title, entries in view.of(step)
        ],
    }


def _entry(shown: Shown) -> dict[str, Any]:
    entry = shown.entry
    made: dict[str, Any] = {
        "symbol": entry.symbol.text,
        "latex": Latex().symbol(entry),
        "name": entry.name,
        "meaning": entry.meaning,
        "source": entry.source,
        "shape": list(entry.shape),
        "rows": shown.rows,
        "columns": shown.columns,
        "values": [[_number(value) for value in row] for row in shown.values],
        "replaces": None if entry.replaces is None else entry.replaces.symbol.text,
        "operands": [operand.symbol.text for operand in entry.operands],
    }
    if entry.formula is not None:
        made["formula"] = {
            "text": Text().equation(entry),
            "latex": Latex().equation(entry),
            "matrix_form": matrix_form(entry),
            "indices": [{"letter": index.letter, "size": index.size} for index in entry.at],
            "tree": tree(entry.formula),
        }
    if shown.written_out:
        writer = Text(digits=shown.view.digits)
        made["arithmetic"] = [[list(cell), writer.arithmetic(entry, cell)] for cell in shown.written_out]
    if shown.differences is not None:
        made["differences"] = [
            [None if value is None else _number(value) for value in row] for row in shown.differences
        ]
        made["kinks"] = [[list(cell), _number(found.left), _number(found.right)] for cell, found in shown.kinks]
    if shown.verdict:
        made["verdict"] = shown.verdict
    return made


def tree(expression: Expression) -> dict[str, Any]:
    """Return a formula as JSON data."""
    match expression:
        case Constant(value, letter):
            return {"constant": _number(value), **({"letter": letter} if letter else {})}
        case Place(index):
            return {"place": index.letter if isinstance(index, Index) else index}
        case Cell(entry, at):
            return {"cell": entry.symbol.text, "at": [_position(position) for position in at]}
        case Operation(operator, arguments):
            return {"operation": operator, "of": [tree(argument) for argument in arguments]}
        case Function(name, arguments):
            return {"function": name, "of": [tree(argument) for argument in arguments]}
        case Named(_, _, meaning):
            return tree(meaning)
        case Reduction(name, index, body):
            return {"over": index.letter, "size": index.size, "reduce": name, "of": tree(body)}
        case Choice(condition, then, otherwise):
            compared = [tree(condition.left), condition.relation, tree(condition.right)]
            return {"if": compared, "then": tree(then), "else": tree(otherwise)}
        case Placed(pieces, at):
            laid = [[start, entry.symbol.text] for start, entry in pieces]
            return {"placed": laid, "at": [_position(position) for position in at]}
    raise TypeError(f"no expression: {expression!r}")


def _position(position: Position) -> Any:
    match position:
        case Index(letter):
            return letter
        case Shifted(index, offset):
            return {"index": index.letter, "plus": offset}
        case Lookup(cell):
            return {"lookup": tree(cell)}
    return position


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
