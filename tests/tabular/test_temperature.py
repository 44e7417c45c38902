"""A temperature is the minimum of the log-loss, is left at 1 where it would be noise, and never makes rows worse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pellucid import BinaryCrossEntropy, CrossEntropy, Loss, Random, SquaredError
from pellucid.activations import sigmoid, softmax
from pellucid.errors import OptionError, ShapeError
from pellucid.layers.base import Array
from pellucid.tabular.temperature import HIGHEST, LOWEST, fit_temperature, outputs_of
from tests.tolerances import difference

N = 2000


def drawn(kind: str, true_temperature: float, n_rows: int = N, seed: int = 0) -> tuple[Loss, Array, Array]:
    """Raw outputs, and targets drawn with the probabilities that the outputs have at this temperature."""
    rng = Random(seed)
    if kind == "classes":
        outputs = 2 * rng.normal((n_rows, 4))
        reached = softmax(outputs / true_temperature).cumsum(axis=1)
        return CrossEntropy(), outputs, (rng.at(step=1).uniform((n_rows, 1)) > reached[:, :-1]).sum(axis=1)
    outputs = 2 * rng.normal((n_rows, 3 if kind == "labels" else 1))
    target = rng.at(step=1).uniform(outputs.shape) < sigmoid(outputs / true_temperature)
    return BinaryCrossEntropy(), outputs, target.astype(float)


KINDS = ["yes or no", "labels", "classes"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("true_temperature", [0.7, 2.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_temperature_is_the_minimum_that_another_search_finds(
    kind: str, true_temperature: float, weighted: bool
) -> None:
    loss, outputs, target = drawn(kind, true_temperature)
    weight = Random(7).uniform(N, 0.0, 2.0) if weighted else None
    found = fit_temperature(outputs, target, loss, weight)

    def value(log_temperature: float) -> float:
        return loss.value_and_gradient(outputs / math.exp(log_temperature), target, weight)[0]

    expected = minimize_scalar(value, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert math.log(found.value) == pytest.approx(expected.x, abs=1e-6)  # where the loss is flat to a rounding, 1e-16
    assert found.value == pytest.approx(true_temperature, rel=0.15)
    here, step = math.log(found.value), 1e-4
    slope = (value(here + step) - value(here - step)) / (2 * step)
    assert abs(slope) < 1e-7 + difference()
    assert found.gain > 0
    assert f"temperature {found.value:.3g}" in found.reason


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_that_are_right_are_seldom_touched_and_then_hardly(kind: str) -> None:
    """Of 60 samples with nothing to gain few pass the bar, and those that do stay near 1."""
    found = [fit_temperature(*_ordered(drawn(kind, 1.0, 300, seed))) for seed in range(60)]
    changed = [temperature.value for temperature in found if temperature.value != 1.0]
    assert len(changed) <= 12
    assert all(0.6 < value < 1.6 for value in changed)
    for temperature in found:
        assert (temperature.value == 1.0) == ("no temperature is sure to help" in temperature.reason)


def _ordered(sample: tuple[Loss, Array, Array]) -> tuple[Array, Array, Loss]:
    loss, outputs, target = sample
    return outputs, target, loss


@pytest.mark.parametrize("kind", KINDS)
def test_on_new_rows_a_used_temperature_lowers_the_loss_on_average(kind: str) -> None:
    gains = []
    for seed in range(40):
        loss, outputs, target = drawn(kind, 1.5, 200, seed)
        _, new, truth = drawn(kind, 1.5, 4000, 1000 + seed)
        found = fit_temperature(outputs, target, loss)
        plain = loss.value_and_gradient(new, truth)[0]
        gains.append(plain - loss.value_and_gradient(new / found.value, truth)[0])
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_all_right_or_all_wrong_end_at_the_limits(kind: str) -> None:
    loss, outputs, _ = drawn(kind, 1.0, 50)
    right: Any = outputs.argmax(axis=1) if kind == "classes" else (outputs > 0).astype(float)
    wrong: Any = outputs.argmin(axis=1) if kind == "classes" else 1 - right
    assert fit_temperature(outputs, right, loss).value == LOWEST
    assert fit_temperature(outputs, wrong, loss).value == HIGHEST


def test_rows_of_weight_zero_do_not_count_and_few_rows_change_nothing() -> None:
    loss, outputs, target = drawn("classes", 3.0, 400)
    weight = (np.arange(400) < 300).astype(np.float32)
    assert fit_temperature(outputs, target, loss, weight) == fit_temperature(outputs[:300], target[:300], loss)
    few = fit_temperature(outputs[:9], target[:9], loss)
    assert (few.value, few.gain) == (1.0, 0.0)
    assert "9 rows are too few" in few.reason


def test_codes_are_distributions_with_all_weight_on_one_class() -> None:
    loss, outputs, target = drawn("classes", 2.0)
    assert fit_temperature(outputs, np.eye(4)[target], loss).value == pytest.approx(
        fit_temperature(outputs, target, loss).value, rel=1e-12
    )


def test_two_classes_are_yes_and_no() -> None:
    loss, outputs, target = drawn("yes or no", 2.0)
    both = fit_temperature(np.hstack([np.zeros_like(outputs), outputs]), target[:, 0].astype(int), CrossEntropy())
    assert both.value == pytest.approx(fit_temperature(outputs, target, loss).value, rel=1e-9)


def test_outputs_of_any_size_are_handled() -> None:
    outputs = np.array([[3e38], [-3e38]] * 20, dtype=np.float32)
    target = np.array([[1.0], [0.0]] * 15 + [[0.0], [1.0]] * 5)
    assert fit_temperature(outputs, target, BinaryCrossEntropy()).value == HIGHEST


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CrossEntropy()])
def test_probabilities_become_outputs_and_back(loss: Loss) -> None:
    outputs = Random(3).normal((100, 3)) * 5
    p = loss.predict(outputs)
    np.testing.assert_allclose(loss.predict(outputs_of(p, loss)), p, rtol=1e-13)
    assert np.isfinite(outputs_of(np.array([[0.0, 1.0]]), loss)).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(OptionError, match="for losses of classes"):
        fit_temperature(np.zeros((20, 1)), np.zeros((20, 1)), SquaredError())
    with pytest.raises(ShapeError, match="outputs have 20 rows and target has 19"):
        fit_temperature(np.zeros((20, 1)), np.zeros((19, 1)), BinaryCrossEntropy())
