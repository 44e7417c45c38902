"""A configuration is what one network of the population differs in from the others, and the ranges it is drawn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.elementary import logarithm, power
from pellucid.random import Purpose, Random

SIZES = (64, 128, 256)
DEPTHS = (1, 2, 2, 2, 3)
ACTIVATIONS = ("relu", "mish", "silu", "selu", "gelu")
DROPOUTS = (0.0, 0.1, 0.2, 0.3)
LEARNING_RATES = (0.0015, 0.012)
WEIGHT_DECAYS = (0.02, 2.0)
NUMBERS = ("piecewise", "piecewise", "piecewise", "piecewise", "piecewise", "plain", "periodic")
BINS = (16, 32, 48, 64)
EMBEDDING_SIZES = (4, 8, 16)
LEAST_SHARE = 0.03
STRONG_DECAY_BELOW = 1500  # rows: their steps are so few that the first member's decay comes to nothing unless strong
STRONG_DECAY = 2.0


@dataclass(frozen=True)
class Configuration:
    """The hyper-parameters of a network; the defaults are those of the first member where rows are not few.

    numbers : how numerical columns enter: as they are, each with a factor, and with "piecewise" or "periodic" each also
        by an embedding of ``number_size`` numbers
    n_bins : bins of a piecewise linear embedding
    least_share : where most numbers of a wide table are at their medians nearly throughout, those that are elsewhere
        in a smaller share of the rows are left out
    """

    hidden_layer_sizes: tuple[int, ...] = (128, 128)
    activation: str = "mish"
    dropout: float = 0.15
    learning_rate: float = 0.004
    weight_decay: float = 0.3
    numbers: str = "piecewise"
    n_bins: int = 48
    number_size: int = 16
    embedding_size: int = 16
    least_share: float = 0.0

    @property
    def layers(self) -> str:
        """The hidden layers in short, such as "128-128 mish"."""
        return f"{'-'.join(map(str, self.hidden_layer_sizes)) or 'none'} {self.activation}"

    @property
    def encoding(self) -> str:
        """How numbers enter in short: "48 bins", "waves" or "factor"."""
        return {"piecewise": f"{self.n_bins} bins", "periodic": "waves", "plain": "factor"}[self.numbers]


def first_configuration(n_rows: int, fixed: Mapping[str, Any]) -> Configuration:
    """Return the configuration of the first member, or of a single network, for a number of training rows.

    >>> first_configuration(1_000, {}).weight_decay, first_configuration(10_000, {}).weight_decay
    (2.0, 0.3)
    """
    few = {"weight_decay": STRONG_DECAY} if n_rows < STRONG_DECAY_BELOW else {}
    return dataclasses.replace(Configuration(), **{**few, **fixed})


def draw_configuration(rng: Random, member: int, n_rows: int, fixed: Mapping[str, Any]) -> Configuration:
    """Return the configuration of the member with this number; ``fixed`` holds what was decided beforehand.

    Those after the first are independent of each other: how many there are changes none of them.

    >>> draw_configuration(Random(0), 0, 1_000, {"dropout": 0.0}).dropout
    0.0
    >>> draw_configuration(Random(0), 3, 1_000, {}) == draw_configuration(Random(0), 3, 9_000, {})
    True
    """
    if member == 0:
        return first_configuration(n_rows, fixed)
    u = iter(rng.at(purpose=Purpose.SAMPLE, layer=0, step=member).uniform(16).tolist())

    def one_of(values: tuple[Any, ...]) -> Any:
        return values[int(next(u) * len(values))]

    def between(low: float, high: float) -> float:
        """Return a number whose logarithm is equally likely everywhere; powers of 2 are exact operations."""
        exponent = next(u) * logarithm(high / low) / logarithm(2.0)
        return low * power(2.0, exponent)

    drawn = Configuration(
        hidden_layer_sizes=(one_of(SIZES),) * one_of(DEPTHS),
        activation=one_of(ACTIVATIONS),
        dropout=one_of(DROPOUTS),
        learning_rate=between(*LEARNING_RATES),
        weight_decay=between(*WEIGHT_DECAYS),
        numbers=one_of(NUMBERS),
        n_bins=one_of(BINS),
        embedding_size=one_of(EMBEDDING_SIZES),
        least_share=LEAST_SHARE if member % 3 == 1 else 0.0,  # also of few members, one
    )
    return dataclasses.replace(drawn, **fixed)
