"""Initializers: moments within their standard errors, bounds, orthogonality, addresses, shapes and configurations."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError
from pellucid.initializers import (
    Constant,
    Explicit,
    Glorot,
    He,
    Hull,
    Initializer,
    LeCun,
    Normal,
    Orthogonal,
    Uniform,
    UnitVariance,
    VarianceScaling,
    Zeros,
    initializer,
)
from pellucid.layers import Columns, Dense, PeriodicEmbedding
from pellucid.network import Network
from pellucid.options import from_config, options, registered, to_config
from pellucid.random import Random

DTYPES = [np.float32, np.float64]
EPS = float(np.finfo(np.float64).eps)
SHAPE = (300, 200)
N = 300 * 200
SIGMAS = 5.0  # of the moment's own standard error; the draws are fixed by their address
ROWS = Random(seed=99).normal((50, 300)) * np.geomspace(0.01, 100.0, 300)

# An example of each class whose options differ from their defaults; a new class must be added here.
EXAMPLES: dict[str, Initializer] = {
    "Constant": Constant(0.25),
    "Explicit": Explicit(np.arange(N, dtype=float).reshape(SHAPE) / 7),
    "Glorot": Glorot(distribution="normal"),
    "He": He(distribution="uniform"),
    "Hull": Hull(),
    "LeCun": LeCun(distribution="uniform"),
    "Normal": Normal(mean=0.3, deviation=2.0),
    "Orthogonal": Orthogonal(gain=1.5),
    "Uniform": Uniform(low=-0.1, high=0.7),
    "UnitVariance": UnitVariance(),
    "Zeros": Zeros(),
}
RANDOM = sorted(set(EXAMPLES) - {"Constant", "Explicit", "Zeros"})


def draw(chosen: Initializer, shape: tuple[int, ...] = SHAPE, seed: int = 0, dtype: Any = np.float64) -> Any:
    return drawn_at(Random(seed=seed), chosen, shape, dtype)


def drawn_at(rng: Random, chosen: Initializer, shape: tuple[int, ...] = SHAPE, dtype: Any = np.float64) -> Any:
    if isinstance(chosen, Hull):  # for biases: its rows are the sums that they are added to
        return chosen.draw(shape[-1:], rng, dtype, ROWS[:, : shape[-1]])
    return chosen.draw(shape, rng, dtype, ROWS if chosen.needs_rows else None)


def assert_moments(w: np.ndarray, mean: float, variance: float, kurtosis: float) -> None:
    """Compare mean and variance; the variance's own is (kurtosis - 1) variance² / n."""
    assert abs(w.mean() - mean) <= SIGMAS * math.sqrt(variance / w.size)
    assert abs(((w - mean) ** 2).mean() - variance) <= SIGMAS * variance * math.sqrt((kurtosis - 1.0) / w.size)


def test_every_registered_initializer_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(registered(Initializer))
    assert len({chosen.name for chosen in EXAMPLES.values()}) == len(EXAMPLES)


def test_uniform_moments_and_bounds() -> None:
    w = draw(Uniform(low=-0.1, high=0.7))
    assert_moments(w, 0.3, 0.8**2 / 12, 1.8)
    assert -0.1 <= w.min() < -0.1 + 0.8 * 20 / N and 0.7 - 0.8 * 20 / N < w.max() <= 0.7  # missed with e^-20


def test_normal_moments() -> None:
    assert_moments(draw(Normal(mean=0.3, deviation=2.0)), 0.3, 4.0, 3.0)
    assert draw(Normal(deviation=0.0, mean=1.0)).tolist() == np.ones(SHAPE).tolist()


VARIANCES = [(Glorot, 2 / 500), (He, 2 / 300), (LeCun, 1 / 300)]


@pytest.mark.parametrize(("cls", "variance"), VARIANCES)
def test_variance_follows_the_fans(cls: type[VarianceScaling], variance: float) -> None:
    assert_moments(draw(cls(distribution="normal")), 0.0, variance, 3.0)
    w = draw(cls(distribution="uniform"))
    assert_moments(w, 0.0, variance, 1.8)
    end = math.sqrt(3 * variance)
    assert end * (1 - 40 / N) < np.abs(w).max() <= end


