"""L-BFGS: Newton's method with the curvature remembered from the last few steps, for all rows at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.domains import Integer, Number
from pellucid.errors import OptionError
from pellucid.formulas import Entry, OptimizerCall, Symbol
from pellucid.layers.base import NO_RATES, Array, Rates
from pellucid.optimizers.base import Objective, SearchingOptimizer, State
from pellucid.options import option


class LBFGS(SearchingOptimizer):
    """Limited-memory BFGS (Nocedal & Wright 2006, algorithms 7.4 and 7.5) with a strong-Wolfe line search (cf. 3.5).

    With s = p_new - p_old and y = g_new - g_old of the last ``memory`` steps, the two-loop recursion gives the
    direction d = -H g; the step along d satisfies, for f the loss along d and f' its slope::

        f(a) ≤ f(0) + 1e-4 a f'(0)         |f'(a)| ≤ 0.9 |f'(0)|

    One step is one iteration over all rows. Where no better point is found along d, the parameters stay as they are. A
    learning-rate factor of 0 freezes a parameter; of the others only the largest counts, for the first length tried.

    The value and slope at the end of a step are kept for the next one, so the objective must stay the same function,
    and only `step` may move the parameters.
    """

    name = "lbfgs"
    learning_rate: float = option(Number(0, open="low"), "First step length that the line search tries.", default=1.0)
    memory: int = option(Integer(1), "Number of past steps remembered.", default=10)
    max_evaluations: int = option(Integer(2), "Most evaluations of the loss in one line search.", default=20)

    def start(self, parameters: Array) -> State:
        """Return an empty memory, and NaN for the value of the loss, which is not known yet."""
        return {
            "value": np.array(np.nan),
            "gradients": np.zeros_like(parameters),
            "steps": np.zeros((self.memory, parameters.size), parameters.dtype),
            "slope_changes": np.zeros((self.memory, parameters.size), parameters.dtype),
            "n_remembered": np.array(0),
        }

    def step(
        self,
        parameters: Array,
        gradients: Array,
        state: State,
        rates: Rates = NO_RATES,
        objective: Objective | None = None,
    ) -> None:
        """Apply one iteration."""
        if objective is None:
            raise OptionError("LBFGS.step got no objective; it expects a function that returns the loss.")
        if np.isnan(state["value"]):
            state["value"][...] = objective()
            state["gradients"][...] = gradients
        value = float(state["value"])
        factor = rates.get("learning_rate", 1.0)
        free = (np.broadcast_to(factor, parameters.shape) > 0).astype(parameters.dtype)  # frozen parameters do not move
        start, slope = parameters.copy(), state["gradients"] * free
        direction = -_two_loop(slope, state) * free
        along = _dot(direction, slope)
        if along >= 0:  # no descent: forget the curvature and go straight down
            state["n_remembered"][...] = 0
            direction = -slope
            along = _dot(direction, slope)
        if along == 0:
            objective()  # nothing to do; the caller finds value and gradients where it is
            return
        n_remembered = int(state["n_remembered"])
        # without curvature the slope has no length scale: the first step has length 1 at most
        first = self.learning_rate * float(np.max(factor))
        first = first if n_remembered else first * min(1.0, 1.0 / float(np.abs(slope).sum()))

        def at(length: float) -> tuple[float, float]:
            parameters[...] = start + parameters.dtype.type(length) * direction
            return objective(), _dot(direction, gradients)

        length, value = _line_search(at, value, along, first, self.max_evaluations)
        if length == 0:
            parameters[...] = start
            state["n_remembered"][...] = 0
            objective()
            return
        state["value"][...], state["gradients"][...] = value, gradients
        step, change = parameters - start, (gradients - slope) * free
        if _dot(step, change) > np.finfo(parameters.dtype).eps * _dot(change, change):
            if n_remembered == self.memory:
                for memory in (state["steps"], state["slope_changes"]):
                    memory[:-1] = memory[1:]
                n_remembered -= 1
            state["steps"][n_remembered], state["slope_changes"][n_remembered] = step, change
            state["n_remembered"][...] = n_remembered + 1

    def explain(self, call: OptimizerCall) -> list[Entry]:
        """Return the direction and the length that was found, and the new parameters as start + length * direction.

        The direction has a formula only while no steps are remembered: after that each of its numbers depends on all
        parameters and on all remembered steps. The length was found by trying, and has none.
        """
        factor = np.broadcast_to(call.rates.get("learning_rate", 1.0), call.parameters.shape)
        free = (factor > 0).astype(call.parameters.dtype)
        slope = call.gradients * free
        direction = -_two_loop(slope, dict(call.state)) * free
        straight = not int(call.state["n_remembered"]) or float(direction @ slope) >= 0
        if straight:
            direction = -slope
        squared = float(direction @ direction)
        length = float((call.new - call.parameters) @ direction) / squared if squared else 0.0
        a = Entry(Symbol.of("a"), np.asarray(length, slope.dtype), meaning="length of the step, found by a line search")
        entries = [a]
        for update, d, moves in zip(
            call.updates, call.views(direction).values(), call.views(free).values(), strict=True
        ):
            at = update.at
            way = Entry(Symbol.of("d").belonging_to(update.parameter.symbol), d, meaning="direction of the step")
            if straight and moves.all():
                way.equals(at, -update.gradient[at])
            entries += [way, update.new.equals(at, update.parameter[at] + a.scalar * way[at])]
        return entries


def _dot(a: Array, b: Array) -> float:
    """Return Σ a b, in NumPy's order of summation: that of a linear algebra library depends on the processor."""
    return float((a * b).sum())


