"""What the tests of the command line share: running it in this process, in an empty folder, and small tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pellucid.cli import main


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def says(self, code: int, *words: str) -> None:
        """Check the exit code, that standard error is one line, and that all the words stand in it."""
        assert self.code == code, self.err
        assert self.err.startswith("pellucid: error: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        assert "internal error" not in self.err
        for word in words:
            assert word in self.err


Command = Callable[..., Ended]


@pytest.fixture
def pellucid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``pellucid`` with some words, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return run


QUICK = ("--epochs", 2, "--hidden-layer-sizes", 8)


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    """A table of 60 rows: a number, a category, a class and a price."""
    rows = ["size,color,kind,price"]
    for index in range(60):
        kind = "plum" if index % 3 else "melon"
        rows.append(
            f"{index % 7 + (0 if index % 3 else 20)},{'red' if index % 2 else 'green'},{kind},{index % 11 + 0.5}"
        )
    path = tmp_path / "fruit.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def model(pellucid: Command, fruit: Path) -> Path:
    """A classifier of the table's kind, an ensemble of a population of two."""
    words = ("--target", "kind", "--drop", "price", "--members", 2, *QUICK)
    assert pellucid("train", fruit.name, *words).code == 0
    return fruit.with_suffix(".pellucid")


@pytest.fixture
def single(pellucid: Command, fruit: Path) -> Path:
    """The same of one network."""
    words = ("--target", "kind", "--drop", "price", "--members", 1, *QUICK)
    assert pellucid("train", fruit.name, *words).code == 0
    return fruit.with_suffix(".pellucid")
