"""A domain is the set of values that an option may take, in code and in words."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod

import numpy as np

from pellucid.errors import listed


class Domain(ABC):
    """The set of values that an option may take."""

    @abstractmethod
    def describe(self) -> str:
        """Return the domain in words, for messages and help."""

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Return whether the option may take this value."""


@dataclasses.dataclass(frozen=True)
class Number(Domain):
    """A finite real number from ``low`` to ``high``; an end named in ``open`` is left out."""

    low: float = -math.inf
    high: float = math.inf
    open: str = ""  # "low", "high" or "low high"
    noun: str = "a number"

    def contains(self, value: object) -> bool:
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
            return False
        above = value > self.low if "low" in self.open else value >= self.low
        below = value < self.high if "high" in self.open else value <= self.high
        return bool(above and below and math.isfinite(value))

    def describe(self) -> str:
        low = f"above {self.low:g}" if "low" in self.open else f"at least {self.low:g}"
        high = f"below {self.high:g}" if "high" in self.open else f"at most {self.high:g}"
        limits = [text for text, end in ((low, self.low), (high, self.high)) if math.isfinite(end)]
        return " ".join([self.noun, " and ".join(limits)]).strip()


@dataclasses.dataclass(frozen=True)
class Integer(Number):
    """A whole number from ``low`` to ``high``."""

    noun: str = "a whole number"

    def contains(self, value: object) -> bool:
        return isinstance(value, int | np.integer) and super().contains(value)


@dataclasses.dataclass(frozen=True)
class Boolean(Domain):
    """``True`` or ``False``."""

    def contains(self, value: object) -> bool:
        return isinstance(value, bool | np.bool_)

    def describe(self) -> str:
        return "True or False"


@dataclasses.dataclass(frozen=True)
class Choice(Domain):
    """One of some words."""

    names: tuple[str, ...]

    def contains(self, value: object) -> bool:
        return isinstance(value, str) and value in self.names

    def describe(self) -> str:
        return f"one of {listed(self.names, limit=30)}"


@dataclasses.dataclass(frozen=True)
class Text(Domain):
    """A text, of which ``noun`` says what it is."""

    noun: str

    def contains(self, value: object) -> bool:
        return isinstance(value, str)

    def describe(self) -> str:
        return self.noun


@dataclasses.dataclass(frozen=True)
class Nothing(Domain):
    """``None``, with what it means."""

    meaning: str

    def contains(self, value: object) -> bool:
        return value is None

    def describe(self) -> str:
        return f"None ({self.meaning})"


@dataclasses.dataclass(frozen=True)
class Infinity(Domain):
    """``inf``, with what it means."""

    meaning: str

    def contains(self, value: object) -> bool:
        return isinstance(value, float | np.floating) and value == math.inf

    def describe(self) -> str:
        return f"inf ({self.meaning})"


@dataclasses.dataclass(frozen=True)
class Several(Domain):
    """A list or tuple of values of one domain, with at least ``at_least`` of them."""

    item: Domain
    at_least: int = 0

    def contains(self, value: object) -> bool:
        return isinstance(value, list | tuple) and len(value) >= self.at_least and all(map(self.item.contains, value))

    def describe(self) -> str:
        count = f" ({self.at_least} or more)" if self.at_least else ""
        return f"a list{count}, each {self.item.describe()}"


@dataclasses.dataclass(frozen=True)
class Kind(Domain):
    """An instance of one of some classes."""

    types: tuple[type, ...]
    noun: str

    def contains(self, value: object) -> bool:
        return isinstance(value, self.types)

    def describe(self) -> str:
        return self.noun


class Either(Domain):
    """A value of one of several domains."""

    def __init__(self, *domains: Domain) -> None:
        self.domains = domains

    def contains(self, value: object) -> bool:
        return any(domain.contains(value) for domain in self.domains)

    def describe(self) -> str:
        return ", or ".join(domain.describe() for domain in self.domains)
