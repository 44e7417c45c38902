"""An activation is the function that a neuron applies to its weighted sum ``z``, giving its output ``a``.

Each class shows the value and its derivative side by side. Shapes are ``(n_rows, n_units)`` throughout (the elementwise
ones take any shape); float32 and float64 stay what they are, inputs are never changed, and NaN gives NaN. At ±∞ each
function and derivative takes its limit, so the formulas are arranged such that no exponential overflows and no ∞ meets
a 0. Where a formula has one branch for z > 0 and one for z <= 0, the code adds the two, of which one is exactly 0: that
is the same number, and several times faster than a choice element by element.

The dLoss/d... arrays: ``da`` is dLoss/da, ``dz`` is dLoss/dz, with the shapes of ``a`` and ``z``.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid import normal
from pellucid.domains import Number
from pellucid.formulas import Constant, Entry, Expression, Index, Matrix, Named, choose, function, max_over, sum_over
from pellucid.options import Configurable, named, option

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Elementwise",
    "Identity",
    "LeakyReLU",
    "Mish",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "activation",
]

Array = NDArray[np.floating[Any]]

_ZERO_BELOW = 800.0  # e⁻⁸⁰⁰ is 0 even among the subnormal float64 numbers: beyond it, z may be cut before it meets a 0


class Activation(Configurable, abc.ABC):
    """A differentiable function from ``z`` to ``a``; to define a subclass with a ``name`` is to register it.

    ``letter`` is what formulas call it, if not by its name.
    """

    name: ClassVar[str]
    letter: ClassVar[str] = ""

    @abc.abstractmethod
    def value(self, z: Array) -> Array:
        """Return ``a``, of z's shape and dtype."""

    @abc.abstractmethod
    def backward(self, da: Array, z: Array, a: Array) -> Array:
        """Return ``dz`` from ``da``, the input ``z`` and its value ``a``."""

    def explain(self, da: Matrix, z: Matrix, a: Entry, i: Index, j: Index) -> tuple[Expression, Expression] | None:
        """Return the formulas of ``a`` and ``dz`` in row i and column j; None where the class does not say."""
        return None


class Elementwise(Activation):
    """An activation of each number by itself, so that dz = da · f'(z)."""

    @abc.abstractmethod
    def derivative(self, z: Array, a: Array) -> Array:
        """Return da/dz at ``z``, whose value is ``a``."""

    def backward(self, da: Array, z: Array, a: Array) -> Array:
        return da * self.derivative(z, a)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression] | None:
        """Return the formulas of a and of da/dz, with which `value` and `derivative` agree."""
        return None

    def explain(self, da: Matrix, z: Matrix, a: Entry, i: Index, j: Index) -> tuple[Expression, Expression] | None:
        said = self.formulas(z[i, j], a[i, j])
        return None if said is None else (Named(self.letter or self.name, z[i, j], said[0]), da[i, j] * said[1])


class Identity(Elementwise):
    """a = z, and da/dz = 1: what a layer is without an activation."""

    name: ClassVar[str] = "identity"

    def value(self, z: Array) -> Array:
        return z.copy()

    def derivative(self, z: Array, a: Array) -> Array:
        return np.ones_like(z)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return z, Constant(1)


