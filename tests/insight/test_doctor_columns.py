"""The doctor on the columns of X: unscaled, constant, copied and leaking ones, each planted, and nearly there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import BatchNorm, Columns, Dense, Embedding, Network, diagnose
from pellucid.insight import Report
from pellucid.random import Random

N = 200
X = Random(1).normal((N, 4))
Y = X[:, 0] + Random(2).normal((N,))


def report_on(X: Any, y: Any = Y, names: Any = None, loss: str = "squared_error", **options: Any) -> Report:
    network = Network([Dense(4, **options), "tanh", Dense(1)], n_inputs=X.shape[1], rng=0)
    return diagnose(network, X, y, loss=loss, column_names=names)


def with_column(values: Any, place: int = 2) -> Any:
    rows = X.copy()
    rows[:, place] = values
    return rows


@pytest.mark.parametrize(
    "values",
    [X[:, 2] * 1000, X[:, 2] * 10 + 40, X[:, 2] * 1e-3, X[:, 2] * 0.01 + 5],
    ids=["large", "age", "tiny", "far"],
)
def test_unscaled_columns_are_found_by_name(values: Any) -> None:
    (finding,) = report_on(with_column(values), names=["a", "b", "age", "d"])["unscaled inputs"]
    assert finding.columns == ("age",)
    assert finding.figures["columns"]["age"]["mean"] == pytest.approx(values.mean())


@pytest.mark.parametrize(
    "values",
    [X[:, 2] * 5, X[:, 2] * 0.1, X[:, 2] + 5, (X[:, 2] > 2.5) * 1.0, np.where(X[:, 2] > 2.5, 1, -1)],
    ids=["wide", "narrow", "offset", "rare indicator", "rare sign"],
)
def test_nearly_scaled_columns_are_no_finding(values: Any) -> None:
    assert not report_on(with_column(values))["unscaled inputs"]


def test_the_mend_scales_the_columns_that_it_names() -> None:
    rows = with_column(X[:, 2] * 1000)
    (finding,) = report_on(rows)["unscaled inputs"]
    scope = {"X": rows}
    exec(finding.mend, scope)
    np.testing.assert_array_equal(scope["X"][:, [0, 1, 3]], X[:, [0, 1, 3]])
    assert not report_on(scope["X"])["unscaled inputs"]


def test_a_network_that_scales_its_inputs_may_have_them_as_they_are() -> None:
    network = Network([BatchNorm(), Dense(1)], n_inputs=4)
    assert not diagnose(network, X * 1000, Y, loss="squared_error")["unscaled inputs"]


def test_codes_of_categories_are_no_numbers() -> None:
    table = Columns({"numbers": (0, 3, "identity"), "code": (3, 4, Embedding(100, 2))})
    rows = with_column(np.arange(N) % 100, place=3)
    report = diagnose(Network([table, Dense(1)], n_inputs=4), rows, Y, loss="squared_error")
    assert not report["unscaled inputs"]


def test_constant_columns_are_found_and_their_mend_removes_them() -> None:
    rows = with_column(0.5)
    (finding,) = report_on(rows, names=["a", "b", "unit", "d"])["constant columns"]
    assert (finding.columns, finding.figures["values"], finding.severity) == (("unit",), {"unit": 0.5}, "note")
    scope = {"X": rows, "np": np}
    exec(finding.mend, scope)
    assert not report_on(scope["X"])["constant columns"]


def test_a_column_that_differs_in_one_row_is_not_constant() -> None:
    assert not report_on(with_column(np.arange(N) == 7))["constant columns"]


def test_a_column_of_ones_is_the_bias_of_a_layer_without_one() -> None:
    assert not report_on(with_column(1.0), bias=False)["constant columns"]
    assert report_on(with_column(0.0), bias=False)["constant columns"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_copies_up_to_a_factor_and_an_offset_are_found(dtype: str) -> None:
    rows = np.column_stack([X, X[:, 1] * 2.54, X[:, 3] + 32]).astype(dtype)
    network = Network([Dense(1)], n_inputs=6, dtype=dtype)
    (finding,) = diagnose(network, rows, Y, loss="squared_error")["duplicated columns"]
    assert finding.figures["groups"] == [["1", "4"], ["3", "5"]]
    assert finding.columns == ("4", "5")
    scope = {"X": rows, "np": np}
    exec(finding.mend, scope)
    np.testing.assert_array_equal(scope["X"], rows[:, :4])


@pytest.mark.parametrize("noise", [0.01, 1e-6])
def test_a_copy_with_noise_is_no_copy(noise: float) -> None:
    rows = np.column_stack([X, X[:, 1] + noise * Random(5).normal((N,))])
    assert not report_on(rows)["duplicated columns"]


def test_rare_marks_that_agree_by_chance_are_no_finding() -> None:
    marks = np.zeros((N, 300))
    marks[np.arange(300) % 150, np.arange(300)] = 1  # a single one in each: pairs agree, as chance would have it
    assert not report_on(np.hstack([X, marks]))["duplicated columns"]
    common = np.tile((X[:, :1] > 0).astype(float), (1, 2))
    assert report_on(np.hstack([X, common]))["duplicated columns"]


def test_mirrored_columns_are_no_copies() -> None:
    assert not report_on(np.column_stack([X, 1 - X[:, 1]]))["duplicated columns"]


def test_a_leak_is_found_whatever_its_form() -> None:
    for leak in (Y * 3 + 1, np.exp(Y), -Y, np.round(Y, 2)):
        (finding,) = report_on(with_column(leak), names=["a", "b", "paid", "d"])["leaking column"]
        assert (finding.columns, finding.severity) == (("paid",), "problem")
        assert finding.figures["explained"]["paid"] > 0.99


def test_a_leak_of_classes_through_a_code_is_found() -> None:
    label = (Y > 0).astype(float)
    codes = label * 10 + np.arange(N) % 10
    (finding,) = report_on(with_column(codes), label, loss="binary_cross_entropy")["leaking column"]
    assert finding.columns == ("2",)


@pytest.mark.parametrize("noise", [0.2, 0.5])
def test_a_strong_but_noisy_column_is_no_leak(noise: float) -> None:
    report = report_on(with_column(Y + noise * Random(4).normal((N,))))
    assert not report["leaking column"]
    assert "leaking column" in report.examined


def test_a_task_with_a_single_column_has_no_leak() -> None:
    x = np.column_stack([Y * 2, np.zeros(N)])
    assert not report_on(x)["leaking column"]


def test_four_rows_are_too_few_to_tell_a_leak() -> None:
    X4, y4 = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]), np.array([0, 1, 1, 0])
    report = report_on(X4, y4)
    assert not report["leaking column"]
    assert "too few" in report.unexamined["leaking column"]
