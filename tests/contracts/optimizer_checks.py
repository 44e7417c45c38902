"""What every optimizer must do, as functions that raise AssertionError for the contract tests and their own tests."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from pellucid.insight import trace
from pellucid.layers import Dense
from pellucid.network import Network
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.schedules import Exponential
from tests.contracts.examples import OptimizerExample, numbers
from tests.contracts.ledger_checks import check_trace

SIZE = 6


class Bowl:
    """The convex quadratic ½ (p - c)ᵀ A (p - c), whose slopes range from 0.2 to 2 along its axes."""

    def __init__(self, dtype: Any = np.float64) -> None:
        axes, _ = np.linalg.qr(numbers(SIZE, SIZE, seed=30))
        self.matrix = ((axes * np.linspace(0.2, 2.0, SIZE)) @ axes.T).astype(dtype)
        self.center = numbers(SIZE, seed=31).astype(dtype)
        self.start = numbers(SIZE, seed=32).astype(dtype)

    def value(self, p: Any) -> float:
        return float((p - self.center) @ self.matrix @ (p - self.center)) / 2

    def slope(self, p: Any) -> Any:
        return self.matrix @ (p - self.center)


class Walk:
    """Steps of an optimizer down a bowl, with all that they depend on."""

    def __init__(self, optimizer: Optimizer, dtype: Any = np.float64, rates: dict[str, Any] | None = None) -> None:
        self.optimizer, self.rates = optimizer, rates or {}
        self.bowl = Bowl(dtype)
        self.parameters = self.bowl.start.copy()
        self.gradients = np.zeros_like(self.parameters)
        self.state = optimizer.start(self.parameters)

    def objective(self) -> float:
        self.gradients[...] = self.bowl.slope(self.parameters)
        return self.bowl.value(self.parameters)

    def steps(self, n: int) -> Walk:
        for _ in range(n):
            if isinstance(self.optimizer, SearchingOptimizer):
                self.optimizer.step(self.parameters, self.gradients, self.state, self.rates, self.objective)
            else:
                self.objective()
                self.optimizer.step(self.parameters, self.gradients, self.state, self.rates)
        return self


def check_descent(example: OptimizerExample) -> None:
    """The minimum is reached to a hundredth of where the walk began, in place."""
    walk = Walk(example.make())
    given = walk.parameters
    before = walk.bowl.value(walk.parameters)
    walk.steps(example.n_steps)
    assert walk.parameters is given
    assert walk.bowl.value(walk.parameters) <= 0.01 * before


def check_frozen(example: OptimizerExample) -> None:
    """A parameter whose learning-rate factor is 0 keeps its bits, and the others move."""
    factor = np.array([1.0, 0.0, 1.0, 0.5, 0.0, 1.0])
    walk = Walk(example.make(), rates={"learning_rate": factor}).steps(5)
    np.testing.assert_array_equal(walk.parameters == walk.bowl.start, factor == 0)
    still = Walk(example.make(), rates={"learning_rate": 0.0}).steps(5)
    np.testing.assert_array_equal(still.parameters, still.bowl.start)


def check_rate(example: OptimizerExample) -> None:
    """A factor of one half on the learning rate is the optimizer with half the learning rate."""
    optimizer = example.make()
    if isinstance(optimizer, SearchingOptimizer):
        return  # a line search chooses its own length
    half = copy.copy(optimizer)
    half.learning_rate = optimizer.learning_rate / 2  # type: ignore[attr-defined]
    half.__post_init__()
    by_factor = Walk(optimizer, rates={"learning_rate": 0.5}).steps(7)
    np.testing.assert_array_equal(by_factor.parameters, Walk(half).steps(7).parameters)
    per_parameter = Walk(optimizer, rates={"learning_rate": np.full(SIZE, 0.5)}).steps(7)
    np.testing.assert_array_equal(by_factor.parameters, per_parameter.parameters)


def check_state(example: OptimizerExample) -> None:
    """The state is named arrays; a copy of it, with a copy of the parameters, goes on with the same bits."""
    walk = Walk(example.make()).steps(6)
    other = Walk(example.make())
    assert all(type(array) is np.ndarray for array in walk.state.values())
    assert {name: array.shape for name, array in walk.state.items()} == {
        name: array.shape for name, array in other.state.items()
    }
    other.state = {name: array.copy() for name, array in walk.state.items()}
    other.parameters[...] = walk.parameters
    np.testing.assert_array_equal(walk.steps(6).parameters, other.steps(6).parameters)
    again = Walk(walk.optimizer).steps(12)  # nothing is kept on the optimizer
    np.testing.assert_array_equal(walk.parameters, again.parameters)


def check_dtype(example: OptimizerExample) -> None:
    """float32 parameters stay so, and so do arrays of the state that have their size."""
    walk = Walk(example.make(), np.float32).steps(4)
    assert walk.parameters.dtype == np.float32
    assert all(array.dtype == np.float32 for array in walk.state.values() if array.ndim)
    double = Walk(example.make()).steps(4)
    np.testing.assert_allclose(walk.parameters, double.parameters, atol=1e4 * float(np.finfo(np.float32).eps))


def check_gradients_kept(example: OptimizerExample) -> None:
    """The gradient is read, not changed."""
    walk = Walk(example.make()).steps(3)
    if not isinstance(walk.optimizer, SearchingOptimizer):
        walk.objective()
        gradients = walk.gradients.copy()
        walk.optimizer.step(walk.parameters, walk.gradients, walk.state)
        np.testing.assert_array_equal(walk.gradients, gradients)


def check_ledger(example: OptimizerExample) -> None:
    """The rule explains itself: state and parameters after a step follow from the numbers that its formulas name.

    A rule that searches along a line may show the line and the length without formulas.
    """
    network = Network([Dense(3), "tanh", Dense(2)], n_inputs=3, rng=3)
    network.learning_rate_factor[:4] = [0.0, 0.5, 1.0, 2.0]
    searches = isinstance(example.make(), SearchingOptimizer)
    found = trace(
        network,
        numbers(9, 3),
        numbers(9, 2, seed=1),
        loss="squared_error",
        optimizer=example.make(),
        steps=[0, 1, 4],
        schedules={} if searches else {"learning_rate": Exponential()},
        epochs=10,
    )
    check_trace(found, drawn="ad" if searches else "")


CHECKS = {
    "descent": check_descent,
    "frozen": check_frozen,
    "rate": check_rate,
    "state": check_state,
    "dtype": check_dtype,
    "gradients kept": check_gradients_kept,
    "ledger": check_ledger,
}
