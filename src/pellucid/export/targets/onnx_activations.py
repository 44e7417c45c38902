"""Activations in ONNX: its own operators in float32, and in float64, where runtimes have few, formulas of simpler ones.

Formulas are arranged such that no exponential overflows and small results keep their digits, as in
`pellucid.activations`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial

from pellucid.activations import SELU
from pellucid.export.targets.onnx_nodes import Nodes
from pellucid.tabular.temperature import SMALLEST

LOWEST = -800.0  # below it e to x is 0, which must not meet -∞
FARTHEST = 26.0  # of which erfc is 5e-296
DEGREE = 20  # of a polynomial with which Φ is within 5e-14 of itself; with more, its coefficients are too large


def activated(nodes: Nodes, x: str, function: str, parameter: float, dtype: str) -> str:
    """Add an activation of a tensor of type ``dtype``."""
    return _Activations(nodes, dtype).add(x, function, parameter)


class _Activations:
    """The functions, of tensors of one type."""

    def __init__(self, nodes: Nodes, dtype: str) -> None:
        self.nodes, self.dtype = nodes, dtype

    def add(self, x: str, function: str, parameter: float) -> str:
        node = self.node
        if self.dtype == "float32":
            match function:
                case "sigmoid":
                    return node("Sigmoid", x)
                case "leaky_relu":
                    return node("LeakyRelu", x, alpha=parameter)
                case "elu":
                    return node("Elu", x, alpha=parameter)
                case "selu":
                    return node("Selu", x, alpha=SELU.alpha, gamma=SELU.scale)
                case "softplus":
                    return node("Softplus", x)
                case "gelu" | "mish":
                    return node(function.capitalize(), node("Max", x, LOWEST))
                case "silu":
                    return node("Mul", node("Max", x, LOWEST), node("Sigmoid", x))
        match function:
            case "exp" | "tanh" | "relu":
                return node(function.capitalize(), x)
            case "softmax":
                return node("Softmax", x, axis=1)
            case "leaky_relu":
                return node("Add", node("Relu", x), node("Mul", node("Min", x, 0.0), parameter))
            case "elu":
                return node("Add", node("Relu", x), node("Mul", self.less_than_one_off(x), parameter))
            case "selu":
                negative = node("Mul", self.less_than_one_off(x), SELU.scale * SELU.alpha)
                return node("Add", node("Mul", node("Relu", x), SELU.scale), negative)
            case "sigmoid":
                return self.sigmoid(x)
            case "silu":
                return node("Mul", node("Max", x, LOWEST), self.sigmoid(x))
            case "softplus":
                return node("Add", node("Relu", x), self.log_of_one_plus(self.vanishing(x)))
            case "mish":
                return node("Mul", node("Max", x, LOWEST), self.tanh_softplus(x))
            case "gelu":
                return node("Mul", node("Max", x, LOWEST), self.normal(x))
            case "log":
                return self.log(x)
            case "log_odds":
                return node("Sub", self.log(x), self.log(node("Sub", 1.0, x)))
        raise NotImplementedError(function)

    def node(self, operator: str, *inputs: str | float, **attributes: Any) -> str:
        """Add a node, of numbers as constants."""
        given = [each if isinstance(each, str) else self.nodes.constant(each, self.dtype) for each in inputs]
        return self.nodes.add(operator, *given, **attributes)

    def vanishing(self, x: str) -> str:
        """Add e^-|x|."""
        return self.node("Exp", self.node("Neg", self.node("Abs", x)))

    def positive(self, x: str, yes: str | float, no: str | float) -> str:
        """Add a choice: the first where x >= 0, else the second."""
        return self.node("Where", self.node("GreaterOrEqual", x, 0.0), yes, no)

    def less_than_one_off(self, x: str) -> str:
        """Add eˣ - 1 for x <= 0, else 0: as tanh(x/2) = (eˣ - 1) / (eˣ + 1), nothing cancels."""
        below = self.node("Min", x, 0.0)
        plus = self.node("Add", self.node("Exp", below), 1.0)
        return self.node("Mul", self.node("Tanh", self.node("Mul", below, 0.5)), plus)

    def log_of_one_plus(self, e: str) -> str:
        """Add log(1 + e) for e from 0 to 1: u = 1 + e is rounded, by e - (u - 1), which log loses a u-th of."""
        u = self.node("Add", e, 1.0)
        lost = self.node("Sub", e, self.node("Sub", u, 1.0))
        return self.node("Add", self.node("Log", u), self.node("Div", lost, u))

    def sigmoid(self, x: str) -> str:
        e = self.vanishing(x)
        return self.node("Div", self.positive(x, 1.0, e), self.node("Add", e, 1.0))

    def tanh_softplus(self, x: str) -> str:
        """Add tanh(log(1 + eˣ)) = n / (n + m), n = 1 + 2e and m = 2e² for x >= 0, else n = e (e + 2) and m = 2."""
        e = self.vanishing(x)
        n = self.positive(
            x, self.node("Add", self.node("Mul", e, 2.0), 1.0), self.node("Mul", e, self.node("Add", e, 2.0))
        )
        m = self.positive(x, self.node("Mul", self.node("Mul", e, e), 2.0), 2.0)
        return self.node("Div", n, self.node("Add", n, m))

    def log(self, x: str) -> str:
        return self.node("Log", self.node("Max", x, SMALLEST))

    def normal(self, x: str) -> str:
        """Add the cumulative probability Φ of the standard normal distribution.

        With z = |x| / √2 and t = 2 / (2 + z), half of erfc z is t e to the power of -z² + P(t), with a polynomial P.
        The form is that of Numerical Recipes, 3rd edition, section 6.2.2.
        """
        z = self.node("Mul", self.node("Abs", x), math.sqrt(0.5))
        t = self.node("Div", 2.0, self.node("Add", self.node("Min", z, FARTHEST), 2.0))
        coefficients = _log_erfc()
        power: str | float = coefficients[0]
        for coefficient in coefficients[1:]:
            power = self.node("Add", self.node("Mul", power, t), coefficient)
        tail = self.node("Mul", t, self.node("Exp", self.node("Sub", power, self.node("Mul", z, z))))
        return self.positive(x, self.node("Sub", 1.0, tail), tail)


@cache
def _log_erfc() -> list[float]:
    """Return P's coefficients, the highest power's first: P(t) interpolates log(erfc z / 2t) + z²."""

    def exact(t: np.ndarray) -> np.ndarray:
        z = 2 / t - 2
        return np.array([math.log(math.erfc(each) / 2) + each * each for each in z.tolist()]) - np.log(t)

    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))  # Chebyshev's
    low = 2 / (2 + FARTHEST)
    t = low + (1 - low) * (nodes + 1) / 2
    fitted = Polynomial.fit(t, exact(t), DEGREE, domain=[low, 1])
    return fitted.convert().coef[::-1].tolist()
