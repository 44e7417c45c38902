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
    """A differentiable function from ``z`` to ``a``; to define a subclass with a ``name`` is to register it."""

    name: ClassVar[str]

    @abc.abstractmethod
    def value(self, z: Array) -> Array:
        """Return ``a``, of z's shape and dtype."""

    @abc.abstractmethod
    def backward(self, da: Array, z: Array, a: Array) -> Array:
        """Return ``dz`` from ``da``, the input ``z`` and its value ``a``."""


class Elementwise(Activation):
    """An activation of each number by itself, so that dz = da · f'(z)."""

    @abc.abstractmethod
    def derivative(self, z: Array, a: Array) -> Array:
        """Return da/dz at ``z``, whose value is ``a``."""

    def backward(self, da: Array, z: Array, a: Array) -> Array:
        return da * self.derivative(z, a)


class Identity(Elementwise):
    """a = z, and da/dz = 1: what a layer is without an activation."""

    name: ClassVar[str] = "identity"

    def value(self, z: Array) -> Array:
        return z.copy()

    def derivative(self, z: Array, a: Array) -> Array:
        return np.ones_like(z)


class Sigmoid(Elementwise):
    """a = 1 / (1 + e⁻ᶻ), from 0 to 1.

    da/dz = e⁻ᶻ / (1 + e⁻ᶻ)² = a (1 - a).

    >>> print(Sigmoid().value(np.array([0.0, 2.0])).round(4))
    [0.5    0.8808]
    """

    name: ClassVar[str] = "sigmoid"

    def value(self, z: Array) -> Array:
        return sigmoid(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return a * (1.0 - a)


class Tanh(Elementwise):
    """a = tanh z = (eᶻ - e⁻ᶻ) / (eᶻ + e⁻ᶻ), from -1 to 1.

    By the quotient rule, with cosh and sinh each the other's derivative, da/dz = 1 - tanh² z = 1 - a².
    """

    name: ClassVar[str] = "tanh"

    def value(self, z: Array) -> Array:
        return np.tanh(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return 1.0 - a * a


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


class Softplus(Elementwise):
    """a = log(1 + eᶻ) = max(z, 0) + log(1 + e^-|z|); da/dz = eᶻ / (1 + eᶻ) = sigmoid(z)."""

    name: ClassVar[str] = "softplus"

    def value(self, z: Array) -> Array:
        return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))

    def derivative(self, z: Array, a: Array) -> Array:
        return sigmoid(z)


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