@pytest.mark.parametrize(("cls", "variance"), [(Glorot, 1 / N), (He, 2 / N), (LeCun, 1 / N)])
def test_a_vector_has_both_fans_of_its_size(cls: type[VarianceScaling], variance: float) -> None:
    assert_moments(draw(cls(distribution="normal"), (N,)), 0.0, variance, 3.0)


def test_formulas_of_the_sources() -> None:
    u = Random(seed=3).uniform((4, 6))
    z = Random(seed=3).normal((4, 6))
    limit = math.sqrt(6 / (4 + 6))
    np.testing.assert_allclose(draw(Glorot(), (4, 6), seed=3), limit * (2 * u - 1), rtol=0, atol=4 * EPS * limit)
    np.testing.assert_allclose(draw(He(), (4, 6), seed=3), math.sqrt(2 / 4) * z, rtol=2 * EPS)
    np.testing.assert_allclose(draw(LeCun(), (4, 6), seed=3), math.sqrt(1 / 4) * z, rtol=2 * EPS)


@pytest.mark.parametrize("shape", [(1, 1), (6, 6), (40, 7), (7, 40), (1, 5), (0, 3)])
def test_orthogonal_keeps_lengths(shape: tuple[int, int]) -> None:
    w = draw(Orthogonal(gain=2.0), shape)
    assert w.shape == shape
    small = w.T @ w if shape[0] >= shape[1] else w @ w.T
    n = max(shape)
    # Householder's Q is orthogonal to a small multiple of n eps; the product with itself adds n eps
    np.testing.assert_allclose(small, 4.0 * np.eye(min(shape)), rtol=0, atol=4.0 * 10 * n * EPS)


def test_orthogonal_is_the_product_of_its_reflections() -> None:
    given = Random(seed=6).normal((9, 5))
    product = np.eye(9)
    for k in range(5):
        x = np.where(np.arange(9) >= k, given[:, k], 0.0)
        u = x - np.linalg.norm(x) * np.eye(9)[k]  # the reflection that takes x to +|x|: no sign to mend
        product = product @ (np.eye(9) - 2.0 * np.outer(u, u) / (u @ u))
    # this choice of sign may cancel digits of u, as many as |x| / |u| says; here at most 1 in 100 is left
    np.testing.assert_allclose(draw(Orthogonal(), (9, 5), seed=6), product[:, :5], rtol=0, atol=100 * 90 * EPS)


def test_orthogonal_matrices_are_all_equally_likely() -> None:
    """The moments of an entry of a random orthogonal 4 x 4 matrix, whose square has the distribution Beta(1/2, 3/2)."""
    found = np.array([draw(Orthogonal(), (4, 4), seed=seed) for seed in range(4000)])
    for power, expected, spread in ((1, 0.0, 0.5), (2, 0.25, 0.25), (3, 0.0, 0.28), (4, 0.125, 0.2)):
        error = np.abs((found**power).mean(axis=0) - expected)
        assert error.max() <= 5 * spread / math.sqrt(4000), power
    assert abs(np.sign(np.linalg.det(found)).mean()) <= 5 / math.sqrt(4000)


def test_zeros_constant_and_explicit() -> None:
    assert draw(Zeros(), (2, 3)).tolist() == [[0.0] * 3] * 2
    assert draw(Constant(-1.5), (2,)).tolist() == [-1.5, -1.5]
    given = np.array([[1.0, 2.0]])
    explicit = Explicit(given)
    given[0, 0] = 9.0
    w = draw(explicit, (1, 2))
    assert w.tolist() == [[1.0, 2.0]]
    w[0, 0] = 5.0  # what was drawn belongs to the caller
    assert draw(explicit, (1, 2)).tolist() == [[1.0, 2.0]]


