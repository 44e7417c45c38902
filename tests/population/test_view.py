"""Tests of the live view of a population, on a terminal that keeps what is drawn."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pellucid import TabularClassifier
from pellucid.population.population import Population, PopulationRun
from pellucid.population.view import MembersView, figure, picture
from pellucid.training import Callback, Run


class Kept(Callback):
    """Keeps the pictures of each rung's end, and the population."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.drawn: list[tuple[int, dict[int, str]]] = []
        self.population: Any = None

    def after_epoch(self, run: Run) -> None:
        """Draw the population at several widths."""
        assert isinstance(run, PopulationRun)
        self.population = run.population
        self.drawn.append((run.epoch, {width: text(run.population, width) for width in (60, 80, 120)}))


def text(population: Population, width: int, height: int = 30) -> str:
    console = Console(force_terminal=True, file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(picture(population, 3.0, width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def fit(watcher: Callback, **options: Any) -> TabularClassifier:
    rows = np.arange(240.0)
    table = {"a": rows % 17, "b": rows % 5, "c": ["red" if row % 3 else "blue" for row in range(240)]}
    own = TabularClassifier(members=6, epochs=15, random_state=0, callbacks=[watcher], **options)
    return own.fit(table, np.where((rows % 17 + rows % 5 + rows % 7) > 11, "yes", "no"))


@pytest.fixture(scope="module")
def trained() -> tuple[Kept, TabularClassifier]:
    kept = Kept()
    return kept, fit(kept)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_picture_keeps_to_the_terminal_and_shows_every_member(
    trained: tuple[Kept, TabularClassifier], width: int
) -> None:
    kept, _ = trained
    assert kept.drawn
    for epoch, pictures in kept.drawn:
        lines = pictures[width].splitlines()
        assert max(map(len, lines)) <= width
        assert f"6 members, 24 networks: {epoch} of 15 epochs" in lines[0]
        assert [line.split()[0] for line in lines if re.match(r" *\d .*(trained|training|waiting|stopped)", line)] == [
            str(number) for number in range(6)
        ]
        assert f"ep. {epoch}" in pictures[width]
        assert "…" not in pictures[width]  # nothing is cut
        assert ("waiting" in pictures[width]) == (epoch < 15)
        assert lines[-1].startswith("ensemble: ")


def test_the_picture_shows_what_the_history_holds(trained: tuple[Kept, TabularClassifier]) -> None:
    kept, model = trained
    history = model.history_
    for (epoch, pictures), row in zip(kept.drawn, history, strict=True):
        assert epoch == row["epoch"]
        assert f"ensemble: {row['networks']} networks, log-loss {figure(row['validation_loss'])}" in pictures[80]
        assert f"(best member {figure(row['loss'])})" in pictures[120]
    last = kept.drawn[-1][1][120]
    for member in model.members_:
        (line,) = re.findall(rf"^ *{member['member']} .*$", last, re.MULTILINE)
        assert figure(member["values"][-1]) in line
        assert bool(re.search(r"\d%", line)) == bool(member["used"])
        assert ("stopped" in line) == bool(member["stopped_by"])


def test_a_low_terminal_shows_the_members_that_matter(trained: tuple[Kept, TabularClassifier]) -> None:
    kept, model = trained
    lines = text(kept.population, 80, height=9).splitlines()
    assert len(lines) <= 9
    assert "... and 4 more" in lines
    used = {member["member"] for member in model.members_ if member["used"]}
    shown = [int(line.split()[0]) for line in lines if re.match(r" *\d ", line) and "members" not in line]
    assert len(shown) == 2
    assert shown[0] in used


def test_the_view_is_drawn_on_a_terminal_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    terminal = Console(force_terminal=True, file=stream, width=80, height=30)
    monkeypatch.setattr("rich.console.Console", lambda **given: terminal)
    fit(MembersView())
    drawn = stream.getvalue()
    assert drawn.count("6 members, 24 networks: 0 of 15 epochs") >= 1
    assert "ensemble: none yet" in drawn
    assert re.search(r"ensemble: \d+ networks, log-loss", drawn)
    assert drawn.endswith("\x1b[1A\x1b[2K")  # the last thing is to wipe its lines


def test_the_view_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fit(Callback(), verbose=True)
    assert capsys.readouterr() == ("", "")
