"""The contract of optimizers, on every registered rule, and each rule against its formula, written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop
from tests.contracts.examples import OptimizerExample, enrolled, numbers
from tests.contracts.optimizer_checks import CHECKS
from tests.tolerances import trajectory

Rule = Callable[[Any, list[Any]], Any]
N_STEPS = 12


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("example", enrolled(Optimizer))
def test_optimizer(example: OptimizerExample, check: str) -> None:
    CHECKS[check](example)


def momentum_outside(p: Any, gradients: list[Any], nesterov: bool) -> Any:
    v = 0.0
    for g in gradients:
        v = 0.9 * v + g
        p = p - 0.05 * (g + 0.9 * v if nesterov else v)
    return p


def momentum_inside(p: Any, gradients: list[Any], nesterov: bool) -> Any:
    v = 0.0
    for g in gradients:
        v = 0.9 * v - 0.05 * g
        p = p + (0.9 * v - 0.05 * g if nesterov else v)
    return p


def rmsprop(p: Any, gradients: list[Any]) -> Any:
    s = 0.0
    for g in gradients:
        s = 0.8 * s + 0.2 * g**2
        p = p - 0.05 * g / (np.sqrt(s) + 1e-3)
    return p


def adam(p: Any, gradients: list[Any], form: str = "moments", decay: float = 0.0) -> Any:
    """Adam with epsilon = 1e-3, so that where it stands makes a difference."""
    for t in range(1, len(gradients) + 1):
        past = list(enumerate(reversed(gradients[:t])))
        m = sum(0.1 * 0.9**age * g for age, g in past)  # the moments as sums, not as recursions
        s = sum(0.05 * 0.95**age * g**2 for age, g in past)
        p = p - 0.05 * decay * p
        if form == "moments":
            p = p - 0.05 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.95**t)) + 1e-3)
        else:
            p = p - 0.05 * np.sqrt(1 - 0.95**t) / (1 - 0.9**t) * m / (np.sqrt(s) + 1e-3)
    return p


MOMENTS = {"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-3}
RULES: dict[str, tuple[Optimizer, Rule]] = {
    "sgd": (SGD(learning_rate=0.05), lambda p, gs: p - 0.05 * sum(gs)),
    **{
        f"sgd, {where}{', nesterov' * nesterov}": (
            SGD(learning_rate=0.05, momentum=0.9, nesterov=nesterov, rate=where),
            lambda p, gs, rule=rule, nesterov=nesterov: rule(p, gs, nesterov),
        )
        for where, rule in (("outside", momentum_outside), ("inside", momentum_inside))
        for nesterov in (False, True)
    },
    "rmsprop": (RMSprop(learning_rate=0.05, decay=0.8, epsilon=1e-3), rmsprop),
    "adam, moments": (Adam(**MOMENTS), adam),
    "adam, rate": (Adam(**MOMENTS, correction="rate"), lambda p, gs: adam(p, gs, "rate")),
    "adamw": (AdamW(**MOMENTS, weight_decay=0.3), lambda p, gs: adam(p, gs, decay=0.3)),
}


@pytest.mark.parametrize("name", RULES)
def test_rule_is_its_formula(name: str) -> None:
    optimizer, formula = RULES[name]
    start = numbers(5, seed=40)
    gradients = list(numbers(N_STEPS, 5, seed=41))
    p, state = start.copy(), optimizer.start(start)
    for g in gradients:
        optimizer.step(p, g, state)
    np.testing.assert_allclose(p, formula(start, gradients), rtol=0, atol=trajectory(N_STEPS, N_STEPS))


def test_every_rule_but_the_line_search_has_a_formula_here() -> None:
    rules = {type(optimizer) for optimizer, _ in RULES.values()} | {LBFGS}
    assert rules == {type(param.values[0].make()) for param in enrolled(Optimizer)}


def test_weight_decay_takes_a_factor_per_parameter_and_from_a_schedule() -> None:
    optimizer, p = AdamW(learning_rate=0.1, weight_decay=0.5), np.array([1.0, 1.0, 1.0])
    rates = {"weight_decay": np.array([1.0, 0.0, 0.5]), "learning_rate": np.array([1.0, 1.0, 0.5])}
    optimizer.step(p, np.zeros(3), optimizer.start(p), rates)
    np.testing.assert_allclose(p, [1 - 0.1 * 0.5, 1.0, 1 - 0.05 * 0.25], rtol=1e-15)


def test_the_two_forms_of_momentum_differ_once_the_rate_changes() -> None:
    found = {}
    for where in ("outside", "inside"):
        optimizer, p = SGD(learning_rate=0.1, momentum=0.5, rate=where), np.array([0.0])
        state = optimizer.start(p)
        for factor in (1.0, 0.0):  # a rate of 0 stops one of them at once, the other coasts on its velocity
            optimizer.step(p, np.array([-1.0]), state, {"learning_rate": factor})
        found[where] = float(p[0])
    assert found == {"outside": pytest.approx(0.1), "inside": pytest.approx(0.15)}
