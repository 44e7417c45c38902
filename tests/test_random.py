"""Addressed random numbers: the words against a Philox written out here, and what is made from them."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle

import numpy as np
import pytest

from pellucid.errors import OptionError
from pellucid.random import Purpose, Random, as_random

TOP = 2**64 - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Return the four words of one block of Philox4x64-10, from the paper's definition."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        left, right = 0xD2E7470EE14C6C93 * x0, 0xCA5A826395121157 * x2
        x0, x1, x2, x3 = (right >> 64) ^ x1 ^ k0, right & TOP, (left >> 64) ^ x3 ^ k1, left & TOP
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & TOP, (k1 + 0xBB67AE8584CAA73B) & TOP
    return [x0, x1, x2, x3]


def word(rng: Random, element: int) -> int:
    return philox([element // 4, rng.step, rng.layer, 0], [rng.seed, int(rng.purpose)])[element % 4]


ADDRESSES = [
    Random(),
    Random(seed=1),
    Random(seed=TOP, purpose=Purpose.SAMPLE, layer=TOP, step=TOP),
    Random(seed=2**40 + 3, purpose=Purpose.DROPOUT, layer=5, step=0),
    Random(seed=7, purpose=Purpose.SHUFFLE, layer=0, step=123456789),
]


def test_the_oracle_gives_the_published_words() -> None:
    """The known answers that the authors' Random123 library publishes for zeros, ones and digits of pi."""
    assert philox([0] * 4, [0] * 2) == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    ]  # fmt: skip
    assert philox([TOP] * 4, [TOP] * 2) == [
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    ]  # fmt: skip


def test_words_are_pinned() -> None:
    """These numbers are part of the format: a change would change every seeded result."""
    assert Random().words(5).tolist() == [
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B, word(Random(), 4),
    ]  # fmt: skip
    assert Random(seed=1).words(2).tolist() == [0xCB7EA744CF19BB4C, 0xA34EACBE1377D650]
    assert [int(purpose) for purpose in Purpose] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("rng", ADDRESSES, ids=str)
@pytest.mark.parametrize("first", [0, 1, 3, 4, 1001, 2**34 + 2, TOP - 20])
def test_words_stand_where_the_module_says(rng: Random, first: int) -> None:
    drawn = rng.words(11, first)
    assert drawn.dtype == np.uint64 and drawn.shape == (11,)
    assert drawn.tolist() == [word(rng, element) for element in range(first, first + 11)]


def test_a_long_draw_is_its_short_draws_joined() -> None:
    rng = Random(seed=3, layer=2)
    joined = np.concatenate([rng.words(7, first) for first in range(0, 700, 7)])
    np.testing.assert_array_equal(rng.words(700), joined)
    assert rng.words(0).shape == (0,)


def test_drawing_changes_nothing() -> None:
    rng = Random(seed=5)
    draws = [lambda: rng.words(9), lambda: rng.uniform((3, 3)), lambda: rng.normal(9), lambda: rng.permutation(9)]
    first = [draw() for draw in draws]
    np.random.seed(0)  # NumPy's global state is none of ours
    for before, draw in zip(first, draws, strict=True):
        np.testing.assert_array_equal(before, draw())
    assert rng == Random(seed=5)


def test_every_part_of_the_address_counts() -> None:
    base = Random(seed=1, purpose=Purpose.SPLIT, layer=1, step=1)
    others = [
        base, Random(2, Purpose.SPLIT, 1, 1), base.at(purpose=Purpose.SAMPLE), base.at(layer=2), base.at(step=2),
        base.at(layer=0), base.at(step=0),
    ]  # fmt: skip
    seen = np.concatenate([other.words(64) for other in others])
    assert len(set(seen.tolist())) == seen.size


def test_at_replaces_only_what_is_given() -> None:
    rng = Random(seed=9, purpose=Purpose.DROPOUT, layer=4, step=6)
    assert rng.at() == rng
    assert rng.at(step=0) == Random(9, Purpose.DROPOUT, 4, 0)
    assert rng.at(layer=0, purpose=Purpose.INITIALIZE) == Random(9, Purpose.INITIALIZE, 0, 6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rng.step = 1  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(rng)) == rng and hash(rng) == hash(dataclasses.replace(rng))


