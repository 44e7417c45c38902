"""Folds set each row aside once, share out classes, keep groups whole, and never learn from what came later."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import DataError, ShapeError
from pellucid.layers.base import Array
from pellucid.random import Random
from pellucid.tabular.folds import Folds, chained_folds, make_folds
from pellucid.tabular.splitting import group_codes, ranked, split_last, split_rows

SEEDS = st.integers(0, 2**64 - 1)
CODES = st.lists(st.integers(0, 5), min_size=2, max_size=80)
N_FOLDS = st.integers(2, 8)
SHARES = st.floats(0.01, 0.99)


def check_each_row_once(folds: Folds, n_rows: int) -> None:
    for stay, aside in folds.splits:
        assert sorted([*stay.tolist(), *aside.tolist()]) == list(range(n_rows))
        assert stay.tolist() == sorted(stay.tolist()) and aside.tolist() == sorted(aside.tolist())
        assert len(stay) and len(aside)
    assert sorted(np.concatenate([aside for _, aside in folds.splits]).tolist()) == list(range(n_rows))


@settings(deadline=None)
@given(codes=CODES, n_folds=N_FOLDS, seed=SEEDS, by_class=st.booleans())
def test_rows_are_dealt_evenly_and_so_is_each_class(codes: list[int], n_folds: int, seed: int, by_class: bool) -> None:
    classes = np.array(codes)
    folds = make_folds(len(codes), n_folds, Random(seed), classes if by_class else None)
    check_each_row_once(folds, len(codes))
    assert len(folds.splits) == min(n_folds, len(codes))
    assert bool(folds.remarks) == (n_folds > len(codes))
    sizes = [len(aside) for _, aside in folds.splits]
    assert max(sizes) - min(sizes) <= 1
    if by_class:
        for code in set(codes):
            counts = [(classes[aside] == code).sum() for _, aside in folds.splits]
            assert max(counts) - min(counts) <= 1
        few = sorted(code for code in set(codes) if codes.count(code) < len(folds.splits))
        assert list(folds.scarce) == few
        for (stay, _), codes_unseen in zip(folds.splits, folds.unseen, strict=True):
            assert set(codes_unseen) == set(codes) - set(classes[stay].tolist())


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=80), n_folds=N_FOLDS, seed=SEEDS
)
def test_a_group_is_in_one_fold(rows: list[tuple[int, int]], n_folds: int, seed: int) -> None:
    groups = group_codes([group for group, _ in rows], len(rows))
    classes = np.array([code for _, code in rows])
    if groups.max() == 0:
        with pytest.raises(DataError, match="two groups"):
            make_folds(len(rows), n_folds, Random(seed), classes, groups)
        return
    folds = make_folds(len(rows), n_folds, Random(seed), classes, groups)
    check_each_row_once(folds, len(rows))
    assert len(folds.splits) == min(n_folds, groups.max() + 1)
    for stay, aside in folds.splits:
        assert not set(groups[stay]) & set(groups[aside])


def test_groups_of_one_class_each_are_dealt_so_that_folds_share_it() -> None:
    groups = np.arange(200) // 5
    classes = groups % 4
    for seed in range(10):
        for _, aside in make_folds(200, 5, Random(seed), classes, groups).splits:
            assert np.bincount(classes[aside]).tolist() == [10, 10, 10, 10]


def test_groups_of_one_row_are_dealt_as_evenly_as_rows() -> None:
    classes = np.arange(60) % 3
    for _, aside in make_folds(60, 4, Random(1), classes, np.arange(60)).splits:
        assert np.bincount(classes[aside]).tolist() == [5, 5, 5]


def test_the_same_address_gives_the_same_folds_and_another_others() -> None:
    for groups in (None, np.arange(60) // 2):
        first, again, other = (
            make_folds(60, 5, Random(seed), np.arange(60) % 2, groups).splits[0][1] for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert first.tolist() != other.tolist()


def test_two_rows_make_two_folds() -> None:
    folds = make_folds(2, 5, Random(0), np.array([0, 1]))
    assert sorted((stay.tolist(), aside.tolist()) for stay, aside in folds.splits) == [([0], [1]), ([1], [0])]
    assert folds.remarks == ("2 folds rather than 5: there are 2 rows",)
    with pytest.raises(DataError, match=r"1 row\(s\) cannot"):
        make_folds(1, 2, Random(0))


def test_a_class_with_fewer_rows_than_folds_is_said_by_name() -> None:
    folds = make_folds(21, 5, Random(0), np.array([0] * 10 + [1] * 8 + [2] * 2 + [3]))
    assert folds.scarce == (2, 3)
    assert sum(3 in codes for codes in folds.unseen) == 1
    (text,) = folds.said(["a", "b", "rare", "once"])
    assert text == (
        "too few rows in class 'rare', 'once' for each of 5 folds to be judged by; some folds learn without 'once'"
    )
    assert make_folds(20, 5, Random(0), np.arange(20) % 4).said("abcd") == ()


RANKS = st.lists(st.integers(0, 12), min_size=2, max_size=60).map(lambda values: ranked(values, len(values)))


@settings(deadline=None)
@given(ranks=RANKS, n_folds=N_FOLDS, share=SHARES)
def test_what_is_judged_is_later_than_all_that_was_learned(ranks: Array, n_folds: int, share: float) -> None:
    if ranks.max() == 0:
        for refused in (lambda: chained_folds(ranks, n_folds), lambda: split_last(ranks, share)):
            with pytest.raises(DataError, match="same place in the order"):
                refused()
        return
    folds = chained_folds(ranks, n_folds)
    splits = [*folds.splits, split_last(ranks, share)]
    for stay, aside in splits:
        assert len(stay) and len(aside)
        assert ranks[stay].max() < ranks[aside].min()
    assert bool(folds.remarks) == (len(folds.splits) < n_folds)
    for (before, aside), (stay, _) in zip(folds.splits, folds.splits[1:], strict=False):
        assert sorted([*before.tolist(), *aside.tolist()]) == stay.tolist()  # each learns from what the last judged
    last = folds.splits[-1]
    assert len(last[0]) + len(last[1]) == len(ranks)
    nearest = min(abs(int((ranks > place).sum()) - share * len(ranks)) for place in range(ranks.max()))
    assert abs(len(splits[-1][1]) - share * len(ranks)) == nearest


def test_chained_folds_of_distinct_ranks_are_of_equal_size() -> None:
    sizes = [(len(stay), len(aside)) for stay, aside in chained_folds(Random(0).permutation(100), 4).splits]
    assert sizes == [(20, 20), (40, 20), (60, 20), (80, 20)]


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=80),
    share=SHARES,
    seed=SEEDS,
    by_class=st.booleans(),
)
def test_a_split_keeps_groups_whole(rows: list[tuple[int, int]], share: float, seed: int, by_class: bool) -> None:
    groups = group_codes([group for group, _ in rows], len(rows))
    classes = np.array([code for _, code in rows]) if by_class else None
    try:
        stay, aside = split_rows(len(rows), share, Random(seed), classes, groups)
    except DataError:
        whole = classes if classes is not None else np.zeros(len(rows), int)
        for group in set(groups.tolist()):  # in each group a class would be lost
            assert set(whole.tolist()) > set(whole[groups != group].tolist())
        return
    assert sorted([*stay.tolist(), *aside.tolist()]) == list(range(len(rows)))
    assert len(stay) and len(aside)
    assert not set(groups[stay]) & set(groups[aside])
    if classes is not None:
        assert set(classes[stay]) == set(classes)


def test_a_split_by_groups_meets_the_shares_of_classes() -> None:
    """With groups of 5 in 1,000 rows each class can be met within a group or two."""
    groups = np.arange(1000) // 5
    classes = (np.arange(1000) // 25) % 3
    for seed in range(20):
        _, aside = split_rows(1000, 0.2, Random(seed), classes, groups)
        np.testing.assert_allclose(np.bincount(classes[aside]), 0.2 * np.bincount(classes), atol=5)


def test_groups_are_coded_as_they_appear_whatever_they_are() -> None:
    names: list[Any] = [["b", "a", "b"], np.array([7.5, 2.0, 7.5]), pandas.Series(["b", "a", "b"])]
    names += [polars.Series(["b", "a", "b"]), [1, "1", 1]]
    for groups in names:
        assert group_codes(groups, 3).tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="groups has no value in row 1"):
        group_codes(["a", None, "b"], 3)
    with pytest.raises(ShapeError, match=r"groups has shape \(2,\); it expects \(3,\)"):
        group_codes(["a", "b"], 3)


def test_an_order_is_numbers_or_dates() -> None:
    days = [datetime.date(2024, 5, 1), datetime.date(2023, 1, 9), datetime.date(2024, 5, 1)]
    at_noon = [datetime.datetime(day.year, day.month, day.day, 12, tzinfo=datetime.UTC) for day in days]
    orders: list[Any] = [days, at_noon, np.array(days, dtype="datetime64[D]"), pandas.Series(pandas.to_datetime(days))]
    orders += [pandas.Series(at_noon), polars.Series(days), polars.Series(at_noon), [2.5, -1.0, 2.5], [3, 1, 3]]
    for order in orders:
        assert ranked(order, 3).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="order has no value in row 2"):
        ranked([1.0, 2.0, np.nan], 3)
    with pytest.raises(DataError, match="order holds str"):
        ranked(["10", "9", "8"], 3)
    with pytest.raises(DataError, match="cannot be compared"):
        ranked([days[0], at_noon[1], days[2]], 3)
