"""A fault is what an error tells of a table, as data: the cell, what is wrong, and the options that would mend it.

The library words a fault with rows counted from 0 and options of Python; the command line with lines of a file and
flags.
"""

from __future__ import annotations

from typing import NamedTuple

from pellucid.errors import DataError, TargetError

ESTIMATORS = {"classification": "TabularClassifier", "regression": "TabularRegressor"}


class Fix(NamedTuple):
    """An option that would mend a fault, where ``condition`` holds.

    ``option`` is "missing" (``value`` is a text that stands for a missing value), "kinds" (``column`` holds what
    ``value`` says) or "task" (``value`` is "classification" or "regression").
    """

    condition: str
    option: str
    value: str
    column: str = ""

    def in_python(self) -> str:
        """Return the fix in the words of the library.

        >>> Fix("if that stands for a missing value", "missing", "n/a").in_python()
        "if that stands for a missing value, say missing=('n/a',)"
        """
        if self.option == "task":
            return f"{self.condition}, use {ESTIMATORS[self.value]}"
        said = f"({self.value!r},)" if self.option == "missing" else f"{{{self.column!r}: {self.value!r}}}"
        return f"{self.condition}, say {self.option}={said}"


class CellError(DataError):
    """One cell of a table cannot be used.

    ``owner`` is what it belongs to, such as "column 'age'"; ``column`` and ``row`` (counted from 0) say which it is;
    ``problem`` says what is wrong, and ``fixes`` which options would mend it.
    """

    def __init__(self, owner: str, problem: str, *, column: str, row: int, fixes: tuple[Fix, ...] = ()) -> None:
        super().__init__(
            f"{owner}, row {row} (counted from 0): {sentence(problem, [fix.in_python() for fix in fixes])}"
        )
        self.owner, self.problem, self.column, self.row, self.fixes = owner, problem, column, row, fixes


class TargetCellError(CellError, TargetError):
    """One value of a target cannot be used."""


class TaskError(TargetError):
    """A target asks for the other task; ``problem`` says why, and ``fixes`` holds the way out."""

    def __init__(self, problem: str, fix: Fix) -> None:
        super().__init__(sentence(problem, [fix.in_python()]))
        self.problem, self.fixes = problem, (fix,)


def sentence(problem: str, fixes: list[str]) -> str:
    """Return a problem and its fixes as one sentence."""
    joined = "; ".join([problem, *fixes])
    return joined if joined.endswith("?") else f"{joined}."
