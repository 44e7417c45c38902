"""A schedule is a function of the step: the factor by which a configured value is multiplied as training goes on.

It may drive any named scalar: ``train(..., schedules={"learning_rate": Cosine(), "dropout_rate": Cosine(flat=0.5)})``.
All are made of exact operations, so the factors are the same numbers on every machine.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from pellucid.domains import Either, Integer, Kind, Nothing, Number
from pellucid.elementary import cosine, logarithm, power
from pellucid.options import Configurable, option


class Schedule(Configurable):
    """The interface of every schedule: a factor for each of ``total_steps`` steps; t = step / total_steps."""

    name: ClassVar[str]

    @abstractmethod
    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor for step 0, 1, ..., total_steps - 1."""


class ConstantRate(Schedule):
    """1 throughout."""

    name = "constant"

    def factor(self, step: int, total_steps: int) -> float:
        """Return 1."""
        return 1.0


class StepDecay(Schedule):
    """``drop ** k`` with k = floor(t (n_drops + 1)): the drops cut training into ``n_drops + 1`` equal parts."""

    name = "step"
    drop: float = option(Number(0, 1), "What each drop multiplies by.", default=0.1)
    n_drops: int = option(Integer(1), "Number of drops.", default=2)

    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor after the drops so far."""
        factor = 1.0
        for _ in range(step * (self.n_drops + 1) // total_steps):
            factor *= self.drop
        return factor


class Exponential(Schedule):
    """``final ** t``: the same share is lost in every step."""

    name = "exponential"
    final: float = option(Number(0, 1, open="low"), "The factor at the end.", default=0.01)

    def factor(self, step: int, total_steps: int) -> float:
        """Return final ** t."""
        return power(self.final, step / total_steps)


class Cosine(Schedule):
    """Half a cosine from 1 to ``final``, after a flat share (Loshchilov & Hutter 2017, arXiv 1608.03983).

    ``final + (1 - final) (1 + cos(π u)) / 2`` with u = max(0, (t - flat) / (1 - flat)).
    """

    name = "cosine"
    final: float = option(Number(0, 1), "The factor at the end.", default=0.0)
    flat: float = option(Number(0, 1, open="high"), "Share of training that stays at 1 before the cosine.", default=0.0)

    def factor(self, step: int, total_steps: int) -> float:
        """Return the cosine's value."""
        u = max(0.0, (step / total_steps - self.flat) / (1 - self.flat))
        return self.final + (1 - self.final) * (1 + cosine(u / 2)) / 2


class OneCycle(Schedule):
    """Up from ``start`` to 1 and down to ``final``, both along half a cosine (Smith & Topin 2018, arXiv 1708.07120).

    ``start + (1 - start) (1 - cos(π t / rise)) / 2`` for t < rise, and from there on
    ``final + (1 - final) (1 + cos(π (t - rise) / (1 - rise))) / 2``.
    """

    name = "one_cycle"
    rise: float = option(Number(0, 1, open="low high"), "Share of training that goes up.", default=0.3)
    start: float = option(Number(0, 1), "The factor at the start.", default=0.04)
    final: float = option(Number(0, 1), "The factor at the end.", default=4e-6)

    def factor(self, step: int, total_steps: int) -> float:
        """Return the cycle's value."""
        t = step / total_steps
        if t < self.rise:
            return self.start + (1 - self.start) * (1 - cosine(t / self.rise / 2)) / 2
        return self.final + (1 - self.final) * (1 + cosine((t - self.rise) / (1 - self.rise) / 2)) / 2


class WarmUp(Schedule):
    """Up along a line over a share of training, then another schedule over the rest.

    The first n = max(1, round(share * total_steps)) steps have the factors 1/(n + 1), 2/(n + 1), ..., n/(n + 1), so no
    step is lost at a factor of 0; the rest is a training of its own to the schedule ``then``.

    >>> [WarmUp(share=0.3).factor(step, 10) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    name = "warm_up"
    share: float = option(Number(0, 1, open="low high"), "Share of training that goes up.", default=0.05)
    then: Any = option(
        Either(Kind((Schedule,), "a schedule"), Nothing("constant")), "What follows.", default=None, kw_only=True
    )

    def factor(self, step: int, total_steps: int) -> float:
        """Return the line's value, or that of the schedule which follows."""
        rising = max(1, round(self.share * total_steps))
        if step < rising:
            return (step + 1) / (rising + 1)
        return 1.0 if self.then is None else float(self.then.factor(step - rising, total_steps - rising))


class CosLog(Schedule):
    """Four cycles, each twice as long as the one before: ``½ (1 - cos(2π log2(1 + 15 t)))``.

    The learning-rate schedule of RealMLP (Holzmüller et al. 2024, arXiv 2407.04491).

    >>> [round(CosLog().factor(step, 30), 3) for step in (0, 1, 2, 4, 14)]
    [0.0, 0.93, 0.0, 0.93, 0.0]
    """

    name = "coslog"

    def factor(self, step: int, total_steps: int) -> float:
        """Return the wave's value."""
        return 0.5 * (1 - cosine(logarithm(1 + 15 * step / total_steps) / logarithm(2.0)))
