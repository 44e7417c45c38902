"""An initializer draws the numbers that a network's weights start from.

A weight array has the shape ``(n_inputs, n_outputs)``; its fan-in is n_inputs and its fan-out n_outputs (a vector's are
both its size). The rules by fan keep the variance of what flows through a layer: with independent inputs and weights of
mean 0, a unit's z = Σ xᵢ wᵢ has the variance n_inputs · Var(x) · Var(w), which Var(w) = 1 / n_inputs leaves at Var(x).

All draw in float64 and round once to the dtype wanted, so a float32 network starts from the rounded weights of the
float64 one.
"""

from __future__ import annotations

import abc
import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pellucid.domains import Choice, Kind, Number
from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError
from pellucid.options import Configurable, named, option
from pellucid.random import Random

__all__ = [
    "Constant",
    "Explicit",
    "Glorot",
    "He",
    "Hull",
    "Initializer",
    "LeCun",
    "Normal",
    "Orthogonal",
    "Uniform",
    "UnitVariance",
    "VarianceScaling",
    "Zeros",
    "initializer",
]

Array = NDArray[np.floating[Any]]
Shape = tuple[int, ...]

_DISTRIBUTION = Choice(("normal", "uniform"))


class Initializer(Configurable, abc.ABC):
    """A rule for first weights; to define a subclass with a ``name`` is to register it."""

    name: ClassVar[str]
    needs_rows: ClassVar[bool] = False

    @abc.abstractmethod
    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        """Return new weights; the same address gives the same weights.

        shape : of the weights, (n_inputs, n_outputs)
        rng : the address that the numbers are read from
        dtype : float32 or float64
        x : (n_rows, n_inputs), the rows that reach the layer, or for a bias (n_rows, n_outputs), the sums that it is
            added to; only initializers with ``needs_rows`` look at them

        Raises `ShapeError` for a shape that the rule does not cover.
        """


class Uniform(Initializer):
    """w ~ U(low, high): every number between two ends is equally likely.

    >>> print(Uniform(low=-1, high=1).draw((2, 2), Random(seed=1)).round(3))
    [[ 0.59   0.276]
     [ 0.819 -0.592]]
    """

    name: ClassVar[str] = "uniform"
    low: float = option(Number(), "Lower end.", default=-0.05)
    high: float = option(Number(), "Upper end.", default=0.05)

    def validate(self) -> None:
        super().validate()
        if self.low > self.high:
            raise OptionError(f"Uniform: low got {self.low!r}, above high, {self.high!r}. Exchange the two.")

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        return rng.uniform(shape, self.low, self.high).astype(dtype)


class Normal(Initializer):
    """w ~ N(mean, deviation²): the bell curve."""

    name: ClassVar[str] = "normal"
    mean: float = option(Number(), "Center of the bell curve.", default=0.0)
    deviation: float = option(Number(low=0), "Standard deviation.", default=0.05)

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        return (self.mean + self.deviation * rng.normal(shape)).astype(dtype)


class VarianceScaling(Initializer):
    """Weights of mean 0 whose variance v follows from the fans: N(0, v), or U(-√(3v), √(3v)), whose variance is v."""

    distribution: str

    @abc.abstractmethod
    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance of one weight."""

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        fan_in, fan_out = _fans(self, shape)
        v = self.variance(max(fan_in, 1), max(fan_out, 1))  # an empty array has no weights to scale
        if self.distribution == "normal":
            return (math.sqrt(v) * rng.normal(shape)).astype(dtype)
        end = math.sqrt(3.0 * v)
        return rng.uniform(shape, -end, end).astype(dtype)


class Glorot(VarianceScaling):
    """Var(w) = 2 / (fan_in + fan_out), between what the forward and what the backward pass need; for tanh.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equations 12 and 16.
    """

    name: ClassVar[str] = "glorot"
    distribution: str = option(_DISTRIBUTION, "Shape of the distribution.", default="uniform")

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class He(VarianceScaling):
    """Var(w) = 2 / fan_in, as ReLU passes half of the mean square; for ReLU and its kin.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    name: ClassVar[str] = "he"
    distribution: str = option(_DISTRIBUTION, "Shape of the distribution.", default="normal")

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class LeCun(VarianceScaling):
    """Var(w) = 1 / fan_in, which keeps the variance of standardized inputs; for tanh and SELU.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", in Neural Networks: Tricks of the Trade, 1998,
    equation 16.
    """

    name: ClassVar[str] = "lecun"
    distribution: str = option(_DISTRIBUTION, "Shape of the distribution.", default="normal")

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


