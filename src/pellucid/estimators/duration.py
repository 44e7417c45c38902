"""A duration is a number of seconds, or a text such as "90s", "10m" or "1.5h"."""

from __future__ import annotations

import contextlib
import math
import numbers
import re
from typing import Any

from pellucid.domains import Domain
from pellucid.errors import OptionError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|m|min|h|)\s*")


class Duration(Domain):
    """A duration above 0."""

    def contains(self, value: Any) -> bool:
        try:
            return to_seconds(value) > 0
        except OptionError:
            return False

    def describe(self) -> str:
        return "seconds above 0, or a text such as '90s', '10m' or '1h'"


def to_seconds(value: float | str) -> float:
    """Return the seconds that a duration stands for.

    >>> to_seconds("1.5m")
    90.0
    """
    seconds = math.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # a whole number beyond every float
            seconds = float(value)
    elif isinstance(value, str) and (match := _PATTERN.fullmatch(value)):
        seconds = float(match[1]) * _UNITS[match[2]]
    if not math.isfinite(seconds):
        raise OptionError(f"a duration got {value!r}; it expects seconds, or a text such as '90s', '10m' or '1h'.")
    return seconds
