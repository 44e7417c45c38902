"""The ledger as a page: one HTML document that asks the network for nothing, whose cells open to their arithmetic."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.formulas import Entry, Symbol
from pellucid.formulas.matrices import matrix_form
from pellucid.formulas.writing import Text
from pellucid.insight.ledger.text import conventions, headline, origin
from pellucid.insight.ledger.traced import TracedStep
from pellucid.insight.ledger.view import Shown, View

_OPEN, _BREAK, _CLOSE = "\ue000", "\ue001", "\ue002"  # stand for tags until the text between them is escaped
_INNERMOST = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_BREAK}([^{_OPEN}{_CLOSE}]*){_CLOSE}")
_BY_DIFFERENCES = "by finite differences"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(steps: list[TracedStep], view: View) -> str:
    """Return a document that shows the ledgers of some steps."""
    title = "; ".join(f"step {step.number}" for step in steps[:4]) + ("; ..." if len(steps) > 4 else "")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>The ledger of {html.escape(title)}</title>\n"
        "<style>body { margin: 0; }</style>\n</head>\n<body>\n"
        f"{fragment(steps, view, heading='h1')}\n</body>\n</html>\n"
    )


def fragment(steps: list[TracedStep], view: View, heading: str = "h2") -> str:
    """Return the ledgers as an element with its own style and script, for a notebook or another page."""
    body = "\n".join(line for step in steps for line in _step(step, view, heading))
    name = "trace-" + hashlib.sha256(body.encode()).hexdigest()[:10]
    links = ""
    if len(steps) > 1:
        targets = "".join(f'<a href="#{name}-step-{step.number}">step {step.number}</a>' for step in steps)
        links = f'<nav aria-label="Steps">{targets}</nav>\n'
    body = body.replace("TRACE-ID", name)
    script = _file("page.js").replace('"TRACE"', f'"{name}"')
    return (
        f'<div class="pellucid-trace" id="{name}">\n<style>\n{_file("page.css")}</style>\n{links}{body}\n'
        f"<script>\n{script}</script>\n</div>"
    )


def _step(step: TracedStep, view: View, heading: str) -> Iterator[str]:
    yield f'<section class="step" id="TRACE-ID-step-{step.number}">'
    yield f"<{heading}>{html.escape(headline(step))}</{heading}>"
    hint = "Choose a number to see how it came about; the cells that it names light up."
    yield f'<p class="soft">{conventions(view)} {hint}</p>'
    places = {entry: f"TRACE-ID-{step.number}-{index}" for index, entry in enumerate(step.entries)}
    for title, entries in view.of(step):
        yield f"<section>\n<h2>{html.escape(title)}</h2>"
        for shown in entries:
            yield from _entry(shown, view, places)
        yield "</section>"
    yield "</section>"


def _entry(shown: Shown, view: View, places: dict[Entry, str]) -> Iterator[str]:
    entry, writer = shown.entry, _Html(digits=view.digits)
    kind = "given" if entry.formula is None else "derived"
    yield f'<article id="{places[entry]}" class="{kind}">'
    yield f'<h3 class="q">{html.escape(entry.symbol.text)}</h3> <span class="soft">{html.escape(origin(shown))}</span>'
    if entry.formula is not None:
        whole = matrix_form(entry)
        if whole is not None:
            yield f'<p class="formula">{html.escape(whole)}</p>'
        ranges = html.escape(writer.ranges(entry))
        yield f'<p class="formula">{_tagged(writer.equation(entry))} <span class="soft">{ranges}</span></p>'
        links = ", ".join(
            f'<a class="q" href="#{places[operand]}">{html.escape(operand.symbol.text)}</a>'
            for operand in entry.operands
        )
        yield f'<p class="soft">from {links}</p>' if links else ""
    yield '<div class="tables">'
    opens = entry.formula is not None and view.arithmetic != "none"
    texts = [[writer.number(value) for value in row] for row in shown.values]
    yield from _table(shown, shown.values, texts, "" if shown.differences is None else "by the backward pass", opens)
    if shown.differences is not None:
        yield from _table(shown, shown.differences, shown.by_differences(writer), _BY_DIFFERENCES, False)
    yield "</div>"
    if shown.summary:
        yield f'<p class="soft">{html.escape(shown.summary)}</p>'
    if shown.verdict:
        yield f'<p class="{"good" if shown.agrees else "bad"}">{html.escape(shown.verdict)}</p>'
    if opens:
        yield '<p class="answer arithmetic" aria-live="polite"></p>'
        noun = "the number" if shown.n_cells == 1 else f"all {shown.n_cells} shown numbers"
        yield f"<details><summary>The arithmetic of {noun}</summary>"
        for cell in shown.cells:
            line = _tagged(writer.arithmetic(entry, cell))
            yield f'<p class="arithmetic" data-of="{_key(entry.symbol, cell)}">{line}</p>'
        yield "</details>"
    yield "</article>"


def _table(
    shown: Shown, values: Sequence[Sequence[float | None]], texts: list[list[str]], caption: str, opens: bool
) -> Iterator[str]:
    symbol = shown.entry.symbol
    largest = max((abs(value) for row in values for value in row if value is not None), default=0.0) or 1.0
    label = html.escape(f"{symbol.text} {caption}".strip())
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{label}"><table>'
    if caption:
        yield f"<caption>{caption}</caption>"
    has_rows = len(shown.entry.shape) == 2 or shown.is_column
    if shown.entry.shape and not shown.is_column:
        corner = "<td style='border:0'></td>" if has_rows else ""
        headings = "".join(f'<th scope="col">{name}</th>' for name in shown.labels(by_row=False))
        yield f"<thead><tr>{corner}{headings}</tr></thead>"
    yield "<tbody>"
    labels = shown.labels(by_row=True) if has_rows else [""]
    for row, name, numbers, written in zip(shown.rows, labels, values, texts, strict=True):
        cells = [f'<th scope="row">{name}</th>'] if has_rows else []
        for column, value, text in zip(shown.columns, numbers, written, strict=True):
            cell = shown.cell(row, column)
            key = f'data-c="{_key(symbol, cell)}"'
            inside = f'<button type="button" {key}>{text}</button>' if opens else f"<span {key}>{text}</span>"
            inside = f"<span>{text}</span>" if caption == _BY_DIFFERENCES else inside
            cells.append(f"<td{_shade(value, largest)}>{inside}</td>")
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _shade(value: float | None, largest: float) -> str:
    """Return a style: blue above 0, orange below, the stronger the larger."""
    if value is None or not abs(value) <= largest or value == 0 or largest == float("inf"):
        return ""
    share = 0.3 * abs(value) / largest
    return f' style="--hue: var(--{"plus" if value > 0 else "minus"}); --share: {share:.2f}"'


def _key(symbol: Symbol, cell: Sequence[int]) -> str:
    return html.escape(f"{symbol.text}:{','.join(str(at + 1) for at in cell)}")


def _tagged(text: str) -> str:
    """Return a written formula as HTML: what stands between the marks of a symbol becomes its element."""

    def element(found: re.Match[str]) -> str:
        name, indices = found[1], found[2]
        plain = re.fullmatch(r"[\d,]*", indices)
        shown = indices if "," not in indices or max(map(len, indices.split(","))) > 1 else indices.replace(",", "")
        key = f' data-c="{name}:{indices}"' if plain and name else ""
        return f'<span class="q"{key}>{name}{f"<sub>{shown}</sub>" if indices else ""}</span>'

    text = html.escape(text)
    while _INNERMOST.search(text):
        text = _INNERMOST.sub(element, text)
    return text


@dataclass(frozen=True)
class _Html(Text):
    """Writes an expression as text in which symbols are marked, to become elements."""

    def _with_numbers(self) -> _Html:
        return _Html(True, self.digits, self.most_terms)

    def _subscript(self, index: str) -> str:
        return f"{_OPEN}{_BREAK}{index}{_CLOSE}"

    def _symbol(self, symbol: Symbol, indices: Sequence[str]) -> str:
        return f"{_OPEN}{symbol.text}{_BREAK}{','.join(indices)}{_CLOSE}"


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
