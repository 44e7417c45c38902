"""The page's texts: both languages whole, and a Russian sentence for each option that the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pellucid.playground
from pellucid.playground.choices import choices

STATIC = Path(pellucid.playground.__file__).parent / "static"
WITHOUT_CONTROL = {
    "data": {"seed", "features", "formula", "points", "table", "target", "kinds", "model"},
    "view": {"columns", "resolution"},
}
SETTING = ("set_batch_size", "set_epochs", "set_seed")


def test_every_tooltip_of_the_page_is_there_in_russian() -> None:
    told, text = choices(), (STATIC / "tooltips.js").read_text(encoding="utf-8")
    shown = {o["sentence"] for family in told["families"].values() for options in family.values() for o in options}
    for name, options in told["sections"].items():
        if name != "network":
            shown |= {o["sentence"] for o in options if o["name"] not in WITHOUT_CONTROL.get(name, ())}
    shown |= {option["sentence"] for name in SETTING for option in told["commands"][name]}
    assert [sentence for sentence in sorted(shown) if f'"{sentence}": "' not in text] == []
    kept = re.findall(r'^  "(.*?)": "', text, re.MULTILINE)
    assert set(kept) <= shown  # and none that no option has any more


def test_every_option_has_a_name_in_russian() -> None:
    told, text = choices(), (STATIC / "names.js").read_text(encoding="utf-8")
    names = {o["name"] for family in told["families"].values() for options in family.values() for o in options}
    russian = text[: text.index("const english")]
    assert [name for name in sorted(names) if not re.search(rf"\b{name}: ", russian)] == []


def test_every_text_of_the_page_stands_in_the_table() -> None:
    table = set(re.findall(r"^  (\w+): \[", (STATIC / "texts.js").read_text(encoding="utf-8"), re.MULTILINE))
    used = set()
    for path in [*STATIC.glob("*.js"), STATIC / "index.html"]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\bt\("(\w+)"', text)) | set(
            re.findall(r'data-(?:text|label|title)"?[=:] ?"(\w+)"', text)
        )
    assert used - table == set()
