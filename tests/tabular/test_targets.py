"""Targets: classes and numbers there and back, and each thing that a target must not hold."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import ModelFileError, NotInitializedError, ShapeError, TargetError
from pellucid.tabular.targets import ClassTarget, NumberTarget, infer_task
from pellucid.tabular.values import CellError

PUBLIC = Path(__file__).parents[2].parent / "shared" / "data" / "public"
EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        (["b", "a", "b"], ["a", "b"], [1, 0, 1]),
        ([3, 1, 3], [1, 3], [1, 0, 1]),
        ([10, 9, 100], [9, 10, 100], [1, 0, 2]),  # numbers sort as numbers
        ([1.0, 0.0, 1.0], [0.0, 1.0], [1, 0, 1]),
        ([True, False], [False, True], [1, 0]),
        (np.array([[2], [1]]), [1, 2], [1, 0]),
        (np.array(["x", "y"], dtype=object), ["x", "y"], [0, 1]),
    ],
)
def test_classes_there_and_back(y: Any, classes: list[Any], codes: list[int]) -> None:
    target = ClassTarget().fit(y)
    assert target.classes.tolist() == classes
    assert [type(value) for value in target.classes.tolist()] == [type(value) for value in classes]
    encoded = target.encode(y)
    assert (encoded.tolist(), encoded.dtype) == (codes, np.int64)
    assert target.decode(encoded).tolist() == np.ravel(np.array(y)).tolist()
    again = ClassTarget.from_json(json.loads(json.dumps(target.to_json())))
    assert again.classes.dtype == target.classes.dtype
    assert again.encode(y).tolist() == codes
    assert again.to_json() == target.to_json()


def test_series_of_every_library() -> None:
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    values = ["b", "a", "b"]
    forms = [polars.Series("s", values), polars.Series("s", values, dtype=polars.Categorical), pandas.Series(values)]
    forms += [pandas.Series(values, dtype="category"), pandas.Series(values, dtype=object, index=[5, 5, 1])]
    for y in forms:
        target = ClassTarget().fit(y)
        assert (target.classes.tolist(), target.encode(y).tolist()) == (["a", "b"], [1, 0, 1])
    for y in (pandas.Series([3, 1, 3], dtype="Int64"), polars.Series([3, 1, 3], dtype=polars.Int8)):
        assert ClassTarget().fit(y).encode([1.0, 3.0]).tolist() == [0, 1]
    for y in (pandas.Series([1, None], dtype="Int64"), polars.Series(["a", None]), pandas.Series(["a", None])):
        with pytest.raises(CellError, match=r"row 1 .*missing"):
            ClassTarget().fit(y)


def test_a_class_is_matched_by_its_text() -> None:
    assert ClassTarget().fit([1, 2]).encode(["2", "1.0"]).tolist() == [1, 0]
    assert ClassTarget().fit(["1", "2", "x"]).encode([2, 1]).tolist() == [1, 0]
    assert ClassTarget().fit([True, False]).encode(["True", "false"]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["a", None], "row 1"),
        (["a", ""], "row 1"),
        ([0.0, math.nan], "row 1"),
        (["a", "a"], "all of the 2 rows are of one class 'a'"),
        ([], "no rows"),
        ([0.1, 0.2, 0.3], "use TabularRegressor"),
        (np.arange(100.0), "use TabularRegressor"),
        ([0.0, math.inf], "infinity is no class"),
        (["a", 1], "types 'int', 'str'"),
        ([[0, 1], [1, 2]], "column 1, row 1 (counted from 0): 2 is neither 0 nor 1"),
        ([["a", "b"], ["c", "d"]], "'a' is neither"),
    ],
)
def test_what_is_no_class_target(y: Any, words: str) -> None:
    with pytest.raises(TargetError) as caught:
        ClassTarget().fit(y, name="income")
    assert words in str(caught.value)
    assert "income" in str(caught.value)


def test_an_unknown_class_is_refused() -> None:
    target = ClassTarget().fit(["red", "blue"])
    with pytest.raises(CellError, match=r"row 1 .*'rde' is no class.*did you mean 'red'") as caught:
        target.encode(["red", "rde"])
    assert isinstance(caught.value, TargetError)
    assert caught.value.row == 1
    with pytest.raises(NotInitializedError):
        ClassTarget().encode(["red"])
    with pytest.raises(ModelFileError):
        ClassTarget.from_json({"name": "y"})


def test_labels() -> None:
    y = np.array([[0, 1, 1], [1, 0, 1]])
    target = ClassTarget().fit(y)
    assert (target.is_multilabel, target.classes.tolist()) == (True, [0, 1, 2])
    encoded = target.encode(y)
    assert (encoded.tolist(), encoded.dtype) == (y.tolist(), np.float64)
    assert target.decode(encoded).tolist() == y.tolist()
    again = ClassTarget.from_json(json.loads(json.dumps(target.to_json())))
    assert again.encode(y.astype(bool)).tolist() == y.tolist()
    with pytest.raises(ShapeError, match=r"\(n_rows, 3\)"):
        target.encode(y[:, :2])
    with pytest.raises(ShapeError, match="one class a row"):
        ClassTarget().fit([1, 2]).encode(y)


def test_mean_and_deviation_are_those_of_exact_arithmetic() -> None:
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.normal(size=200) * 1e-8, rng.normal(size=200) + 1e8])
    target = NumberTarget().fit(y)
    exact = [Fraction(value) for value in y.tolist()]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    assert target.mean.item() == pytest.approx(float(mean), rel=2 * EPS)
    assert target.deviation.item() == pytest.approx(math.sqrt(variance), rel=4 * EPS)
    shuffled = NumberTarget().fit(y[rng.permutation(len(y))])
    assert shuffled.to_json() == target.to_json()


@pytest.mark.parametrize(
    "y", [[1.0, 2.0, 3.0], [[1.0], [2.0], [4.0]], [[1.0, 5.0], [2.0, 7.0], [4.0, -1.0]], ["1", "2.5"]]
)
def test_numbers_there_and_back_in_their_shape(y: Any) -> None:
    target = NumberTarget().fit(y)
    numbers = np.array(y, dtype=np.float64)
    encoded = target.encode(y)
    assert encoded.shape == (len(y), numbers.size // len(y))
    assert encoded.mean(axis=0) == pytest.approx(np.zeros(encoded.shape[1]), abs=8 * EPS)
    assert encoded.std(axis=0) == pytest.approx(np.ones(encoded.shape[1]), rel=8 * EPS)
    decoded = target.decode(encoded)
    assert decoded.shape == numbers.shape
    assert decoded == pytest.approx(numbers, rel=16 * EPS)
    again = NumberTarget.from_json(json.loads(json.dumps(target.to_json(), allow_nan=False)))
    assert again.encode(y).tobytes() == encoded.tobytes()
    assert again.decode(encoded).tobytes() == decoded.tobytes()


def test_clamp_keeps_to_the_range_seen() -> None:
    target = NumberTarget().fit([1.0, 2.0, 3.0])
    assert target.decode([[-9.0], [0.0], [9.0]], clamp=True).tolist() == [1, 2, 3]
    assert target.decode([[9.0]]).item() > 3
    with pytest.raises(ShapeError, match="2 numbers a row; it expects 1"):
        target.decode([[1.0, 2.0]])


@pytest.mark.parametrize("y", [[-1.7e308, 1.7e308], [0.0, 1e-300], [1.0, 1.0 + EPS], [1e200, -1e-200]])
def test_extreme_numbers(y: list[float]) -> None:
    with np.errstate(over="raise", invalid="raise"):
        target = NumberTarget().fit(y)
        assert 0 < target.deviation.item() <= np.finfo(np.float64).max


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1.0, None], "row 1 (counted from 0): the value is missing"),
        ([1.0, math.nan], "row 1 (counted from 0): the value is missing"),
        ([1.0, math.inf], "row 1 (counted from 0): the value is inf, which is not finite"),
        (["1", "many"], "row 1 (counted from 0): 'many' is not a number; to predict classes, use TabularClassifier"),
        ([0.1, 0.1, 0.1], "is 0.1 in every row"),
        ([0.0, 5e-324], "too little for its size"),
        ([[1.0, 3.0], [2.0, 3.0]], "column 1 (counted from 0) is 3.0 in every row"),
        ([], "no rows"),
    ],
)
def test_what_is_no_number_target(y: Any, words: str) -> None:
    with pytest.raises(TargetError) as caught:
        NumberTarget().fit(y, name="price")
    assert words in str(caught.value)
    assert "price" in str(caught.value)


@pytest.mark.parametrize(
    ("y", "task", "words"),
    [
        (["a", "b", None], "classification", "text with 2 distinct values"),
        ([True, False], "classification", "true or false"),
        ([0, 1], "classification", "0 or 1"),
        ([0.0, 1.0, math.nan], "classification", "0 or 1"),
        (["0", "1"], "classification", "0 or 1"),
        (["-1", "1"] * 10, "classification", "whole numbers with only 2"),
        ([1, 2, 3] * 10, "classification", "only 3 distinct values in 30 rows"),
        ([1, 2, 3], "regression", "whole numbers with 3 distinct values in 3 rows"),
        (list(range(11)) * 100, "regression", "11 distinct values"),
        ([1.0, 2.0] * 50, "regression", "numbers with 2 distinct values"),
        (["1.5", "2.5"], "regression", "numbers"),
    ],
)
def test_the_task_and_its_reason(y: Any, task: str, words: str) -> None:
    found, reason = infer_task(y)
    assert (found, words in reason) == (task, True), reason
    with pytest.raises(TargetError, match="no values"):
        infer_task([None, ""])


def test_the_task_of_the_public_tables() -> None:
    if not PUBLIC.is_dir():
        pytest.skip(f"no public tables at {PUBLIC}")
    polars = pytest.importorskip("polars")
    for entry in json.loads((PUBLIC / "manifest.json").read_text(encoding="utf-8"))["datasets"]:
        y = polars.read_parquet(PUBLIC / entry["file"], columns=[entry["target"]]).to_series()
        expected = "regression" if entry["task"] == "regression" else "classification"
        assert infer_task(y).task == expected, entry["name"]
        if expected == "classification":
            assert len(ClassTarget().fit(y).classes) == entry["classes"]
        else:
            assert np.isfinite(NumberTarget().fit(y).encode(y)).all()
