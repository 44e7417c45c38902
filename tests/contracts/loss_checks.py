"""What every loss must do, as functions that raise AssertionError for the contract tests and their own tests."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest

from pellucid.errors import ShapeError, TargetError
from pellucid.insight import trace
from pellucid.layers import Dense
from pellucid.network import Network
from pellucid.random import Random
from tests.contracts.examples import LossExample
from tests.contracts.ledger_checks import check_differences, check_trace
from tests.tolerances import STEP, difference, rounding

N_ROWS = 9
DIGITS = 400  # of the exact arithmetic: enough for slopes of about 1 beside e^700, which has 305 digits


def batch(example: LossExample, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Return outputs, the target as the loss checked it, and weights with a 0 among them."""
    outputs = example.outputs(N_ROWS).astype(dtype)
    target = example.make().check_target(example.target(N_ROWS), example.n_outputs, dtype)
    weight = Random(14).uniform((N_ROWS,), 0.1, 2.0)
    weight[3] = 0.0
    return outputs, target, weight


def check_exact_value(example: LossExample) -> None:
    """The value and gradient of one row are the formula's, also where outputs are hostile: nothing is clipped."""
    loss = example.make()
    target = loss.check_target(example.target(N_ROWS), example.n_outputs)
    grid = list(itertools.product(example.hostile, repeat=example.n_outputs))
    for index, outputs in enumerate(grid[:: max(1, len(grid) // 60)]):
        t = target[index % N_ROWS : index % N_ROWS + 1]
        value, gradient = loss.value_and_gradient(np.array([outputs]), t)
        with mpmath.workdps(DIGITS):
            exact_t = [mpmath.mpf(float(number)) for number in np.ravel(t)]
            exact_o = [mpmath.mpf(number) for number in outputs]
            exact = example.formula(exact_o, exact_t)
            size = float(max(abs(exact), *map(abs, exact_o)))
            assert abs(value - exact) <= rounding(example.n_outputs, scale=size), (outputs, t)
            for j in range(example.n_outputs):

                def along(o: Any, j: int = j) -> Any:
                    return example.formula([*exact_o[:j], o, *exact_o[j + 1 :]], exact_t)  # noqa: B023 - used at once

                slope = mpmath.diff(along, exact_o[j], h=mpmath.mpf(10) ** -20)
                scale = float(max(1, abs(slope), *map(abs, exact_t)))
                assert abs(gradient[0, j] - slope) <= rounding(example.n_outputs, scale=scale), (outputs, t, j)


def check_gradient(example: LossExample) -> None:
    """The gradient of a batch equals central differences, with weights and without."""
    loss = example.make()
    outputs, target, weight = batch(example)
    for weights in (None, weight):
        value, gradient = loss.value_and_gradient(outputs, target, weights)
        assert gradient.shape == outputs.shape
        scale = max(1.0, abs(value), float(np.abs(gradient).max()))
        for position in np.ndindex(outputs.shape):
            values = []
            for sign in (1, -1):
                moved = outputs.copy()
                moved[position] += sign * STEP
                values.append(loss.value_and_gradient(moved, target, weights)[0])
            assert abs(gradient[position] - (values[0] - values[1]) / (2 * STEP)) <= difference(scale), position


def check_reduction(example: LossExample) -> None:
    """Batches combine to the whole; a weight of 2 is a row given twice, one of 0 a row left out, once reduced."""
    loss = example.make()
    outputs, target, weight = batch(example)
    whole, _ = loss.value_and_gradient(outputs, target)
    parts = [slice(0, 4), slice(4, N_ROWS)]
    values = [loss.value_and_gradient(outputs[part], target[part])[0] for part in parts]
    tolerance = rounding(outputs.size, scale=max(1.0, abs(whole)) * N_ROWS)
    assert abs(loss.combine(values, [4.0, N_ROWS - 4.0]) - whole) <= tolerance
    weighted, _ = loss.value_and_gradient(outputs, target, weight)
    values = [loss.value_and_gradient(outputs[part], target[part], weight[part])[0] for part in parts]
    assert abs(loss.combine(values, [float(weight[part].sum()) for part in parts]) - weighted) <= tolerance

    ones, _ = loss.value_and_gradient(outputs, target, np.ones(N_ROWS))
    assert abs(ones - whole) <= tolerance
    times = np.array([1, 2, 1, 0, 1, 3, 1, 1, 0])
    rows = np.repeat(np.arange(N_ROWS), times)
    given, gradient_given = loss.value_and_gradient(outputs[rows], target[rows])
    value, gradient = loss.value_and_gradient(outputs, target, times.astype(float))
    assert abs(given - value) <= tolerance
    summed = np.zeros_like(gradient)
    np.add.at(summed, rows, gradient_given)
    np.testing.assert_allclose(gradient, summed, rtol=0, atol=tolerance)
    nothing, flat = loss.value_and_gradient(outputs, target, np.zeros(N_ROWS))
    assert nothing == 0
    assert (flat == 0).all()


def check_dtype(example: LossExample) -> None:
    """float32 stays float32, also with float64 weights, and agrees with float64 as far as it goes."""
    loss = example.make()
    for weighted in (False, True):
        outputs, target, weight = batch(example)
        outputs = outputs.astype(np.float32).astype(np.float64)
        if target.dtype.kind == "f":
            target = target.astype(np.float32).astype(np.float64)
        single_target = target.astype(np.float32) if target.dtype.kind == "f" else target
        value, gradient = loss.value_and_gradient(outputs, target, weight if weighted else None)
        single, single_gradient = loss.value_and_gradient(
            outputs.astype(np.float32), single_target, weight if weighted else None
        )
        assert type(single) is float
        assert single_gradient.dtype == np.float32
        assert gradient.dtype == np.float64
        scale = 8 * max(1.0, abs(value), float(np.abs(outputs).max()))
        assert abs(single - value) <= rounding(outputs.size, np.float32, scale)
        np.testing.assert_allclose(single_gradient, gradient, rtol=0, atol=rounding(outputs.size, np.float32, scale))


def check_purity(example: LossExample) -> None:
    """Nothing given is changed; two calls give the same bits; no rows have loss 0."""
    loss = example.make()
    given = batch(example)
    for array in given:
        array.setflags(write=False)
    first, second = loss.value_and_gradient(*given), loss.value_and_gradient(*given)
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])
    empty, flat = loss.value_and_gradient(given[0][:0], given[1][:0])
    assert empty == 0
    assert flat.shape == (0, example.n_outputs)


def check_best_constant(example: LossExample) -> None:
    """No other constant is better: along no output, to neither side, near or far."""
    loss = example.make()
    n_rows = 24  # enough for every class to have rows
    target = loss.check_target(example.target(n_rows), example.n_outputs)
    for weight in (None, Random(15).uniform((n_rows,), 0.5, 2.0)):
        best = loss.best_constant(target, weight)
        assert best.shape == (example.n_outputs,)

        def value(constant: Any, weight: Any = weight) -> float:
            return loss.value_and_gradient(np.tile(constant, (n_rows, 1)), target, weight)[0]

        lowest = value(best)
        for j, step in itertools.product(range(example.n_outputs), (1e-5, 1e-2, 1.0)):
            for sign in (1, -1):
                moved = best.copy()
                moved[j] += sign * step
                assert value(moved) >= lowest - rounding(n_rows, scale=max(1.0, abs(lowest))), (j, sign * step)


def check_link(example: LossExample) -> None:
    """Predictions are the link of the outputs."""
    loss = example.make()
    outputs = example.outputs(N_ROWS)
    exponentials = np.exp(outputs)
    expected = {
        "identity": outputs,
        "sigmoid": exponentials / (1 + exponentials),
        "softmax": exponentials / exponentials.sum(axis=1, keepdims=True),
        "exp": exponentials,
    }[loss.link]
    np.testing.assert_allclose(loss.predict(outputs), expected, rtol=rounding(example.n_outputs), atol=0)


def check_target(example: LossExample) -> None:
    """What does not fit is refused: another number of rows' columns, NaN, infinity, text."""
    loss = example.make()
    target = example.target(N_ROWS)
    checked = loss.check_target(target, example.n_outputs, np.float32)
    assert checked.dtype in (np.float32, np.int64)
    assert len(checked) == N_ROWS
    with pytest.raises((ShapeError, TargetError), match=type(loss).__name__):
        loss.check_target(np.zeros((N_ROWS, example.n_outputs + 1, 2)), example.n_outputs)
    with pytest.raises((ShapeError, TargetError), match=type(loss).__name__):
        loss.check_target(np.zeros((N_ROWS, example.n_outputs + 1)), example.n_outputs)
    for wrong in (np.nan, np.inf, -np.inf):
        hurt = np.array(target, dtype=float)
        hurt[4] = wrong
        with pytest.raises(TargetError, match="row 4"):
            loss.check_target(hurt, example.n_outputs)
    with pytest.raises(TargetError):
        loss.check_target(np.full(np.shape(target), "yes"), example.n_outputs)


def check_ledger(example: LossExample) -> None:
    """The loss explains itself: its value and the slopes follow from the numbers that its formulas name."""
    network = Network([Dense(example.n_outputs)], n_inputs=3, rng=3)
    weight = Random(14).uniform((N_ROWS,), 0.1, 2.0)
    weight[3] = 0.0
    for weights in (None, weight):
        found = trace(
            network, Random(1).normal((N_ROWS, 3)), example.target(N_ROWS), loss=example.make(), sample_weight=weights
        )
        (step,) = found.steps
        (section,) = (section for section in step.sections if section.title == "Loss")
        assert section.entries[-1] is step["L"]
        check_trace(found)
        assert check_differences(found) > 0


CHECKS = {
    "exact value": check_exact_value,
    "gradient": check_gradient,
    "reduction": check_reduction,
    "dtype": check_dtype,
    "purity": check_purity,
    "best constant": check_best_constant,
    "link": check_link,
    "target": check_target,
    "ledger": check_ledger,
}