class Orthogonal(Initializer):
    """W = gain · Q with orthonormal columns (or rows, where they are fewer): it keeps lengths, up to gain.

    Q is equally likely to be any orthogonal matrix: it is the product of reflections Hₖ, each of which takes a vector
    xₖ of standard normal numbers, one shorter than the one before, to ±|xₖ| times its first axis. These are the
    reflections of the QR decomposition of a normal matrix, whose remaining columns are normal again after each of them.
    Q comes without matrix products, whose last bits would be those of a linear algebra library.

    Sources: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", ICLR 2014; Stewart, "The efficient generation of random orthogonal matrices with an application to
    condition estimators", SIAM Journal on Numerical Analysis 17 (1980) 403-409.
    """

    name: ClassVar[str] = "orthogonal"
    gain: float = option(Number(low=0, open="low"), "Factor on lengths.", default=1.0)

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        _matrix(self, shape)
        tall = rng.normal((max(shape), min(shape)))
        q = np.eye(*tall.shape)
        for k in reversed(range(min(shape))):
            v, below = tall[k:, k].copy(), q[k:, k:]
            length = math.sqrt((v * v).sum())
            sign = -1.0 if v[0] < 0.0 else 1.0
            v[0] += sign * length  # away from zero: no digits cancel; H = 1 - v vᵀ / (length |v₀|) takes x to -sign |x|
            along = (v[:, None] * below).sum(axis=0)
            below -= v[:, None] * (along / (length * abs(v[0])))
            below[:, 0] *= -sign
        return (self.gain * (q if shape[0] >= shape[1] else q.T)).astype(dtype)


class Zeros(Initializer):
    """w = 0: right for biases; weights that start equal stay equal, since they get the same gradient."""

    name: ClassVar[str] = "zeros"

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        return np.zeros(shape, dtype=dtype)


class Constant(Initializer):
    """w = value, everywhere."""

    name: ClassVar[str] = "constant"
    value: float = option(Number(), "The number that every weight starts from.", kw_only=False)

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        return np.full(shape, self.value, dtype=dtype)


class Explicit(Initializer):
    """W = values: given numbers, such as those of a worked example.

    Raises `OptionError` for values that are no array of finite numbers, and `ShapeError` in `draw` where their shape is
    not that of the weights.

    >>> print(Explicit([[0.1, 0.2]]).draw((1, 2), Random()))
    [[0.1 0.2]]
    """

    name: ClassVar[str] = "explicit"
    values: ArrayLike = option(
        Kind((np.ndarray, list, tuple), "an array or nested list of finite numbers"),
        "The weights themselves.",
        kw_only=False,
    )

    def validate(self) -> None:
        super().validate()
        try:
            given = np.array(self.values)
        except ValueError as error:
            raise OptionError(
                "Explicit: values got a nested list with rows of different lengths; it expects a full array. "
                "Give every row the same number of entries."
            ) from error
        if given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise OptionError(
                f"Explicit: values got an array of {given.dtype} with entries that are no finite numbers; it expects "
                "whole or real numbers. Replace NaN, infinity and text."
            )
        weights = given.astype(np.float64)
        weights.setflags(write=False)
        self.values = weights

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        values = np.asarray(self.values)
        if values.shape != tuple(shape):
            turned = " Transpose them." if values.T.shape == tuple(shape) else " Give values of that shape."
            raise ShapeError(
                f"Explicit: values got shape {values.shape}; the weights have shape {tuple(shape)}.{turned}"
            )
        return values.astype(dtype)


class UnitVariance(Initializer):
    """Each column of W is drawn from N(0, 1) and divided by the standard deviation of x @ W over given rows x.

    So every unit starts with z of variance 1 on the data, whatever the scale of the columns of x. The deviations are
    the same bits on every machine, and good to about 6 digits: the centered rows and the weights are rounded to so few
    bits that every product and sum in z is exact, in whatever order a library of linear algebra takes them.

    Source: the scale of Salimans and Kingma, "Weight normalization", NeurIPS 2016, section 3.

    Raises `NotInitializedError` in `draw` without rows, `ShapeError` for rows of another width, and `DataError` for
    rows that are not finite, or on which a unit does not vary.
    """

    name: ClassVar[str] = "unit_variance"
    needs_rows: ClassVar[bool] = True

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        _matrix(self, shape)
        if x is None:
            raise NotInitializedError(
                "UnitVariance scales weights by the rows that reach the layer, and there are none yet. "
                "Call network.initialize(X) with the training rows first."
            )
        if x.ndim != 2 or x.shape[1] != shape[0]:
            raise ShapeError(
                f"UnitVariance: x got shape {x.shape}; weights of shape {tuple(shape)} expect rows of {shape[0]} "
                "columns. Pass the rows that reach this layer."
            )
        if not np.isfinite(x).all():
            raise DataError("UnitVariance: x got NaN or infinity; it expects finite numbers. Fill or drop them first.")
        weights = rng.normal(shape)
        rows = x.astype(np.float64)
        centered = rows - rows.mean(axis=0) if len(rows) else rows
        bits = (52 - shape[0].bit_length()) // 2  # sums of n_inputs products of two such numbers stay below 2⁵³ units
        z = _rounded(centered, bits) @ _rounded(weights, bits)
        deviation = z.std(axis=0) if len(rows) else np.zeros(shape[1])
        largest = (np.abs(rows).max(axis=0, initial=0.0)[:, None] * np.abs(weights)).sum(axis=0)
        noise = np.finfo(np.float64).eps * (shape[0] + 64) * largest  # what rounding in the mean can reach by itself
        if not np.all(deviation > noise):
            raise DataError(
                f"UnitVariance: x has {len(rows)} rows on which a unit's z does not vary, so no factor gives it "
                "variance 1. Pass two or more different rows, or use another initializer, such as 'glorot'."
            )
        return (weights / deviation).astype(dtype)


