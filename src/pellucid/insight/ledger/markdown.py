"""The ledger as Markdown, with its formulas in LaTeX between dollar signs."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Latex
from pellucid.insight.ledger.text import conventions, headline, origin
from pellucid.insight.ledger.traced import TracedStep
from pellucid.insight.ledger.view import Shown, View


def markdown(steps: list[TracedStep], view: View) -> str:
    """Return the ledgers of some steps."""
    return "\n\n".join(block for step in steps for block in _blocks(step, view)) + "\n"


def _blocks(step: TracedStep, view: View) -> Iterator[str]:
    sections = view.of(step)
    yield f"# {headline(step)}"
    yield conventions(view)
    for title, entries in sections:
        yield f"## {title}"
        for shown in entries:
            yield from _entry(shown, Latex(digits=view.digits))


def _entry(shown: Shown, writer: Latex) -> Iterator[str]:
    entry = shown.entry
    yield f"### ${writer.symbol(entry)}$"
    yield origin(shown).replace("_", r"\_").replace("*", r"\*")
    if entry.formula is not None:
        whole = matrix_form(entry, latex=True)
        ranges = writer.ranges(entry)
        equation = writer.equation(entry) + (rf" \qquad {ranges}" if ranges else "")
        for line in ([whole] if whole is not None else []) + [equation]:
            yield f"$$\n{line}\n$$"
        yield f"from {', '.join(f'${writer.symbol(operand)}$' for operand in entry.operands)}"
    values = [[writer.number(value) for value in row] for row in shown.values]
    yield f"$$\n{writer.symbol(entry)} = {_matrix(shown, values)}\n$$"
    if shown.differences is not None and not all(found is None for row in shown.differences for found in row):
        approximate = _matrix(shown, shown.by_differences(writer, r"\text{–}", r"\dots"))
        yield f"$$\n{writer.symbol(entry)} \\approx {approximate} \\text{{ by finite differences}}\n$$"
    for cell in shown.written_out:
        yield f"$$\n{writer.arithmetic(entry, cell)}\n$$"
    remarks = [text for text in (shown.summary, shown.verdict) if text]
    if remarks:
        yield "; ".join(remarks)


def _matrix(shown: Shown, rows: list[list[str]]) -> str:
    """Return written numbers as a matrix; dots stand where rows or columns are left out."""
    if not shown.entry.shape:
        return rows[0][0]
    shape = shown.entry.shape
    if len(shown.columns) < (1 if shown.is_column else shape[-1]):
        rows = [[*row, r"\cdots"] for row in rows]
    if len(shown.rows) < (shape[0] if len(shape) == 2 or shown.is_column else 1):
        rows.append([r"\vdots"] * len(rows[0]))
    lines = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"