def test_children_number_a_tree_without_meeting() -> None:
    root = Random(seed=1, step=8)
    first = [root.child(i) for i in range(1024)]
    second = [layer.child(i) for layer in first[:3] + first[-2:] for i in (0, 1, 1023)]
    numbers = [rng.layer for rng in [root, *first, *second]]
    assert len(set(numbers)) == len(numbers)
    assert root.child(2).child(0).layer == 3 * 1024 + 1
    assert all(rng.seed == 1 and rng.step == 8 for rng in second)


def test_children_stay_in_64_bits() -> None:
    deep = Random()
    for _ in range(6):
        deep = deep.child(1023)
    with pytest.raises(OptionError, match="more than 64 bits"):
        deep.child(1023)
    assert Random(layer=(2**64 - 1025) // 1024).child(1023).layer <= TOP
    for index in (1024, -1, 1.0, True):
        with pytest.raises(OptionError, match="child: index got"):
            Random().child(index)  # type: ignore[arg-type]


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 24), (np.float64, 53)])
def test_uniform_is_the_upper_bits(dtype: type, bits: int) -> None:
    rng = Random(seed=11)
    drawn = rng.uniform((50, 4), dtype=dtype)
    assert drawn.shape == (50, 4) and drawn.dtype == dtype
    assert [int(float(u) * 2**bits) for u in drawn.ravel()] == [word(rng, i) >> (64 - bits) for i in range(200)]
    assert drawn.min() >= 0.0 and drawn.max() < 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_words_stay_inside(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Random, "words", lambda self, n, first=0: np.array([0, TOP], dtype=np.uint64))
    low, high = Random().uniform(2, dtype=dtype)
    assert low == 0.0 and high == dtype(1) - np.finfo(dtype).epsneg
    inside = Random().uniform(2, -0.3, 0.7, dtype=dtype)
    assert inside.dtype == dtype and inside[0] == dtype(-0.3) and inside[1] <= dtype(0.7)
    bottom, top = Random().normal(2)
    assert math.isfinite(bottom) and bottom == -top and 8.2 < top < 8.3
    assert Random().keep_mask(2, 0.999999).tolist() == [False, True]
    assert Random().keep_mask(2, 0.0).tolist() == [True, True]


def test_uniform_between_other_ends() -> None:
    u = Random(seed=2).uniform(100)
    np.testing.assert_array_equal(Random(seed=2).uniform(100, -2.0, 3.0), -2.0 + 5.0 * u)


N = 200_000
FIVE_SIGMA = 5.0  # a pinned seed either passes for ever or fails for ever; a wrong variance misses by hundreds


def test_uniform_moments_and_bins() -> None:
    u = Random(seed=20, purpose=Purpose.SAMPLE).uniform(N)
    assert abs(u.mean() - 0.5) < FIVE_SIGMA * math.sqrt(1 / 12 / N)
    assert abs(u.var() - 1 / 12) < FIVE_SIGMA * math.sqrt(1 / 180 / N)  # the variance of (u - 1/2)^2 is 1/180
    counts = np.bincount((u * 64).astype(int), minlength=64)
    chi_squared = float(((counts - N / 64) ** 2 / (N / 64)).sum())
    assert abs(chi_squared - 63) < FIVE_SIGMA * math.sqrt(2 * 63)