def test_unit_variance_on_the_rows() -> None:
    w = draw(UnitVariance())
    z = ROWS @ w
    # 300 products, each of two numbers of 21 bits: both are off by half a unit, at most 2⁻²¹ of the largest of them
    largest = np.abs(ROWS - ROWS.mean(axis=0)).max() * np.abs(w).max()
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=0, atol=2 * 2.0**-21 * SHAPE[0] * largest)
    directions = w / Random(seed=0).normal(SHAPE)  # a column keeps its direction
    np.testing.assert_allclose(directions, np.broadcast_to(directions[0], SHAPE), rtol=4 * EPS)
    assert {name for name, chosen in EXAMPLES.items() if chosen.needs_rows} == {"Hull", "UnitVariance"}


def test_hull_takes_points_between_five_rows() -> None:
    corners = np.eye(3)  # of a triangle: the sums of a unit at a point are the point's coordinates
    n = 20_000
    points = -np.stack(
        [Hull().draw((n,), Random(seed=4), x=np.repeat(corner[:, None], n, axis=1)) for corner in corners]
    )
    assert points.min() >= 0
    np.testing.assert_allclose(points.sum(axis=0), 1, rtol=0, atol=16 * EPS)
    # a share λ of five from Exp(1) / sum has mean 1/5 and mean square 2/30; a corner's is Σ λ over the rows in it
    np.testing.assert_allclose(points.mean(axis=1), 1 / 3, rtol=0, atol=SIGMAS * math.sqrt(2 / 9 / 3 / n))
    variance = 5 * (2 / 30) * (1 / 3) * (2 / 3)
    np.testing.assert_allclose(points.var(axis=1), variance, rtol=SIGMAS * math.sqrt(2 / n))


def test_hull_puts_the_kinks_of_a_layer_among_its_rows() -> None:
    for parametrization in ("standard", "ntk"):
        dense = Dense(50, weight_initializer="unit_variance", bias_initializer="hull", parametrization=parametrization)
        network = Network([PeriodicEmbedding(), Columns({"all": (0, 8, dense)})], n_inputs=2, rng=1)
        X = Random(seed=5).normal((40, 2)) + 10
        network.initialize(X)
        z = network.predict(X)
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-4)
        assert (z.min(axis=0) < 0).all() and (z.max(axis=0) > 0).all()


def test_hull_refuses_what_says_nothing() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 2\).*bias_initializer"):
        Hull().draw((3, 2), Random(), x=np.ones((5, 3)))
    with pytest.raises(NotInitializedError, match=r"network\.initialize\(X\)"):
        Hull().draw((3,), Random())
    with pytest.raises(ShapeError, match=r"x got shape \(5, 4\)"):
        Hull().draw((3,), Random(), x=np.ones((5, 4)))
    with pytest.raises(DataError, match="no rows"):
        Hull().draw((3,), Random(), x=np.ones((0, 3)))
    with pytest.raises(DataError, match="NaN or infinite"):
        Hull().draw((3,), Random(), x=np.full((2, 3), np.nan))


def test_unit_variance_refuses_rows_that_say_nothing() -> None:
    rng = Random()
    with pytest.raises(NotInitializedError, match=r"network\.initialize\(X\)"):
        UnitVariance().draw((3, 2), rng)
    with pytest.raises(ShapeError, match=r"x got shape \(5, 4\).*\(3, 2\)"):
        UnitVariance().draw((3, 2), rng, x=np.ones((5, 4)))
    for x in (np.ones((0, 3)), np.ones((1, 3)), np.full((70, 3), 0.1)):
        with pytest.raises(DataError, match="does not vary"):
            UnitVariance().draw((3, 2), rng, x=x)
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="NaN or infinity"):
            UnitVariance().draw((3, 2), rng, x=np.array([[1.0, 2.0, bad], [1.0, 2.0, 3.0]]))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_dtype_and_rounding_once(name: str) -> None:
    wide, narrow = (draw(EXAMPLES[name], dtype=dtype) for dtype in (np.float64, np.float32))
    assert wide.dtype == np.float64 and narrow.dtype == np.float32 and wide.shape == narrow.shape
    assert wide.shape == (SHAPE[1:] if name == "Hull" else SHAPE)
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))
    assert narrow.flags.writeable


