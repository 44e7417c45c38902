"""What the recipe makes of a configuration for a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import AdamW, BinaryCrossEntropy, train
from pellucid.network import Network
from pellucid.population.configuration import LEAST_SHARE, Configuration, draw_configuration
from pellucid.population.recipe import MOST_EMBEDDED, build_member, leave_out_rare, suited
from pellucid.random import Random
from pellucid.tabular import Encoder

LEAN = Configuration(hidden_layer_sizes=(8,), dropout=0.0, numbers="plain", least_share=0.1)


def rare_and_common(n_rare: int, n_common: int) -> np.ndarray:
    """Return 200 rows of columns that are 0 but in 10 rows, and of columns that are 0 in half of them."""
    rng = np.random.default_rng(0)
    made = np.zeros((200, n_rare + n_common))
    for column in range(n_rare + n_common):
        rows = rng.choice(200, 10 if column < n_rare else 100, replace=False)
        made[rows, column] = 1 + rng.random(len(rows))
    return made


def built(table: np.ndarray, configuration: Configuration) -> tuple[Network, np.ndarray, np.ndarray]:
    """Return a network for a table, with its encoded rows and a target."""
    encoder, target = Encoder().fit(table), (table[:, -1] > 0).astype(float)
    x = encoder.transform(table)
    network = build_member(encoder, 1, configuration, BinaryCrossEntropy(), target, None, Random(0))
    leave_out_rare(network, encoder, configuration, x)
    return network, x, target


def factors(network: Network) -> Any:
    return network.views(network.parameters)["0.columns.factor"]


def test_numbers_that_are_rarely_other_than_usual_are_left_out_and_stay_so() -> None:
    network, x, target = built(rare_and_common(6, 4), LEAN)
    np.testing.assert_array_equal(factors(network), [0] * 6 + [1] * 4)
    train(network, x, target, loss=BinaryCrossEntropy(), optimizer=AdamW(), epochs=5, batch_size=20)
    assert not factors(network)[:6].any() and (factors(network)[6:] != 1).all()
    other = x.copy()
    other[:, :6] += 1
    np.testing.assert_array_equal(network.predict(other), network.predict(x))


@pytest.mark.parametrize(("n_rare", "least_share"), [(5, 0.1), (6, 0.05), (6, 0.0)])
def test_all_numbers_take_part_where_most_are_common(n_rare: int, least_share: float) -> None:
    network, _, _ = built(rare_and_common(n_rare, 10 - n_rare), Configuration(numbers="plain", least_share=least_share))
    assert (factors(network) == 1).all()


@pytest.mark.parametrize("n_columns", [MOST_EMBEDDED, MOST_EMBEDDED + 1])
def test_some_members_of_a_wide_table_leave_rare_numbers_out(n_columns: int) -> None:
    encoder = Encoder().fit(rare_and_common(0, n_columns))
    drawn = [suited(draw_configuration(Random(0), member, 100, {}), encoder, {}) for member in range(5)]
    wide = LEAST_SHARE if n_columns > MOST_EMBEDDED else 0.0
    assert [each.least_share for each in drawn] == [0.0, wide, 0.0, 0.0, wide]
