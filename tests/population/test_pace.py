"""What a time budget has room for: as many members, best first, as will be done when it ends, the last choice included.

Four members take a second for an epoch, and two of them are trained at a time. After the second rung there are 4
epochs and then 8, for half of them: 4 * 4 / 2 + 2 * 8 / 2 = 16 seconds for four, 14 for three, 12 for two.
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from pellucid.population.pace import Pace
from pellucid.population.plan import PopulationPlan

PLAN = PopulationPlan(n_rows=100, n_members=4, n_folds=1, batch_size=32, epochs=15, rungs=(1, 3, 7, 15))


class Steady:
    """A member whose epochs last a second."""

    def __init__(self, number: int) -> None:
        self.number = number

    def seconds(self, since: int) -> float:
        return 3.0 - since


MEMBERS = [cast(Any, Steady(number)) for number in range(4)]


def noted(seconds: float = 4.0, n_folds: int = 1) -> Pace:
    """Return what is known after the second rung, which took so many seconds: at least 4."""
    pace = Pace(PLAN, cores=2, n_folds=n_folds)
    pace.note_rung(MEMBERS, 1, seconds)
    return pace


@pytest.mark.parametrize(
    ("seconds", "expected"), [(16.0, 4), (15.9, 3), (14.0, 3), (13.9, 2), (12.0, 2), (11.9, 1), (4.0, 1), (3.9, 0)]
)
def test_as_many_go_on_as_will_be_in_time(seconds: float, expected: int) -> None:
    assert noted().n_in_time(MEMBERS, 2, seconds) == expected


def test_what_members_take_beside_their_training_counts() -> None:
    pace = noted(seconds=5.0)  # half a second of each member's core: 4 * 0.5 / 2 and 2 * 0.5 / 2 more
    assert pace.n_in_time(MEMBERS, 2, 17.5) == 4
    assert pace.n_in_time(MEMBERS, 2, 17.4) == 3


@pytest.mark.parametrize(("n_folds", "choices"), [(1, 3), (4, 5)])
def test_choosing_the_ensemble_counts_after_each_rung_and_at_the_end(n_folds: int, choices: int) -> None:
    """Twice after a rung; at the end of two halves without each other, or of each of four folds without its own."""
    pace = noted(n_folds=n_folds)
    plain = next(seconds for seconds in range(1, 20) if pace.n_in_time(MEMBERS, 2, seconds) == 4)
    pace.note_selection(0.25)
    assert pace.n_in_time(MEMBERS, 2, plain + 0.25 * choices) == 4
    assert pace.n_in_time(MEMBERS, 2, plain + 0.25 * choices - 0.01) == 3


def test_the_first_rung_tells_nothing() -> None:
    pace = Pace(PLAN, cores=2, n_folds=1)
    pace.note_rung(MEMBERS, 0, 1000.0)
    assert pace.n_in_time(MEMBERS, 1, 0.0) == 4
