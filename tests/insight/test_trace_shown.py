"""The ledger as text, Markdown, a page and JSON: the shown part is the reader's choice, and what is shown is right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError
from pellucid.examples import xor
from pellucid.insight import Trace, trace
from pellucid.layers import Columns, Dense, Dropout, Embedding, LayerNorm, Residual, Scale
from pellucid.network import Network
from pellucid.optimizers import Adam
from pellucid.random import Random
from tests.contracts.ledger_checks import computed
from tests.tolerances import rounding

WIDE = Network([Dense(30), "tanh", Dense(12), "softmax", Dense(2)], n_inputs=40, rng=1)
ROWS, TARGETS = Random(1).normal((50, 40)), Random(2).normal((50, 2))


@pytest.fixture(scope="module")
def small() -> Trace:
    return trace(xor.build(), xor.X, xor.y, loss=xor.LOSS, optimizer=xor.OPTIMIZER, steps=[0, 1])


@pytest.fixture(scope="module")
def wide() -> Trace:
    return trace(WIDE, ROWS, TARGETS, loss="squared_error")


@pytest.fixture(scope="module")
def varied() -> Trace:
    parts = {"numbers": (0, 3, [Scale(), LayerNorm()]), "color": (3, 4, Embedding(4, 2))}
    network = Network([Columns(parts), Residual([Dense(5), "gelu", Dropout(0.3)]), Dense(3)], n_inputs=4, rng=2)
    rows = np.column_stack([ROWS[:6, :3], np.arange(6) % 4])
    return trace(network, rows, np.arange(6) % 3, loss="cross_entropy", optimizer=Adam(), steps=[0, 3])


def test_every_number_of_the_json_follows_from_the_others(small: Trace, varied: Trace) -> None:
    for found in (small, varied):
        for step in json.loads(json.dumps(found.to_json(), allow_nan=False))["steps"]:
            entries = [entry for section in step["sections"] for entry in section["entries"]]
            cells: dict[str, Any] = {e["symbol"]: np.reshape(e["values"], e["shape"]) for e in entries}
            assert len(cells) == len(entries)
            known: set[str] = set()
            for entry in entries:
                assert set(entry["operands"]) <= known, "what a formula names stands before it"
                known.add(entry["symbol"])
                if "formula" not in entry:
                    continue
                letters = [index["letter"] for index in entry["formula"]["indices"]]
                for cell in np.ndindex(tuple(entry["shape"])):
                    value = computed(entry["formula"]["tree"], dict(zip(letters, cell, strict=True)), cells)
                    assert value == pytest.approx(float(cells[entry["symbol"]][cell]), abs=rounding(64)), entry[
                        "symbol"
                    ]


NUMBER = r"\(?−?[\d.]+(?:e−?\d+)?\)?"


def test_the_written_arithmetic_of_plain_sums_and_products_is_what_a_calculator_finds(small: Trace) -> None:
    checked = 0
    for line in small.to_text(arithmetic="all", digits=12).splitlines():
        parts = line.strip().split(" = ") if " = " in line else []
        if len(parts) < 2 or not re.fullmatch(rf"{NUMBER}(?: [+−×] {NUMBER})*", parts[-2]):
            continue
        typed = parts[-2].replace("−", "-").replace("×", "*")
        result = float(parts[-1].replace("−", "-"))
        assert eval(typed) == pytest.approx(result, abs=1e-10)  # numbers are rounded to 12 digits
        checked += 1
    assert checked > 60


def test_the_shown_part_is_the_readers_choice(wide: Trace) -> None:
    text = wide.to_text(rows=[49, 0], columns=[11, 3], differences=False)
    block = text[text.index("\nZ²") : text.index("\nA²")]
    table = [line.split() for line in block.splitlines() if re.match(r" +\d+ ", line)]
    assert table[0] == ["12", "4"]
    values = wide["Z2"].value
    assert [row[0] for row in table[1:3]] == ["50", "1"]
    assert float(table[1][1].replace("−", "-")) == pytest.approx(values[49, 11], rel=1e-3)
    assert float(table[2][2].replace("−", "-")) == pytest.approx(values[0, 3], rel=1e-3)
    assert "4 of 600 cells are shown; of all: lowest" in block
    assert "Z²[50, 12] = " in block


def test_a_long_sum_is_shortened_and_stays_checkable(wide: Trace) -> None:
    line = wide.arithmetic("Z1", 0, 0, digits=15)
    assert "[33 more terms]" in line
    numbers = line.split(" = ")[2]
    rest = float(re.search(r"\[33 more terms: (.*?)\]", numbers)[1].replace("−", "-"))  # type: ignore[index]
    products = re.findall(rf"({NUMBER}) × ({NUMBER})", numbers)
    clean = [tuple(float(text.strip("()").replace("−", "-")) for text in pair) for pair in products]
    assert len(clean) == 7
    bias = wide["b1"].value[0]
    assert sum(a * b for a, b in clean) + rest + bias == pytest.approx(wide["Z1"].value[0, 0], abs=1e-12)


@pytest.mark.parametrize("written", ["to_text", "to_markdown", "to_html", "to_json"])
def test_a_trace_too_large_to_print_says_how_large_and_what_to_choose(written: str) -> None:
    network = Network([Dense(300), "tanh", Dense(2)], n_inputs=40)
    found = trace(network, ROWS, TARGETS, loss="squared_error")
    with pytest.raises(
        OptionError,
        match=r"show 101,057 cells of 22 quantities, the largest Z¹ with shape \(50, 300\).*most=6",
    ):
        getattr(found, written)(most=None)
    assert "36 of 15,000 cells" in found.to_text(differences=False)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"rows": [50]}, "row 50; the batch has the rows 0 to 49"),
        ({"rows": "all"}, "rows got 'all'"),
        ({"columns": [40]}, "column 40; the widest array has the columns 0 to 39"),
        ({"columns": [-1]}, r"columns got \[-1\]"),
        ({"most": 0}, "most got 0"),
        ({"digits": 18}, "digits got 18"),
        ({"arithmetic": "some"}, "arithmetic got 'some'"),
    ],
)
def test_a_part_that_is_not_there_is_refused(wide: Trace, chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        wide.to_text(**chosen)


def test_markdown_has_its_formulas_in_latex(small: Trace, varied: Trace) -> None:
    text = small.to_markdown()
    for line in (
        r"Z^{1}_{ij} = \sum_{k} X_{ik} \, W^{1}_{kj} + b^{1}_{j} \qquad i = 1\dots 4,\ j = 1\dots 3,\ k = 1\dots 2",
        r"\frac{\partial L}{\partial W^{2}} = {A^{1}}^{\top} \, \frac{\partial L}{\partial Z^{2}}",
        r"W^{1\prime} \leftarrow W^{1} - \eta \, \frac{\partial L}{\partial W^{1}}",
        r"X = \begin{bmatrix} 0 & 0 \\ 0 & 1 \\ 1 & 0 \\ 1 & 1 \end{bmatrix}",
    ):
        assert line in text
    for found in (small, varied):
        for block in re.findall(r"\$\$\n(.*?)\n\$\$", found.to_markdown(arithmetic="all"), re.DOTALL):
            assert block.isascii() or r"\text{" in block, block
            assert block.count("{") == block.count("}"), block
            assert block.count(r"\left") - block.count(r"\leftarrow") == block.count(r"\right"), block
            assert not re.search(r"\^(\{[^{}]*\}|.)\s*\^", block), block  # a double superscript is an error in LaTeX


class Page(HTMLParser):
    """Collects what a test wants to know of a page, and that its elements are closed."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.cells: list[str] = []
        self.lines: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag == "a":
            self.links.append(found["href"] or "")
        self.sources += [value or "" for name, value in attrs if name in ("src", "action", "data")]
        if tag == "button":
            self.cells.append(found["data-c"] or "")
        if "data-of" in found:
            self.lines.append(found["data-of"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_asks_for_nothing_and_opens_every_cell(small: Trace, varied: Trace) -> None:
    for found in (small, varied):
        text = found.to_html()
        page = Page(text)
        assert page.open == []
        assert len(set(page.ids)) == len(page.ids)
        assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
        assert page.sources == []
        assert not re.search(r"https?:|url\(|@import", text)
        assert sorted(page.cells) == sorted(page.lines)
        assert not re.search("[\ue000-\uf8ff]", text)
    assert "<!doctype html>" not in small._repr_html_()
    assert len(Page(small._repr_html_()).cells) == len(Page(small.to_html()).cells)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CLICK = """<script>addEventListener("load", () => {
  const cells = [...document.querySelectorAll("td button")];
  cells.find((cell) => cell.dataset.c === "∂L/∂W²:2,1").click();
  const lit = [...document.querySelectorAll(".lit > [data-c]")].map((cell) => cell.dataset.c);
  document.title = lit.join(" ") + " | " + document.querySelector(".answer:not(:empty)").textContent;
});</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium browser")
def test_in_a_browser_a_click_shows_the_arithmetic_and_lights_the_cells_that_it_names(
    small: Trace, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(small.to_html().replace("</body>", CLICK), encoding="utf-8")
    done = subprocess.run(
        [str(CHROMIUM), *["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"], path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search("<title>(.*?)</title>", done.stdout)
    assert title is not None
    lit, _, answer = title[1].partition(" | ")
    named = {f"A¹:{i},2" for i in range(1, 5)} | {f"∂L/∂Z²:{i},1" for i in range(1, 5)}
    assert set(lit.split(" ")) == named
    assert answer == small.arithmetic("dL/dW2", 1, 0).translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789"))
