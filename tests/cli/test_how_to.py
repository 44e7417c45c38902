"""The commands on the how-to pages print what the pages show; ``...`` on a page stands for any text."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path
from typing import Any

import polars
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PAGES = [path for path in sorted(ROOT.glob("docs/how-to/*.md")) if "```console\n$ pellucid" in path.read_text("utf-8")]
DIFFERENT = ("renamed.csv", "pellucid diff")  # in commands that end with exit code 1: something differs


def commands(page: str) -> list[tuple[str, str]]:
    """Return each command with what is shown below it."""
    found = []
    for block in BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_commands_print_what_the_page_shows(path: Path, pellucid: Any, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    table = polars.read_csv(tmp_path / "examples" / "penguins.csv")
    table.rename({"year": "season"}).write_csv(tmp_path / "renamed.csv")
    for command, shown in commands(path.read_text(encoding="utf-8")):
        program, *words = command.split()
        assert program == "pellucid"
        ended = pellucid(*words)
        assert ended.code == any(name in command for name in DIFFERENT), ended.err
        assert doctest.OutputChecker().check_output(shown, ended.out, doctest.ELLIPSIS), ended.out


def test_there_are_such_pages() -> None:
    assert [path.stem for path in PAGES if len(commands(path.read_text("utf-8"))) >= 4]
