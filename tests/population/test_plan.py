"""A plan takes what it was given: members first, then longer training with what the next member is too dear for."""

from __future__ import annotations

import pytest

from pellucid.population.plan import (
    CYCLE_ENDS,
    EPOCHS,
    FEW_MEMBERS,
    LONG_EPOCHS,
    MANY_ROWS,
    MEMBERS,
    MOST_CYCLES,
    SET_UP_SECONDS,
    plan_population,
    share_of_work,
)

N_ROWS, ROW_SECONDS = 10_000, 1e-6
DEAR = [1.0, 1.0, 50.0, 1.0]  # the third member takes as much as fifty others


def planned(seconds: float, **options: int) -> tuple[int, int]:
    plan = plan_population(N_ROWS, DEAR, core_seconds=seconds, row_seconds=ROW_SECONDS, **options)
    return plan.n_members, plan.epochs


def test_a_budget_that_is_too_small_for_the_next_member_is_for_longer_training() -> None:
    found = [planned(seconds) for seconds in (3.0, 4.0, 6.0)]
    assert [members for members, _ in found] == [2, 2, 2]
    lengths = [epochs for _, epochs in found]
    assert lengths == sorted(set(lengths))
    assert all(length % CYCLE_ENDS[-1] == 0 for length in lengths)
    per_epoch = 2 * 4 * 0.75 * N_ROWS * ROW_SECONDS  # of two members on four folds, each on three quarters of the rows
    assert all(
        per_epoch * (length + CYCLE_ENDS[-1]) > seconds
        for length, seconds in zip(lengths, (3.0, 4.0, 6.0), strict=True)
    )


def test_training_is_not_longer_than_the_longest() -> None:
    assert planned(1e5) == (24, MOST_CYCLES * CYCLE_ENDS[-1])


@pytest.mark.parametrize("epochs", [15, 45, 60])
def test_epochs_that_were_asked_for_stay(epochs: int) -> None:
    assert planned(6.0, epochs=epochs)[1] == epochs


def test_without_a_budget_many_rows_are_trained_on_for_longer_where_there_is_time() -> None:
    work = 3e5
    assert plan_population(MANY_ROWS - 1, [work]).epochs == EPOCHS[0]
    many = plan_population(MANY_ROWS, [work])
    assert (many.epochs, many.n_members >= MEMBERS[0]) == (LONG_EPOCHS, True)
    assert plan_population(1_000_000, [work]).epochs == EPOCHS[1]
    assert plan_population(MANY_ROWS, [work], members=3).epochs == LONG_EPOCHS


@pytest.mark.parametrize(("n_rows", "epochs"), [(MANY_ROWS - 1, EPOCHS[0]), (MANY_ROWS, EPOCHS[1])])
def test_numbers_have_folds_only_where_there_is_time_to_train_in_full_on_each(n_rows: int, epochs: int) -> None:
    def folds(seconds: float, regression: bool) -> int:
        given = {"core_seconds": seconds, "row_seconds": ROW_SECONDS, "regression": regression}
        return plan_population(n_rows, [1.0], **given).n_folds

    longest = 0.75 * n_rows * epochs * ROW_SECONDS  # of a network that goes on to the end
    least = FEW_MEMBERS * 4 * (longest * share_of_work(FEW_MEMBERS) + 4 * SET_UP_SECONDS)
    assert [folds(0.99 * least, True), folds(1.01 * least, True)] == [1, 4]
    assert folds(0.99 * least, False) == 4
