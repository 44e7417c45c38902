"""A plan says how many networks are trained, on which folds, for how long; it decides the outcome, bit for bit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from pellucid.errors import OptionError, listed
from pellucid.schedules import Cosine, CosLog, Schedule

CYCLE_ENDS = (1, 3, 7, 15)
"""The learning rate falls to 0 after these fifteenths of training: four trainings in one, each as long as all before
and one. There each network is a finished one, and the population is judged."""

EPOCHS = 60, 45  # of tables of fewer rows than MANY_ROWS, and of others
MANY_ROWS = 6000
LONG_EPOCHS = 90  # of these, where the default has the time for some members: fewer of them, each trained longer
MEMBERS = (4, 24)
FEW_MEMBERS = 2  # with a time budget: longer training comes before more members than these
KEPT = (1.0, 0.6, 0.5)  # share of the members that go on after a rung; after the first it is too early to tell
SPEED = 7e10  # floating-point operations per second of one core, about: what a default plan reckons with
STEP_SECONDS = 2e-4  # and what a step takes beside these, mostly the optimizer's
PARAMETER_SECONDS = 2e-9  # or this for each parameter, where they are too many for the caches: of a wide table
CORES = 2  # and how many cores; a plan must not depend on the machine
SECONDS_PER_ROOT_ROW = 0.36  # 20,000 rows: about 51 s
MOST_BUDGETS = 4  # the fewest members of a wide table may cost so many times the default, or this; above, folds and
MOST_SECONDS = 50.0  # epochs are fewer
LEAST_EPOCHS = 15  # the rungs are 1, 3, 7 and 15
LONGER = 5  # with a time budget for twelve members of 60 epochs, and from there on, both grow as its square root
MOST_CYCLES = 12  # of 15 epochs
SET_UP_SECONDS = 0.03  # of a network in each rung, besides its steps: counted where there is a time budget
FEW_ROWS = 50_000  # up to here every row serves for validation once


@dataclass(frozen=True)
class PopulationPlan:
    """What was chosen for a table, and why.

    n_rows : rows to learn from
    rungs : the epochs after which the population is judged and the last members stop
    epochs : what the schedules span; a plan that was cut short by the clock has rungs before it only
    trained : how many members are trained up to each rung, as it was recorded; empty: as `n_kept` says
    reasons : why it is so, and once it was carried out, what came of it; they decide nothing
    n_folds : parts of the rows, each of which judges the networks trained on the others; 1 where rows are set aside
    """

    n_rows: int
    n_members: int
    n_folds: int
    batch_size: int
    epochs: int
    rungs: tuple[int, ...]
    trained: tuple[int, ...] = ()
    reasons: tuple[str, ...] = field(default=(), compare=False)

    refit = False  # the networks of all folds together have seen all rows

    def schedules(self, *, dropout: bool) -> dict[str, Schedule]:
        """Return the schedules of a member."""
        regularization = ("weight_decay", "dropout_rate") if dropout else ("weight_decay",)
        return {"learning_rate": CosLog(), **{name: Cosine(flat=0.5) for name in regularization}}

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> PopulationPlan:
        """Build the plan that `to_json` described."""
        names = {own.name for own in dataclasses.fields(cls)}
        if set(state) != names:
            raise OptionError(f"a plan got {listed(state)}; it expects {listed(names)}.")
        given: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in state.items()}
        return cls(**given)


def n_kept(rung: int, n_members: int) -> int:
    """Return how many of the members that reached a rung go on.

    >>> [n_kept(rung, 10) for rung in range(3)]
    [10, 6, 5]
    """
    return math.ceil(KEPT[min(rung, len(KEPT) - 1)] * n_members)


def share_of_work(n_members: int) -> float:
    """Return what a population costs of what it would, if every member went on to the end.

    >>> [round(share_of_work(n), 2) for n in (3, 4, 10)]
    [0.56, 0.67, 0.52]
    """
    left, done, before = n_members, 0, 0
    for rung, end in enumerate(CYCLE_ENDS):
        done += left * (end - before)
        left, before = n_kept(rung, left), end
    return done / (n_members * CYCLE_ENDS[-1])


def rungs_of(epochs: int) -> tuple[int, ...]:
    """Return the epochs at which the cycles of the learning rate end, at least 1 apart.

    >>> rungs_of(45)
    (3, 9, 21, 45)
    """
    return tuple(sorted({max(1, round(epochs * end / CYCLE_ENDS[-1])) for end in CYCLE_ENDS}))


def batch_size_for(n_rows: int) -> int:
    """Return the rows per step for a number of training rows.

    >>> [batch_size_for(n) for n in (100, 2_000, 20_000)]
    [32, 64, 256]
    """
    for size, least in ((256, 6000), (128, 2500), (64, 1000)):
        if n_rows > least:
            return size
    return 32


def plan_population(
    n_rows: int,
    works: Sequence[float],
    *,
    members: int | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    folds: int | None = None,
    one_fold: bool = False,
    regression: bool = False,
    core_seconds: float | None = None,
    row_seconds: float | None = None,
) -> PopulationPlan:
    """Return a plan for a number of training rows.

    Parameters
    ----------
    works : floating-point operations of a training step per row, of the first members; the others are about as they are
    members, batch_size, epochs, folds : what is decided already
    one_fold : whether the rows to judge by are others
    regression : whether numbers are predicted: in a time budget too short to train in full on several folds, they are
        learned better in full on one part of the rows; classes gain more by the mean of the folds
    core_seconds : the time that training may take, summed over cores; without it, a default from the number of rows
    row_seconds : the measured time of the first member's training step per row, on one core; without it, from ``works``

    >>> plan_population(2000, [3e5]).n_members
    23
    """
    reasons = []
    budget = core_seconds
    if budget is None:
        budget = CORES * max(SECONDS_PER_ROOT_ROW * math.sqrt(n_rows), 1.0)
    n_folds = 1 if one_fold else folds or (4 if n_rows <= FEW_ROWS else 1)
    n_learned = n_rows * (n_folds - 1) // n_folds if n_folds > 1 else n_rows
    batch_size = batch_size or batch_size_for(n_learned)
    span = epochs or EPOCHS[n_rows >= MANY_ROWS]
    set_up = 0.0 if core_seconds is None else len(CYCLE_ENDS) * SET_UP_SECONDS

    def cost(n_members: int, n_epochs: int, n_parts: int) -> float:
        """Return the seconds that members take, on all folds, with what the rungs save."""
        share = (n_parts - 1) / n_parts if n_parts > 1 else 1.0
        work = fmean(works[:n_members])
        if row_seconds is None:
            step = max(STEP_SECONDS, PARAMETER_SECONDS * work / 6)  # six operations a parameter
            per_row = work / SPEED + step / batch_size
        else:
            per_row = row_seconds * work / works[0]
        return n_members * n_parts * (share * n_rows * n_epochs * per_row * share_of_work(n_members) + set_up)

    def most_members(n_epochs: int, n_parts: int) -> int:
        """Return how many members the budget allows, or those decided; 0 where it is too little."""
        numbers = range(1, MEMBERS[1] + 1) if members is None else [members]
        return max((n for n in numbers if cost(n, n_epochs, n_parts) <= budget), default=0)

    if core_seconds is not None:
        few = min(members or FEW_MEMBERS, FEW_MEMBERS)
        if folds is None and n_folds > 1 and most_members(span if regression else LEAST_EPOCHS, n_folds) < few:
            n_folds = 1
        affordable = len(works) * budget / (cost(len(works), 2, n_folds) - cost(len(works), 1, n_folds))
        cycles = min(round(max(span, math.sqrt(LONGER * affordable)) / CYCLE_ENDS[-1]), MOST_CYCLES)
        lengths = [CYCLE_ENDS[-1] * n for n in range(max(cycles, 1), 0, -1)]
        span = next((each for each in lengths if most_members(each, n_folds) >= few), LEAST_EPOCHS)
        span = min(span, epochs or span)
    else:
        most = max(MOST_BUDGETS * budget, MOST_SECONDS)
        fewest = min(members or MEMBERS[0], MEMBERS[0])
        if cost(fewest, span, n_folds) > most and folds is None:
            n_folds = 1
        if cost(fewest, span, n_folds) > most and epochs is None:
            span = max(int(most / cost(fewest, 1, n_folds)), LEAST_EPOCHS)
        if epochs is None and n_rows >= MANY_ROWS:
            longer = range(LONG_EPOCHS, span, -CYCLE_ENDS[-1])
            span = next((each for each in longer if cost(fewest, each, n_folds) <= budget), span)
        least = cost(fewest, span, n_folds)
        said = f", from {n_rows:,} rows" if least <= budget else ", the least for networks of this size"
        reasons.append(f"about {max(budget, least):.0f} seconds of one core{said} (a time budget overrides)")
    has_rest = core_seconds is not None
    if members is None:
        members = max(most_members(span, n_folds), 1 if core_seconds is not None else MEMBERS[0])
        has_rest |= members < MEMBERS[1]
    if has_rest and epochs is None:  # of the time: another member is too dear, a longer training is not
        longer = range(span + CYCLE_ENDS[-1], MOST_CYCLES * CYCLE_ENDS[-1] + 1, CYCLE_ENDS[-1])
        span = max((each for each in longer if cost(members, each, n_folds) <= budget), default=span)
    parts = f"on {n_folds} folds each" if n_folds > 1 else "judged by rows set aside"
    reasons.append(f"{members} members, {parts}: {members * n_folds} networks")
    ends = ", ".join(map(str, rungs_of(span)[1:-1]))
    reasons.append(
        f"{span} epochs of batches of {batch_size}" + (f"; weaker members stop after {ends}" if ends else "")
    )
    return PopulationPlan(n_rows, members, n_folds, batch_size, span, rungs_of(span), reasons=tuple(reasons))