def _two_loop(slope: Array, state: State) -> Array:
    """Return H g from the remembered steps (Nocedal & Wright, algorithm 7.4)."""
    n_remembered = int(state["n_remembered"])
    steps, changes = state["steps"][:n_remembered], state["slope_changes"][:n_remembered]
    q = slope.copy()
    weights = np.zeros(n_remembered)
    curvatures = [_dot(step, change) for step, change in zip(steps, changes, strict=True)]
    for i in reversed(range(n_remembered)):
        weights[i] = _dot(steps[i], q) / curvatures[i]
        q -= q.dtype.type(weights[i]) * changes[i]
    if n_remembered:
        q *= q.dtype.type(curvatures[-1] / _dot(changes[-1], changes[-1]))
    for i in range(n_remembered):
        back = _dot(changes[i], q) / curvatures[i]
        q += q.dtype.type(weights[i] - back) * steps[i]
    return q


def _line_search(
    at: Callable[[float], tuple[float, float]], value0: float, slope0: float, first: float, evaluations: int
) -> tuple[float, float]:
    """Return a length and its value: one with the strong Wolfe conditions, the best one tried, or 0.

    The search goes out in lengths four times the last until the good ones lie in a bracket, and then shrinks that.
    Unless it is 0, the length returned is the last one that ``at`` was called with.
    """
    low, value_low, slope_low, high = 0.0, value0, slope0, np.inf
    length, best, value_best, last = first, 0.0, value0, 0.0
    for _ in range(evaluations):
        value, slope = at(length)
        last = length
        if np.isfinite(value) and value < value_best:
            best, value_best = length, value
        if not np.isfinite(value) or value > value0 + 1e-4 * length * slope0 or (low > 0 and value >= value_low):
            high = length
            # the lowest point of the parabola through (low, value_low) with slope_low and through (high, value)
            bend = value - value_low - slope_low * (high - low)
            share = -slope_low * (high - low) / (2 * bend) if np.isfinite(value) and bend > 0 else 0.5
        elif abs(slope) <= -0.9 * slope0:
            return length, value
        elif slope >= 0:
            high, share = length, 0.5
        else:
            low, value_low, slope_low, share = length, value, slope, 0.5
        length = low + min(max(share, 0.1), 0.9) * (high - low) if np.isfinite(high) else 4 * length
    if best != last and best > 0:
        at(best)
    return best, value_best