def test_normal_moments_and_shape() -> None:
    z = Random(seed=21).normal((N // 100, 100))
    assert z.shape == (N // 100, 100) and z.dtype == np.float64
    assert abs(z.mean()) < FIVE_SIGMA / math.sqrt(N)
    assert abs((z**2).mean() - 1.0) < FIVE_SIGMA * math.sqrt(2 / N)
    assert abs((z**3).mean()) < FIVE_SIGMA * math.sqrt(15 / N)
    assert abs((z**4).mean() - 3.0) < FIVE_SIGMA * math.sqrt(96 / N)
    np.testing.assert_array_equal(Random(seed=21).normal(N, dtype=np.float32), z.ravel().astype(np.float32))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 1000])
def test_permutation_holds_every_index_once(n: int) -> None:
    order = Random(seed=4, purpose=Purpose.SHUFFLE).permutation(n)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_permutation_is_the_stable_order_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(seed=4)
    assert rng.permutation(50).tolist() == sorted(range(50), key=lambda i: word(rng, i))
    ties = [TOP, *(i * i % 7 for i in range(2000)), TOP]  # many equal words: only a stable sort keeps their order
    monkeypatch.setattr(Random, "words", lambda self, n, first=0: np.array(ties, dtype=np.uint64))
    assert rng.permutation(len(ties)).tolist() == sorted(range(len(ties)), key=ties.__getitem__)


def test_permutations_of_three_are_equally_likely() -> None:
    draws = 6000
    orders = [tuple(Random(seed=8, step=step).permutation(3).tolist()) for step in range(draws)]
    counts = np.array([orders.count(order) for order in sorted(set(orders))])
    assert counts.size == 6
    assert float(((counts - 1000) ** 2 / 1000).sum()) < 5 + FIVE_SIGMA * math.sqrt(2 * 5)


@pytest.mark.parametrize("rate", [0.0, 1e-12, 0.1, 0.5, 0.9, 1.0 - 2.0**-53])
def test_keep_mask_compares_whole_numbers(rate: float) -> None:
    rng = Random(seed=30, purpose=Purpose.DROPOUT)
    mask = rng.keep_mask((30, 10), rate)
    assert mask.dtype == np.bool_ and mask.shape == (30, 10)
    threshold = math.floor(rate * 2**64)
    assert mask.ravel().tolist() == [word(rng, i) >= threshold for i in range(300)]
    kept = rng.keep_mask(N, rate).mean()
    assert abs(kept - (1.0 - rate)) <= FIVE_SIGMA * math.sqrt(rate * (1.0 - rate) / N) + 5.0 / N


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2, math.nan, math.inf])
def test_keep_mask_refuses_what_is_no_rate(rate: float) -> None:
    with pytest.raises(OptionError, match="at least 0 and below 1"):
        Random().keep_mask(3, rate)


@pytest.mark.parametrize("bad", [-1, 2**64, 1.0, True, "7", None, np.float64(3.0)])
@pytest.mark.parametrize("part", ["seed", "layer", "step"])
def test_refuses_parts_outside_64_bits(part: str, bad: object) -> None:
    with pytest.raises(OptionError, match=f"Random: {part} got"):
        Random(**{part: bad})  # type: ignore[arg-type]


def test_refuses_a_purpose_that_is_none_and_other_dtypes() -> None:
    with pytest.raises(OptionError, match="INITIALIZE, SHUFFLE, DROPOUT, SPLIT, SAMPLE"):
        Random(purpose=3)  # type: ignore[arg-type]
    for draw in (Random().uniform, Random().normal):
        with pytest.raises(OptionError, match="float32 or float64"):
            draw(3, dtype=np.float16)  # type: ignore[operator]
    with pytest.raises(OptionError, match="words: n got -1"):
        Random().words(-1)


def test_as_random_reads_seeds_and_reports_fresh_ones() -> None:
    rng = Random(seed=3, step=4)
    assert as_random(rng) is rng
    assert as_random(7) == Random(seed=7) == as_random(np.int64(7))  # type: ignore[arg-type]
    assert type(as_random(np.uint8(7)).seed) is int  # type: ignore[arg-type]
    assert as_random(TOP).seed == TOP
    fresh = [as_random(None).seed for _ in range(8)]
    assert len(set(fresh)) == 8  # the chance of a repeat is 28 / 2^53
    assert all(int(float(seed)) == seed == json.loads(json.dumps(seed)) for seed in fresh)


@pytest.mark.parametrize("bad", [-1, 2**64, 0.5, True, "0"])
def test_as_random_refuses_what_is_no_seed(bad: object) -> None:
    with pytest.raises(OptionError, match=r"rng got .* whole number"):
        as_random(bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("generator", [np.random.default_rng(0), np.random.RandomState(0), np.random.PCG64(0)])
def test_as_random_refuses_numpy_generators(generator: object) -> None:
    with pytest.raises(OptionError, match="pass an int"):
        as_random(generator)  # type: ignore[arg-type]
