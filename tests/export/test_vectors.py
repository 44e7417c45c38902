"""Test vectors are rows that a model takes: where it reads codes they hold codes, the first and the last among them."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.export import lower
from pellucid.export.graph import Output
from pellucid.export.vectors import rows_for, tied
from pellucid.random import Random
from tests.export import models

CODES = {"embedding": {0: 5}, "columns of codes": {2: 7, 3: 2}}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CODES)
def test_where_a_network_reads_codes_all_of_them_come_up(name: str, dtype: str) -> None:
    network = models.network(name, dtype)
    rows = np.array(rows_for(lower(network), 200, Random(1))["x"])
    for index, n_codes in CODES[name].items():
        assert np.unique(rows[:, index]).tolist() == list(range(n_codes))
        assert {0, n_codes - 1} <= set(rows[:4, index])
    others = [index for index in range(network.n_inputs) if index not in CODES[name]]
    assert all(len(np.unique(rows[4:, index])) == 200 for index in others)
    network.predict(rows)  # which refuses what is no code


def test_codes_of_two_columns_do_not_move_together() -> None:
    rows = np.array(rows_for(lower(models.network("columns of codes", "float64")), 200, Random(1))["x"])
    assert len({tuple(row) for row in rows[:, 2:].tolist()}) == 7 * 2


def test_labels_are_tied_where_an_allowed_difference_of_each_probability_turns_them() -> None:
    one, many = (Output(kind, "v1", kind, ("a", "b")) for kind in ("label", "labels"))
    probabilities = np.array([[0.5, 0.5], [0.5005, 0.4995], [0.5015, 0.4985], [0.9, 0.1]])
    assert tied(one, probabilities, 1e-3).tolist() == [True, True, False, False]
    assert tied(many, probabilities, 1e-3).tolist() == [True, True, True, False]
