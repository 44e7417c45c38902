"""Each schedule's own curve, at places where it is known."""

from __future__ import annotations

import math
from itertools import pairwise

import mpmath
import pytest

from pellucid.errors import OptionError
from pellucid.schedules import ConstantRate, Cosine, CosLog, Exponential, OneCycle, Schedule, StepDecay, WarmUp

CURVES: list[tuple[Schedule, dict[int, float]]] = [  # of 120 steps
    (ConstantRate(), {0: 1, 119: 1}),
    (StepDecay(drop=0.5, n_drops=2), {0: 1, 39: 1, 40: 0.5, 79: 0.5, 80: 0.25, 119: 0.25}),
    (Exponential(final=0.01), {0: 1, 60: 0.1, 30: 10**-0.5}),
    (Cosine(), {0: 1, 60: 0.5, 30: (1 + math.sqrt(0.5)) / 2}),
    (Cosine(flat=0.5, final=0.2), {0: 1, 60: 1, 90: 0.6}),
    (OneCycle(rise=0.25, start=0.1, final=0.0), {0: 0.1, 15: 0.55, 30: 1, 75: 0.5}),
    (WarmUp(share=0.1), {0: 1 / 13, 5: 6 / 13, 11: 12 / 13, 12: 1, 119: 1}),
    (WarmUp(share=0.1, then=Cosine()), {11: 12 / 13, 12: 1, 66: 0.5}),
    (CosLog(), {0: 0, 8: 0, 24: 0, 56: 0}),  # the cycles end after 1, 3 and 7 of 15 parts
]


@pytest.mark.parametrize(("schedule", "values"), CURVES, ids=lambda value: repr(value)[:40])
def test_known_values(schedule: Schedule, values: dict[int, float]) -> None:
    for step, value in values.items():
        assert schedule.factor(step, 120) == pytest.approx(value, abs=1e-12)


def test_the_formulas_to_two_units_in_the_last_place() -> None:
    """`Exponential` and `StepDecay` directly; of the cosine's ``final + (1 - final) (1 + c) / 2``, its rounding too."""
    with mpmath.workdps(50):
        for step in range(997):
            t = mpmath.mpf(step / 997)
            exact = mpmath.power(mpmath.mpf(0.01), t)
            assert abs(Exponential(final=0.01).factor(step, 997) - exact) <= 2 * math.ulp(float(exact))
            assert abs(Cosine().factor(step, 997) - (1 + mpmath.cospi(t)) / 2) <= 2 * math.ulp(1.0)
            third = mpmath.mpf(0.3) ** (step * 4 // 997)
            assert abs(StepDecay(drop=0.3, n_drops=3).factor(step, 997) - third) <= 2 * math.ulp(float(third))


@pytest.mark.parametrize("schedule", [StepDecay(), Exponential(), Cosine(), Cosine(flat=0.3, final=0.1)])
def test_decays_never_rise(schedule: Schedule) -> None:
    factors = [schedule.factor(step, 97) for step in range(97)]
    assert all(later <= earlier for earlier, later in pairwise(factors))


def test_one_cycle_rises_to_one_and_falls() -> None:
    factors = [OneCycle().factor(step, 1000) for step in range(1000)]
    top = factors.index(max(factors))
    assert top == 300
    assert factors[top] == 1
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_the_cycles_of_coslog_double() -> None:
    factors = [CosLog().factor(step, 15_000) for step in range(15_000)]
    peaks = [s for s in range(1, 14_999) if factors[s - 1] < factors[s] >= factors[s + 1]]
    assert len(peaks) == 4
    expected = [1000 * (2 ** (k + 0.5) - 1) for k in range(4)]
    assert peaks == [pytest.approx(place, abs=1) for place in expected]
    assert all(factors[peak] == pytest.approx(1, abs=1e-6) for peak in peaks)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Exponential(final=0.0),
        lambda: Cosine(flat=1.0),
        lambda: OneCycle(rise=0.0),
        lambda: StepDecay(n_drops=0),
        lambda: WarmUp(share=1.0),
        lambda: WarmUp(then="cosine"),
    ],
)
def test_options_that_make_no_curve_are_refused(make: type[Schedule]) -> None:
    with pytest.raises(OptionError):
        make()
