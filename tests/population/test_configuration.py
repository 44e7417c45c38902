"""The first member's configuration depends on the rows; the others depend on the seed and their number alone."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.estimators import TabularRegressor
from pellucid.estimators.single import beginning
from pellucid.population.configuration import (
    STRONG_DECAY,
    STRONG_DECAY_BELOW,
    WEIGHT_DECAYS,
    Configuration,
    draw_configuration,
    first_configuration,
)
from pellucid.random import Random
from pellucid.tabular.frames import to_table
from pellucid.tabular.splitting import Rows


def test_few_rows_have_a_strong_decay_in_the_first_member_alone() -> None:
    assert first_configuration(STRONG_DECAY_BELOW, {}) == Configuration()
    assert first_configuration(STRONG_DECAY_BELOW - 1, {}).weight_decay == STRONG_DECAY
    few, many = ([draw_configuration(Random(7), n, rows, {}) for n in range(30)] for rows in (100, 100_000))
    assert few[0] != many[0]
    assert few[1:] == many[1:]
    assert all(WEIGHT_DECAYS[0] <= each.weight_decay <= WEIGHT_DECAYS[1] for each in few)


def test_what_was_decided_stays() -> None:
    for number in range(5):
        assert draw_configuration(Random(0), number, 100, {"weight_decay": 0.1}).weight_decay == 0.1


@pytest.mark.parametrize(("asked", "expected"), [(None, STRONG_DECAY), (0.05, 0.05)])
def test_a_single_network_has_the_decay_of_the_first_member(asked: float | None, expected: float) -> None:
    x = np.linspace(-1, 1, 80)[:, None]
    fitted = TabularRegressor(members=1, epochs=2, weight_decay=asked, random_state=0).fit(x, x[:, 0])
    rows = Rows(to_table(x), x[:, 0], None)
    _, arguments = beginning(fitted, fitted.encoder_, rows, Random(0), fitted.plan_)
    assert arguments["optimizer"].weight_decay == expected
