"""Markup: the few forms of HTML that the report is made of. All words that come in are escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape


def words(text: object, longest: int = 120) -> str:
    """Return text for a page: escaped, a long one cut, control characters shown as a space.

    >>> words("<b> & more"), words("x" * 9, longest=4)
    ('&lt;b&gt; &amp; more', 'xxx…')
    """
    line = "".join(character if character.isprintable() else " " for character in str(text))
    return escape(line if len(line) <= longest else line[: longest - 1] + "…")


def number(value: float) -> str:
    """Return a number with about four digits that matter.

    >>> number(0.123456), number(46012.7), number(-2.5), number(float("inf")), number(float("nan"))
    ('0.1235', '46,013', '−2.5', '∞', '–')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    said = f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    return said.replace("-", "−")


def percent(value: float) -> str:
    """Return a share as a percentage with one decimal.

    >>> percent(0.98214)
    '98.2 %'
    """
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def section(heading: str, *parts: str) -> str:
    """Return a section; the heading is markup, as are the parts."""
    return f"<section>\n<h2>{heading}</h2>\n{''.join(f'{part}{chr(10)}' for part in parts if part)}</section>\n"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of markup."""
    return f"<p{f' class={kind}' if kind else ''}>{text}</p>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a table of cells that are markup; the columns numbered ``right`` hold numbers."""
    kinds = [' class="number"' if index in right else "" for index in range(len(headings))]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, headings, strict=True))
    body = "\n".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def figure(heading: str, svg: str, caption: str) -> str:
    """Return a picture below what it shows, and above how it is read; all are markup."""
    return f"<figure><h3>{heading}</h3>{svg}<figcaption>{caption}</figcaption></figure>"


def pictures(*figures: str) -> str:
    """Return pictures side by side, where there is room."""
    return f'<div class="pictures">{"".join(figures)}</div>' if figures else ""


def items(texts: Iterable[str]) -> str:
    """Return a list of markup, or nothing."""
    found = "".join(f"<li>{text}</li>" for text in texts)
    return f"<ul>{found}</ul>" if found else ""