class Sigmoid(Elementwise):
    """a = 1 / (1 + e⁻ᶻ), from 0 to 1.

    da/dz = e⁻ᶻ / (1 + e⁻ᶻ)² = a (1 - a).

    >>> print(Sigmoid().value(np.array([0.0, 2.0])).round(4))
    [0.5    0.8808]
    """

    name: ClassVar[str] = "sigmoid"
    letter: ClassVar[str] = "σ"

    def value(self, z: Array) -> Array:
        return sigmoid(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return a * (1.0 - a)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return 1 / (1 + function("exp", -z)), a * (1 - a)


class Tanh(Elementwise):
    """a = tanh z = (eᶻ - e⁻ᶻ) / (eᶻ + e⁻ᶻ), from -1 to 1.

    By the quotient rule, with cosh and sinh each the other's derivative, da/dz = 1 - tanh² z = 1 - a².
    """

    name: ClassVar[str] = "tanh"

    def value(self, z: Array) -> Array:
        return np.tanh(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return 1.0 - a * a

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return function("tanh", z), 1 - a**2


class ReLU(Elementwise):
    """a = max(z, 0), the rectified linear unit.

    da/dz = 1 for z > 0 and 0 for z < 0; at the corner it is 0 by convention. (z * (z > 0) would be NaN at -∞.)

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    name: ClassVar[str] = "relu"

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0) + 0.0  # -0 + 0 is 0

    def derivative(self, z: Array, a: Array) -> Array:
        return _step(z)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return function("max", z, 0), choose(z > 0, 1, 0)


class LeakyReLU(Elementwise):
    """a = z for z > 0, else slope · z; da/dz = 1 for z > 0, else slope.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.
    """

    name: ClassVar[str] = "leaky_relu"
    slope: float = option(Number(low=0, open="low"), "Slope on the negative side.", default=0.01)

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0) + self.slope * np.minimum(z, 0.0)

    def derivative(self, z: Array, a: Array) -> Array:
        step = _step(z)
        return step + self.slope * (1.0 - step)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return choose(z > 0, z, Constant(self.slope, "s") * z), choose(z > 0, 1, Constant(self.slope, "s"))


class ELU(Elementwise):
    """a = z for z > 0, else alpha (eᶻ - 1); da/dz = 1 for z > 0, else alpha eᶻ.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
    ICLR 2016.
    """

    name: ClassVar[str] = "elu"
    alpha: float = option(Number(low=0, open="low"), "The value at minus infinity, negated.", default=1.0)

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0) + self.alpha * np.expm1(np.minimum(z, 0.0))

    def derivative(self, z: Array, a: Array) -> Array:
        step = _step(z)
        return step + self.alpha * (1.0 - step) * np.exp(np.minimum(z, 0.0))

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        alpha = Constant(self.alpha, "α")
        return choose(z > 0, z, alpha * (function("exp", z) - 1)), choose(z > 0, 1, alpha * function("exp", z))


class SELU(Elementwise):
    """a = scale · z for z > 0, else scale · alpha (eᶻ - 1); da/dz = scale for z > 0, else scale · alpha eᶻ.

    The two constants are those for which inputs of mean 0 and variance 1 lead to outputs of mean 0 and variance 1.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.
    """

    name: ClassVar[str] = "selu"
    scale: ClassVar[float] = 1.0507009873554804934
    alpha: ClassVar[float] = 1.6732632423543772848

    def value(self, z: Array) -> Array:
        return self.scale * np.maximum(z, 0.0) + self.scale * self.alpha * np.expm1(np.minimum(z, 0.0))

    def derivative(self, z: Array, a: Array) -> Array:
        step = _step(z)
        return self.scale * step + self.scale * self.alpha * (1.0 - step) * np.exp(np.minimum(z, 0.0))

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        scale, alpha, e = Constant(self.scale, "λ"), Constant(self.alpha, "α"), function("exp", z)
        return choose(z > 0, scale * z, scale * alpha * (e - 1)), choose(z > 0, scale, scale * alpha * e)


class GELU(Elementwise):
    """a = z Φ(z), with Φ the cumulative probability of the standard normal distribution and φ = Φ' its density.

    da/dz = Φ(z) + z φ(z) by the product rule. This is the exact function, not its approximation by tanh.

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016.
    """

    name: ClassVar[str] = "gelu"

    def value(self, z: Array) -> Array:
        return np.maximum(z, -_ZERO_BELOW) * normal.cdf(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return normal.cdf(z) + np.clip(z, -_ZERO_BELOW, _ZERO_BELOW) * normal.density(z)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return z * function("Φ", z), function("Φ", z) + z * function("φ", z)


class SiLU(Elementwise):
    """a = z s with s = sigmoid(z); also known as swish.

    As s' = s (1 - s), da/dz = s + z s (1 - s) = s (1 + z (1 - s)).

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", Neural Networks 107 (2018) 3-11.
    """

    name: ClassVar[str] = "silu"

    def value(self, z: Array) -> Array:
        return np.maximum(z, -_ZERO_BELOW) * sigmoid(z)

    def derivative(self, z: Array, a: Array) -> Array:
        s = sigmoid(z)
        return s * (1.0 + np.clip(z, -_ZERO_BELOW, _ZERO_BELOW) * (1.0 - s))

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        s = 1 / (1 + function("exp", -z))
        return z * s, s * (1 + z * (1 - s))


class Mish(Elementwise):
    """a = z t with t = tanh(softplus(z)).

    As softplus' = sigmoid and tanh' = 1 - tanh², da/dz = t + z (1 - t²) sigmoid(z), and 1 - t² = (1 - t)(1 + t).

    Source: Misra, "Mish: A self regularized non-monotonic activation function", BMVC 2020.
    """

    name: ClassVar[str] = "mish"

    def value(self, z: Array) -> Array:
        t, _ = self._tanh_softplus(z)
        return np.maximum(z, -_ZERO_BELOW) * t

    def derivative(self, z: Array, a: Array) -> Array:
        t, one_minus_t = self._tanh_softplus(z)
        return t + np.clip(z, -_ZERO_BELOW, _ZERO_BELOW) * one_minus_t * (1.0 + t) * sigmoid(z)

    def _tanh_softplus(self, z: Array) -> tuple[Array, Array]:
        """Return t and 1 - t without cancellation.

        softplus(z) = log u with u = 1 + eᶻ, so t = (u² - 1)/(u² + 1) = (eᶻ (eᶻ + 2)) / (eᶻ (eᶻ + 2) + 2). With eᶻ = p/q
        the fraction is extended by q².
        """
        p, q = _exponentials(z)
        n, m = p * (p + 2.0 * q), 2.0 * q * q
        return n / (n + m), m / (n + m)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        t, s = function("tanh", _softplus(z)), 1 / (1 + function("exp", -z))
        return z * t, t + z * (1 - t**2) * s


class Softplus(Elementwise):
    """a = log(1 + eᶻ) = max(z, 0) + log(1 + e^-|z|); da/dz = eᶻ / (1 + eᶻ) = sigmoid(z)."""

    name: ClassVar[str] = "softplus"

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))

    def derivative(self, z: Array, a: Array) -> Array:
        return sigmoid(z)

    def formulas(self, z: Expression, a: Expression) -> tuple[Expression, Expression]:
        return _softplus(z), 1 / (1 + function("exp", -z))


class Softmax(Activation):
    """aᵢ = eᶻⁱ / Σⱼ eᶻʲ over each row (the last axis): positive numbers with sum 1.

    ∂aᵢ/∂zⱼ = aᵢ (δᵢⱼ - aⱼ), so dzⱼ = Σᵢ daᵢ ∂aᵢ/∂zⱼ = aⱼ (daⱼ - Σᵢ daᵢ aᵢ). The row's maximum is subtracted first:
    it cancels, and no exponential overflows. A row's infinities take the limit in which ties stay ties: entries of +∞
    share the row equally, and so do all entries where each is -∞. A NaN makes its row NaN.

    >>> print(Softmax().value(np.array([[1.0, 2.0, 3.0]])).round(4))
    [[0.09   0.2447 0.6652]]
    """

    name: ClassVar[str] = "softmax"

    def value(self, z: Array) -> Array:
        return softmax(z)

    def backward(self, da: Array, z: Array, a: Array) -> Array:
        mean: Array = (da * a).sum(axis=-1, keepdims=True)
        return a * (da - mean)

    def explain(self, da: Matrix, z: Matrix, a: Entry, i: Index, j: Index) -> tuple[Expression, Expression]:
        k, m = Index("k", j.size), Index("m", j.size)
        top = max_over(m, z[i, m])
        value = function("exp", z[i, j] - top) / sum_over(k, function("exp", z[i, k] - top))
        return value, a[i, j] * (da[i, j] - sum_over(k, da[i, k] * a[i, k]))


def activation(value: str | Activation) -> Activation:
    """Return the activation with this name and default options, or the given activation.

    Raises `OptionError` that lists the names.

    >>> activation("leaky_relu"), activation(ELU(alpha=0.5))
    (LeakyReLU(), ELU(alpha=0.5))
    """
    return named(Activation, value, "activation")  # type: ignore[type-abstract]


def _step(z: Array) -> Array:
    """Return 1 for z > 0, 0 for z <= 0, and NaN for NaN."""
    return np.sign(np.maximum(z, 0.0))


def _exponentials(z: Array) -> tuple[Array, Array]:
    """Return p and q with eᶻ = p/q of which the larger is 1, so that neither overflows."""
    return np.exp(np.minimum(z, 0.0)), np.exp(-np.maximum(z, 0.0))


def sigmoid(z: Array, exponential: Callable[[Array], Array] = np.exp) -> Array:
    """Return 1 / (1 + e) for z >= 0 and e / (1 + e) for z < 0, with e = e^-|z| <= 1, which cannot overflow."""
    e = exponential(-np.abs(z))
    return np.maximum(e, z >= 0.0) / (1.0 + e)  # the larger of e and 1, or of e and 0; NaN stays NaN


def softmax(z: Array, exponential: Callable[[Array], Array] = np.exp) -> Array:
    """Return each row's exponentials, divided by their sum, as `Softmax` says."""
    largest = z.max(axis=-1, keepdims=True, initial=-np.inf)
    with np.errstate(over="ignore"):  # a difference beyond the largest number is -∞ here, and e to it rightly 0
        below = np.subtract(z, largest, out=np.zeros_like(z), where=z != largest)  # 0 also for ∞ - ∞
    e = exponential(below)
    a: Array = e / e.sum(axis=-1, keepdims=True)
    return a


def _softplus(z: Expression) -> Expression:
    """Return log(1 + eᶻ) as a formula in which nothing overflows."""
    return function("max", z, 0) + function("log", 1 + function("exp", -function("abs", z)))
