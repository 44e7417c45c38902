"""The contract of losses, on every registered loss, and what is special to some."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.errors import ShapeError, TargetError
from pellucid.losses import (
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Penalty,
    Poisson,
    Quantile,
    SquaredError,
)
from tests.contracts.examples import LossExample, enrolled, numbers
from tests.contracts.loss_checks import CHECKS
from tests.tolerances import STEP, difference


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("example", enrolled(Loss))
def test_loss(example: LossExample, check: str) -> None:
    CHECKS[check](example)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [10.0, 100.0, 1e4, 1e30])
def test_a_wrong_and_confident_logit_costs_what_it_says(size: float, dtype: type) -> None:
    value, gradient = BinaryCrossEntropy().value_and_gradient(np.array([[size]], dtype), np.array([[0.0]], dtype))
    assert value == pytest.approx(size, rel=1e-5)
    assert gradient[0, 0] == pytest.approx(1.0, rel=1e-4)
    value, gradient = CrossEntropy().value_and_gradient(np.array([[size, 0.0]], dtype), np.array([1]))
    assert value == pytest.approx(size, rel=1e-5)
    assert gradient[0].tolist() == pytest.approx([1.0, -1.0], rel=1e-4)


def test_the_poisson_mean_overflows_to_infinity_and_not_to_a_clipped_number() -> None:
    value, gradient = Poisson().value_and_gradient(np.array([[1e4]]), np.array([[3.0]]))
    assert value == np.inf
    assert gradient[0, 0] == np.inf


def test_cross_entropy_takes_codes_and_distributions_alike() -> None:
    outputs = numbers(4, 3)
    codes = np.array([2, 0, 1, 2])
    by_code = CrossEntropy(label_smoothing=0.2).value_and_gradient(outputs, codes)
    by_distribution = CrossEntropy(label_smoothing=0.2).value_and_gradient(outputs, np.eye(3)[codes])
    assert by_code[0] == by_distribution[0]
    np.testing.assert_array_equal(by_code[1], by_distribution[1])


@pytest.mark.parametrize("codes", [[0, 3], [0, -1], [0, 0.5]])
def test_cross_entropy_refuses_codes_that_are_no_class(codes: list[float]) -> None:
    with pytest.raises(TargetError, match="row 1"):
        CrossEntropy().check_target(np.array(codes), 3)


def test_a_distribution_must_sum_to_one() -> None:
    with pytest.raises(TargetError, match="row 1"):
        CrossEntropy().check_target(np.array([[0.5, 0.5, 0.0], [0.5, 0.4, 0.0]]), 3)


def test_two_classes_need_two_outputs_or_the_binary_loss() -> None:
    with pytest.raises(ShapeError, match=r"Dense\(2\), or Dense\(1\) with BinaryCrossEntropy"):
        CrossEntropy().check_target(np.array([0, 1]), 1)


@pytest.mark.parametrize(
    ("loss", "wrong"), [(BinaryCrossEntropy(), 1.5), (BinaryCrossEntropy(), -1.0), (Poisson(), -1.0)]
)
def test_targets_outside_the_domain_are_refused(loss: Loss, wrong: float) -> None:
    with pytest.raises(TargetError, match=rf"{wrong}.* row 2.*{loss.domain}"):
        loss.check_target(np.array([0.0, 1.0, wrong]), 1)


def test_a_shape_error_names_the_dense_layer_that_fits() -> None:
    with pytest.raises(ShapeError, match=r"Dense\(2\)"):
        SquaredError().check_target(np.zeros((4, 2)), 3)
    with pytest.raises(ShapeError, match=r"Dense\(6\)"):
        Quantile(levels=(0.1, 0.5, 0.9)).check_target(np.zeros((4, 2)), 2)


def test_focal_without_gamma_is_cross_entropy_and_with_it_counts_easy_rows_less() -> None:
    outputs, codes = numbers(6, 3), np.array([2, 0, 1, 2, 1, 0])
    for focal, entropy, target in (
        (Focal(gamma=0.0), CrossEntropy(), codes),
        (BinaryFocal(gamma=0.0), BinaryCrossEntropy(), np.eye(3)[codes]),
    ):
        value, gradient = focal.value_and_gradient(outputs, target)
        wanted, slopes = entropy.value_and_gradient(outputs, target)
        assert value == pytest.approx(wanted, rel=1e-14)
        np.testing.assert_allclose(gradient, slopes, rtol=0, atol=1e-15)
    easy, hard = np.array([[3.0]]), np.array([[-3.0]])
    shares = [
        loss.value_and_gradient(easy, np.ones((1, 1)))[0] / loss.value_and_gradient(hard, np.ones((1, 1)))[0]
        for loss in (BinaryFocal(gamma=2.0), BinaryCrossEntropy())
    ]
    ratio = np.exp(-3.0) ** 2  # sigmoid(-3)² / sigmoid(3)²
    assert shares[0] == pytest.approx(shares[1] * ratio, rel=1e-13)


def test_focal_of_two_classes_is_the_binary_one_on_their_difference() -> None:
    outputs, codes = numbers(6, 2), np.array([1, 0, 1, 1, 0, 0])
    value, gradient = Focal().value_and_gradient(outputs, codes)
    wanted, slopes = BinaryFocal().value_and_gradient(outputs[:, 1:] - outputs[:, :1], codes[:, None].astype(float))
    assert value == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_allclose(gradient, np.hstack([-slopes, slopes]), rtol=1e-13)


def test_focal_takes_codes_only() -> None:
    with pytest.raises(ShapeError, match="one code per row"):
        Focal().check_target(np.eye(3), 3)


def test_the_quantile_of_a_half_is_half_the_absolute_error() -> None:
    outputs, target = numbers(6, 1), numbers(6, 1, seed=1)
    value, gradient = Quantile().value_and_gradient(outputs, target)
    assert value == pytest.approx(np.abs(outputs - target).mean() / 2, rel=1e-14)
    np.testing.assert_allclose(gradient, np.sign(outputs - target) / 12, rtol=1e-15)


def test_huber_joins_its_two_parts_smoothly() -> None:
    loss = Huber(delta=0.7)
    below, above = (loss.value_and_gradient(np.array([[e]]), np.array([[0.0]])) for e in (0.7 - 1e-9, 0.7 + 1e-9))
    assert below[0] == pytest.approx(above[0], abs=2e-9)
    assert below[1][0, 0] == pytest.approx(above[1][0, 0], abs=2e-9)


def test_the_penalty_has_its_formula_and_its_gradient() -> None:
    penalty, parameters = Penalty(l1=0.3, l2=0.7), numbers(6)
    factor = np.array([1.0, 1.0, 0.0, 0.5, 2.0, 0.0])
    value, gradient = penalty.value_and_gradient(parameters, factor)
    expected = (factor * (0.3 * np.abs(parameters) + 0.35 * parameters**2)).sum()
    assert value == pytest.approx(expected, rel=1e-14)
    for index in range(6):
        values = [penalty.value_and_gradient(parameters + s * STEP * np.eye(6)[index], factor)[0] for s in (1, -1)]
        assert abs(gradient[index] - (values[0] - values[1]) / (2 * STEP)) <= difference(abs(value))
    single = penalty.value_and_gradient(parameters.astype(np.float32), factor.astype(np.float32))
    assert single[1].dtype == np.float32
