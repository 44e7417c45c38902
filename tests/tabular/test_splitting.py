"""A split sets aside distinct rows, of each class its share, and leaves a row of each class to learn from."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import DataError
from pellucid.random import Random
from pellucid.tabular.splitting import Rows, split_rows

SHARES = st.floats(0, 1, exclude_min=True, exclude_max=True)
SEEDS = st.integers(0, 2**64 - 1)
CODES = st.lists(st.integers(0, 6), min_size=2, max_size=80).filter(lambda codes: len(set(codes)) < len(codes))


def expected_count(share: float, size: int) -> int:
    """``round(share * size)``, of the product in float64 as the function says, but one stays."""
    return min(round(Fraction(share * size)), size - 1)


@settings(deadline=None)
@given(n_rows=st.integers(2, 200), share=SHARES, seed=SEEDS)
def test_a_split_without_classes(n_rows: int, share: float, seed: int) -> None:
    stay, aside = split_rows(n_rows, share, Random(seed))
    assert sorted([*stay.tolist(), *aside.tolist()]) == list(range(n_rows))  # distinct and complete
    assert stay.tolist() == sorted(stay.tolist())
    assert aside.tolist() == sorted(aside.tolist())
    assert len(aside) == max(1, expected_count(share, n_rows))
    assert len(stay) >= 1


@settings(deadline=None)
@given(codes=CODES, share=SHARES, seed=SEEDS)
def test_a_split_by_classes(codes: list[int], share: float, seed: int) -> None:
    classes = np.array(codes)
    stay, aside = split_rows(len(codes), share, Random(seed), classes)
    assert sorted([*stay.tolist(), *aside.tolist()]) == list(range(len(codes)))
    assert stay.tolist() == sorted(stay.tolist())
    assert aside.tolist() == sorted(aside.tolist())
    assert set(classes[stay]) == set(codes)  # every class stays among the rows that train
    counts = {code: expected_count(share, codes.count(code)) for code in set(codes)}
    found = {code: int((classes[aside] == code).sum()) for code in set(codes)}
    if any(counts.values()):
        assert found == counts
    else:  # one row of a class that is as large as any
        (chosen,) = [code for code, count in found.items() if count]
        assert found[chosen] == 1
        assert codes.count(chosen) == max(map(codes.count, codes))


@settings(deadline=None)
@given(codes=CODES, share=SHARES, seed=SEEDS)
def test_the_same_address_gives_the_same_split(codes: list[int], share: float, seed: int) -> None:
    for classes in (None, np.array(codes)):
        first, second = (split_rows(len(codes), share, Random(seed), classes) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


@settings(deadline=None)
@given(codes=CODES, share=SHARES, seed=SEEDS)
def test_the_names_of_classes_make_no_difference(codes: list[int], share: float, seed: int) -> None:
    shares = [expected_count(share, codes.count(code)) for code in set(codes)]
    stay, _ = split_rows(len(codes), share, Random(seed), np.array(codes))
    other, _ = split_rows(len(codes), share, Random(seed), 6 - np.array(codes))
    if any(shares):
        np.testing.assert_array_equal(stay, other)


def test_seeds_give_different_splits_and_no_row_is_favored() -> None:
    """Each of 20 rows is set aside in about 5 of 20 of 2,000 drawings; 6 standard deviations are granted."""
    n_draws, share = 2000, 0.25
    counts = np.zeros(20)
    for seed in range(n_draws):
        counts[split_rows(20, share, Random(seed))[1]] += 1
    assert (np.abs(counts - n_draws * share) < 6 * np.sqrt(n_draws * share * (1 - share))).all()


@pytest.mark.parametrize("n_rows", [0, 1])
def test_one_row_cannot_be_split(n_rows: int) -> None:
    with pytest.raises(DataError, match=f"{n_rows} row"):
        split_rows(n_rows, 0.5, Random(0))


@pytest.mark.parametrize("n_rows", [2, 3, 50])
def test_one_row_of_each_class_cannot_be_split(n_rows: int) -> None:
    with pytest.raises(DataError, match=f"each of the {n_rows} classes has one row"):
        split_rows(n_rows, 0.5, Random(0), np.arange(n_rows))


def test_rows_are_taken_with_target_and_weight() -> None:
    rows = Rows(polars.DataFrame({"a": [1, 2, 3]}), np.array([10.0, 20.0, 30.0]), np.array([0.1, 0.2, 0.3]))
    taken = rows.take(np.array([2, 0]))
    assert taken.table["a"].to_list() == [3, 1]
    assert taken.target.tolist() == [30.0, 10.0]
    assert taken.weight is not None
    assert taken.weight.tolist() == [0.3, 0.1]
    assert Rows(rows.table, rows.target, None).take(np.array([1])).weight is None
    assert rows.take(np.array([], dtype=np.int64)).table.height == 0
