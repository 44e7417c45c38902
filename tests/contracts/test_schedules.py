"""The contract of schedules, on every registered one: the range of the factor and both its ends."""

from __future__ import annotations

import math

import pytest

from pellucid.schedules import Schedule
from tests.contracts.examples import ScheduleExample, enrolled

MANY = 100_000


@pytest.mark.parametrize("total", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("example", enrolled(Schedule))
def test_factors_are_numbers_from_0_to_1(example: ScheduleExample, total: int) -> None:
    schedule = example.make()
    factors = [schedule.factor(step, total) for step in range(total)]
    assert all(type(factor) is float and 0 <= factor <= 1 for factor in factors)
    assert factors == [example.make().factor(step, total) for step in range(total)]


@pytest.mark.parametrize("example", enrolled(Schedule))
def test_ends(example: ScheduleExample) -> None:
    schedule = example.make()
    assert schedule.factor(0, MANY) == pytest.approx(example.first, abs=1e-3)
    assert schedule.factor(MANY - 1, MANY) == pytest.approx(example.last, abs=1e-3)


@pytest.mark.parametrize("example", enrolled(Schedule))
def test_the_shape_does_not_depend_on_the_number_of_steps(example: ScheduleExample) -> None:
    schedule = example.make()
    for tenth in range(1, 10):
        coarse, fine = schedule.factor(1000 * tenth, 10_000), schedule.factor(10_000 * tenth, 100_000)
        assert math.isclose(coarse, fine, abs_tol=0.01)