@pytest.mark.parametrize("name", RANDOM)
def test_an_address_decides_the_weights(name: str) -> None:
    chosen = EXAMPLES[name]
    np.testing.assert_array_equal(draw(chosen), draw(chosen))
    assert not np.any(draw(chosen) == draw(chosen, seed=1))
    assert not np.any(draw(chosen) == drawn_at(Random(seed=0).child(0), chosen))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_configuration_survives_json(name: str) -> None:
    chosen = EXAMPLES[name]
    back = from_config(Initializer, json.loads(json.dumps(to_config(chosen))))
    assert type(back) is type(chosen)
    for declared in options(type(chosen)):
        assert np.array_equal(getattr(back, declared.name), getattr(chosen, declared.name))
    np.testing.assert_array_equal(draw(back), draw(chosen))


@pytest.mark.parametrize(
    "name", ["uniform", "normal", "glorot", "he", "lecun", "orthogonal", "zeros", "unit_variance", "hull"]
)
def test_names_stand_for_default_options(name: str) -> None:
    chosen = initializer(name)
    assert chosen.name == name and repr(chosen) == f"{type(chosen).__name__}()"
    assert initializer(chosen) is chosen


def test_arrays_and_nested_lists_are_explicit() -> None:
    for value in ([[1, 2], [3, 4]], ((1.0, 2.0), (3.0, 4.0)), np.array([[1, 2], [3, 4]], dtype=np.float32)):
        chosen = initializer(value)
        assert isinstance(chosen, Explicit)
        assert draw(chosen, (2, 2)).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_names_that_need_numbers_and_near_misses() -> None:
    with pytest.raises(OptionError, match=r"Constant\(0\.1\)"):
        initializer("constant")
    with pytest.raises(OptionError, match=r"Explicit\("):
        initializer("explicit")
    with pytest.raises(OptionError, match="did you mean 'glorot'"):
        initializer("glorott")
    with pytest.raises(OptionError, match=r"initializer got 0\.5"):
        initializer(0.5)


@pytest.mark.parametrize("bad", [[[1.0], [1.0, 2.0]], [["a"]], [[np.nan]], [[np.inf]], [[None]], [[1j]], [[True]]])
def test_explicit_refuses_what_is_no_array_of_finite_numbers(bad: Any) -> None:
    with pytest.raises(OptionError, match="Explicit: values got"):
        Explicit(bad)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 1\).*\(3, 1\).*of that shape"):
        draw(Explicit([[1.0], [2.0]]), (3, 1))
    with pytest.raises(ShapeError, match=r"\(2, 1\).*\(1, 2\).*Transpose"):
        draw(Explicit([[1.0], [2.0]]), (1, 2))
    for chosen in (Glorot(), He(), LeCun()):
        with pytest.raises(ShapeError, match=r"\(2, 3, 4\).*one dimension or two"):
            draw(chosen, (2, 3, 4))
    for chosen in (Orthogonal(), UnitVariance()):
        with pytest.raises(ShapeError, match=r"\(5,\).*two dimensions"):
            draw(chosen, (5,))
    assert draw(Uniform(), (2, 3, 4)).shape == (2, 3, 4)


def test_options_outside_their_domain() -> None:
    for make in (
        lambda: Uniform(low=1.0, high=0.0), lambda: Normal(deviation=-1.0), lambda: Orthogonal(gain=0.0),
        lambda: He(distribution="gaussian"), lambda: Constant(math.nan), lambda: Explicit("zeros"),
    ):  # fmt: skip
        with pytest.raises(OptionError):
            make()


def test_normal_weights_are_the_quantiles_of_their_words() -> None:
    """The chain from word to weight, retraced with Python's own normal distribution."""
    words = Random(seed=12).words(6).tolist()
    expected = [0.05 * statistics.NormalDist().inv_cdf(((word >> 12) + 0.5) / 2**52) for word in words]
    np.testing.assert_allclose(draw(Normal(), (2, 3), seed=12).ravel(), expected, rtol=1e-14)
