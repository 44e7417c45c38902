"""A duration is a number of seconds or a text with a unit; everything else is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError
from pellucid.estimators.duration import Duration, to_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        (np.float32(2), 2.0),
        (np.int64(3), 3.0),
        (Fraction(1, 2), 0.5),
        ("90", 90.0),
        ("90s", 90.0),
        (" 1.5 m ", 90.0),
        ("2min", 120.0),
        (".5h", 1800.0),
        ("1.h", 3600.0),
    ],
)
def test_durations(value: Any, seconds: float) -> None:
    found = to_seconds(value)
    assert (found, type(found)) == (seconds, float)
    assert Duration().contains(value)


NONSENSE = ["", "s", "soon", "1d", "1e3", "-5s", "1 h 5 m", "nan", "inf", "1s\n1", b"1s", None, True, [1], "9" * 400]


@pytest.mark.parametrize(
    "value", [*NONSENSE, float("nan"), float("inf"), 10**400, np.nan, 1j, np.ones(1), "9" * 308 + "h"]
)
def test_nonsense_is_refused(value: Any) -> None:
    assert not Duration().contains(value)
    with pytest.raises(OptionError, match="a duration got"):
        to_seconds(value)


@pytest.mark.parametrize("value", [0, -1, 0.0, "0", "0.0h"])
def test_no_time_at_all_is_outside_the_domain(value: Any) -> None:
    assert to_seconds(value) <= 0
    assert not Duration().contains(value)
