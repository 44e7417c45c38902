"""A row sum is the same in any order of rows and columns, and another for any other rows."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from pellucid.tabular.row_sum import added, number_words, row_sum, text_words

NUMBERS = np.random.default_rng(0).normal(size=100)
TEXTS: list[str | None] = [None if k % 9 == 0 else f"text {k % 5}" for k in range(100)]


def of(numbers: object, texts: list[str | None]) -> str:
    return row_sum({"number": number_words(np.asarray(numbers)), "text": text_words(texts)})


def test_the_order_of_rows_and_columns_makes_no_difference() -> None:
    own = of(NUMBERS, TEXTS)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(100)
        assert of(NUMBERS[order], [TEXTS[row] for row in order]) == own
    assert row_sum({"text": text_words(TEXTS), "number": number_words(NUMBERS)}) == own


def test_parts_of_a_table_add_up_to_it() -> None:
    assert added(of(NUMBERS[:30], TEXTS[:30]), of(NUMBERS[30:], TEXTS[30:])) == of(NUMBERS, TEXTS)


@pytest.mark.parametrize("change", ["a bit", "swapped cells", "missing", "names", "one row twice"])
def test_other_rows_have_another_sum(change: str) -> None:
    numbers, texts = NUMBERS.copy(), TEXTS
    if change == "a bit":
        numbers[7] = np.nextafter(numbers[7], 9)
    elif change == "swapped cells":
        numbers[[3, 4]] = numbers[[4, 3]]
    elif change == "missing":
        texts = ["", *TEXTS[1:]]
    elif change == "one row twice":
        numbers[3], texts = numbers[4], [*TEXTS[:3], TEXTS[4], *TEXTS[4:]]
    other = of(numbers, texts)
    if change == "names":
        other = row_sum({"text": number_words(NUMBERS), "number": text_words(TEXTS)})
    assert other != of(NUMBERS, TEXTS)


def test_zeros_of_both_signs_are_one_number_and_nans_one_missing_value() -> None:
    other_nan = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    assert number_words(np.array([0.0, np.nan])).tolist() == number_words(np.array([-0.0, other_nan])).tolist()


def test_the_sum_is_the_documented_one() -> None:
    """Computed from the module's own description, in Python's whole numbers."""
    most = 2**64

    def mixed(word: int) -> int:
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % most
        word = (word ^ word >> 27) * 0x94D049BB133111EB % most
        return word ^ word >> 31

    def text(value: str) -> int:
        return int.from_bytes(hashlib.sha256(value.encode()).digest()[:8], "little")

    rows = [(0x3FF8000000000000, text("red")), (0xC000000000000000, 0x7FF8000000000000)]  # 1.5, "red"; -2, missing
    names = text("number"), text("text")
    total = sum(mixed(sum(mixed(word ^ name) for word, name in zip(row, names, strict=True)) % most) for row in rows)
    assert of([1.5, -2.0], ["red", None]) == f"{total % most:016x}"
