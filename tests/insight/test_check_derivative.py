"""The derivative check: right ones pass, also at corners and far out; typical mistakes are named, others unknown."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.activations import Activation, Elementwise, Softmax
from pellucid.errors import DataError, OptionError
from pellucid.insight import check_derivative
from pellucid.insight.checker.slopes import GRID, STEP, slopes
from pellucid.options import registered
from tests.tolerances import difference


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def relu(z: Any) -> Any:
    return np.maximum(0, z)


def leaky(z: Any) -> Any:
    return np.where(z > 0, z, 0.01 * z)


def no_derivative(z: float) -> float:
    return 0.3 * math.cos(z)


ELEMENTWISE = [cls() for cls in registered(Activation).values() if issubclass(cls, Elementwise)]


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda function: function.name)
def test_the_librarys_own_derivatives_are_right(function: Elementwise) -> None:
    report = check_derivative(function.value, lambda z: function.derivative(z, function.value(z)))
    assert report, str(report)
    assert len(report.points) == len(GRID) == 53
    smooth = function.name not in ("elu", "selu")  # where curvature jumps, as theirs does at 0, h is left of the error
    assert report.error < (difference() if smooth else STEP)
    assert report.first is None


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
        (relu, lambda z: z > 0),
        (relu, lambda z: (z >= 0) * 1.0),
        (relu, lambda z: 0.5 * (1 + np.sign(z))),
        (lambda z: z if z > 0 else 0.0, lambda z: 1 if z > 0 else 0),
        (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
        (lambda z: np.clip(z, -1, 1), lambda z: (abs(z) < 1) * 1.0),
        (lambda z: np.sin(3 * z), lambda z: 3 * np.cos(3 * z)),
        (lambda z: np.exp(-z * z), lambda z: -2 * z * np.exp(-z * z)),
        (lambda z: z**3, lambda z: 3 * z**2),
        (np.exp, np.exp),
        (lambda z: 5.0, lambda z: 0),
    ],
)
def test_right_derivatives_pass(f: Any, df: Any) -> None:
    report = check_derivative(f, df)
    assert report, str(report)
    assert report.fault == ""


@pytest.mark.parametrize(
    ("f", "df", "fault"),
    [
        (sigmoid, lambda x: x * (1 - x), "written_for_the_output"),
        (np.tanh, lambda a: 1 - a**2, "written_for_the_output"),
        (sigmoid, lambda z: sigmoid(sigmoid(z)) * (1 - sigmoid(sigmoid(z))), "function_applied_twice"),
        (sigmoid, lambda z: -sigmoid(z) * (1 - sigmoid(z)), "sign_turned"),
        (sigmoid, sigmoid, "factor_missing"),
        (sigmoid, lambda z: 1 - sigmoid(z), "factor_missing"),
        (np.tanh, lambda z: 1 - np.tanh(z), "factor_missing"),
        (lambda z: z**3, lambda z: 3 * z, "factor_missing"),
        (np.tanh, lambda z: 1 / np.cosh(z), "square_missing"),
        (relu, relu, "value_for_derivative"),
        (np.tanh, np.tanh, "value_for_derivative"),
        (sigmoid, lambda z: sigmoid(z) * sigmoid(z) * (1 - sigmoid(z)), "factor_too_many"),
        (np.tanh, lambda z: (1 - np.tanh(z) ** 2) ** 2, "factor_too_many"),
        (lambda z: z**2, lambda z: z, "constant_factor"),
        (lambda z: np.sin(3 * z), lambda z: np.cos(3 * z), "constant_factor"),
        (np.tanh, lambda z: sigmoid(z) * (1 - sigmoid(z)), "derivative_of_another_function"),
        (lambda z: z**2 + 4, lambda z: 2 * z + 4, "constant_added"),
        (leaky, lambda z: (z > 0) * 1.0, "wrong_on_one_side"),
        (relu, lambda z: np.where(z == 0, -1, z > 0), "wrong_at_a_corner"),
        (sigmoid, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2, "not_finite"),
    ],
)
def test_each_typical_mistake_is_named(f: Any, df: Any, fault: str) -> None:
    report = check_derivative(f, df)
    assert report.verdict == "known fault", str(report)
    assert report.fault == fault, str(report)
    assert not report
    assert report.mend
    assert report.first in {point.x for point in report.points if not point.right}


def test_an_unknown_mistake_is_told_as_unknown_with_the_first_point() -> None:
    report = check_derivative(sigmoid, no_derivative)
    assert report.verdict == "unknown fault"
    assert report.fault == ""
    assert report.first == -800
    assert "not among the known faults" in str(report)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([sigmoid, np.tanh, relu, np.sin]))
def test_no_unrelated_function_is_given_a_name(seed: int, f: Any) -> None:
    a, b, c = np.random.default_rng(seed).uniform(0.2, 2, 3)
    report = check_derivative(f, lambda z: a * np.cos(b * z + c) + a * b * np.arctan(z - c))
    assert report.verdict == "unknown fault", str(report)


def test_where_the_function_jumps_or_is_not_finite_nothing_is_asked() -> None:
    report = check_derivative(lambda z: (z > 0) * 1.0, lambda z: 0 * z)
    assert report
    assert "f jumps at x = 0" in str(report)
    assert all(point.x > 0 for point in check_derivative(np.log, lambda z: 1 / z).points)


def test_slopes_say_where_a_function_bends_and_bound_their_error() -> None:
    found = slopes(lambda z: np.clip(z, -1, 1) + np.maximum(0, z), GRID)
    assert found.x[found.bends].tolist() == [-1, 0, 1]
    assert not found.jumps.any()
    found = slopes(np.sin, GRID)
    assert not found.bends.any()
    assert (np.abs(found.middle - np.cos(GRID)) <= found.error).all()
    assert found.error.max() < difference()


def test_points_of_ones_own_are_taken_and_few_of_them_name_nothing() -> None:
    report = check_derivative(np.sin, lambda z: 3 * np.cos(z), x=[2, 1])
    assert [point.x for point in report.points] == [1, 2]
    assert report.verdict == "unknown fault"
    assert check_derivative(np.sin, lambda z: 3 * np.cos(z), x=np.arange(6)).fault == "constant_factor"


def test_the_report_is_shown_as_text_html_and_json() -> None:
    report = check_derivative(sigmoid, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2)
    assert "x = -800  not finite" in str(report)
    assert str(report) == repr(report)
    assert "<table>" in report._repr_html_()
    document = json.loads(report.to_json())
    assert document["fault"] == "not_finite"
    assert document["error"] is None
    assert "right at all 53 points from -800 to 800" in str(check_derivative(np.tanh, lambda z: 1 - np.tanh(z) ** 2))


@pytest.mark.parametrize(
    ("f", "df", "x", "error", "words"),
    [
        (3, np.cos, None, OptionError, "f got 3; it expects a function"),
        (np.sin, None, None, OptionError, "df got None"),
        (np.sin, np.cos, ["a"], DataError, "x got ['a']; it expects finite numbers"),
        (np.sin, np.cos, [np.nan], DataError, "finite numbers"),
        (np.sin, np.cos, [], DataError, "finite numbers"),
        (np.log, np.cos, [-1.0], DataError, "not finite at any of the points"),
        (lambda z: "text", np.cos, None, DataError, "f returned str"),
        (np.sin, lambda z: np.zeros(7), None, DataError, "df returned ndarray"),
        (lambda z: Softmax().value(np.atleast_1d(z)), np.cos, None, DataError, "compare_backward"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_the_reason(f: Any, df: Any, x: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        check_derivative(f, df, x)
    assert words in str(caught.value)