class Hull(Initializer):
    """b_j = -Σ_m λ_m z_mj over five random rows: each unit bends at a random point of the data's convex hull.

    For biases. A unit bends where z + b = 0, and its sums z are linear in the rows, so it bends at Σ_m λ_m x_m. The
    shares λ are five numbers from Exp(1), divided by their sum: they are distributed as the gaps between four sorted
    uniform numbers, and come that way, without a logarithm. Each unit has rows and shares of its own.

    Source: Steinwart, "A sober look at neural network initializations", 2019, arXiv 1903.11482, section 4, in the form
    of RealMLP (Holzmüller et al. 2024, arXiv 2407.04491).

    Raises `NotInitializedError` in `draw` without rows, `ShapeError` for weights that are no biases or sums of another
    width, and `DataError` for sums of no rows, or that are not finite.

    >>> print(Hull().draw((3,), Random(seed=1), x=np.array([[0.0, 1.0, 10.0], [1.0, 2.0, 10.0]])).round(3))
    [ -0.268  -1.393 -10.   ]
    """

    name: ClassVar[str] = "hull"
    needs_rows: ClassVar[bool] = True

    def draw(self, shape: Shape, rng: Random, dtype: DTypeLike = np.float64, x: Array | None = None) -> Array:
        if len(shape) != 1:
            raise ShapeError(
                f"Hull: the weights have shape {tuple(shape)}; it expects biases, (n_outputs,). Use it as "
                "bias_initializer, and 'unit_variance' for the weights."
            )
        if x is None:
            raise NotInitializedError(
                "Hull draws biases from the rows that reach the layer, and there are none yet. "
                "Call network.initialize(X) with the training rows first."
            )
        if x.ndim != 2 or x.shape[1] != shape[0]:
            raise ShapeError(
                f"Hull: x got shape {x.shape}; {shape[0]} biases expect sums of shape (n_rows, {shape[0]})."
            )
        if not (len(x) and np.isfinite(x).all()):
            what = "sums that are NaN or infinite" if len(x) else "no rows"
            raise DataError(f"Hull: x has {what}; it expects finite numbers. Pass training rows without holes.")
        u = rng.uniform((2 * _HULL_ROWS - 1, *shape))
        rows = (u[:_HULL_ROWS] * len(x)).astype(np.intp)
        shares = np.diff(np.sort(u[_HULL_ROWS:], axis=0), axis=0, prepend=0.0, append=1.0)
        chosen = np.take_along_axis(x, rows, axis=0).astype(np.float64)
        return np.asarray(-(shares * chosen).sum(axis=0)).astype(dtype)


_HULL_ROWS = 5


def initializer(value: str | Initializer | ArrayLike) -> Initializer:
    """Return the initializer with this name and default options, the given one, or `Explicit` for an array.

    Raises `OptionError` that lists the names.

    >>> initializer("he"), initializer([[1.0, 2.0]]).draw((1, 2), Random()).tolist()
    (He(), [[1.0, 2.0]])
    """
    if isinstance(value, np.ndarray | list | tuple):
        return Explicit(value)
    if isinstance(value, str) and value in (Constant.name, Explicit.name):
        fix = "Constant(0.1)" if value == Constant.name else "Explicit([[0.1, 0.2]])"
        raise OptionError(f"initializer got {value!r}, which needs its numbers: write {fix}.")
    return named(Initializer, value, "initializer")  # type: ignore[type-abstract, arg-type]


def _rounded(numbers: Array, bits: int) -> Array:
    """Return the numbers rounded to multiples of one power of two, so that the largest has at most ``bits`` bits."""
    _, exponent = math.frexp(np.abs(numbers).max(initial=0.0))
    unit = math.ldexp(1.0, max(exponent - bits, -1022))
    return np.asarray(np.rint(numbers / unit) * unit)


def _fans(owner: Initializer, shape: Shape) -> tuple[int, int]:
    if len(shape) == 1:
        return shape[0], shape[0]
    _matrix(owner, shape, "one dimension or two")
    return shape[0], shape[1]


def _matrix(owner: Initializer, shape: Shape, expected: str = "two dimensions, (n_inputs, n_outputs)") -> None:
    if len(shape) != 2:
        raise ShapeError(
            f"{type(owner).__name__}: the weights have shape {tuple(shape)}; it expects {expected}. "
            "Use 'uniform' or 'normal' for other shapes."
        )
