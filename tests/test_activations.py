"""Every activation against mpmath at 40 digits, against finite differences, and on hostile inputs."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

from pellucid.activations import (
    ELU,
    SELU,
    Activation,
    Elementwise,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    activation,
)
from pellucid.errors import OptionError
from pellucid.options import from_config, registered, to_config

DTYPES = [np.float32, np.float64]
ALL = registered(Activation)
ELEMENTWISE = registered(Elementwise)
INF = float("inf")


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def softplus(z: Any) -> Any:
    return mpmath.log1p(mpmath.exp(z))


class Reference(NamedTuple):
    """What an activation must equal, and how well.

    The tolerances count rounding errors in eps. NumPy's exp, expm1, log1p and tanh are granted 4 (its vector versions
    promise that); each operation after them adds 1/2, and so does a constant that is rounded to float32.
    ``derivative_floor`` is absolute: it stands where two terms cancel, and counts the rounding errors of the terms.
    """

    value: Callable[[Any], Any]
    value_ulp: float
    derivative_ulp: float
    derivative_floor: float
    limits: tuple[float, float, float, float]  # value at -inf and inf, derivative at -inf and inf
    corner: bool = False


REFERENCES = {
    "Identity": Reference(lambda z: z, 0, 0, 0, (-INF, INF, 1, 1)),
    "Sigmoid": Reference(sigmoid, 5, 6, 6, (0, 1, 0, 0)),  # a (1 - a) with 5 in a <= 1
    "Tanh": Reference(mpmath.tanh, 4, 0, 9, (-1, 1, 0, 0)),  # 1 - a² with 4 in each a <= 1
    "ReLU": Reference(lambda z: max(z, 0), 0, 0, 0, (0, INF, 0, 1), corner=True),
    "LeakyReLU": Reference(
        lambda z: z if z > 0 else mpmath.mpf(0.01) * z, 1, 0.5, 0, (-INF, INF, 0.01, 1), corner=True
    ),
    "ELU": Reference(lambda z: z if z > 0 else mpmath.expm1(z), 4.5, 4.5, 0, (-1, INF, 0, 1), corner=True),
    "SELU": Reference(
        lambda z: SELU.scale * (z if z > 0 else mpmath.mpf(SELU.alpha) * mpmath.expm1(z)),
        6,
        6,
        0,
        (-SELU.scale * SELU.alpha, INF, 0, SELU.scale),
        corner=True,
    ),
    "GELU": Reference(lambda z: z * mpmath.ncdf(z), 11, 11, 18, (0, INF, 0, 1)),  # 10 in Φ <= 1, and in |z| φ < 0.25
    "SiLU": Reference(lambda z: z * sigmoid(z), 6, 8, 8, (0, INF, 0, 1)),
    "Mish": Reference(lambda z: z * mpmath.tanh(softplus(z)), 10, 22, 22, (0, INF, 0, 1)),  # t 8, t' 8 + 8 + 5
    "Softplus": Reference(softplus, 9, 5, 0, (0, INF, 0, 1)),  # exp 4, log1p 4, a sum
}


def points(dtype: type) -> np.ndarray:
    tiny = [1e-30, 1e-12, 1e-6, 1e-3]
    wide = np.concatenate([np.geomspace(0.01, 1e4, 40), [88.0, 104.5, 709.7, 745.2], tiny, np.linspace(0.05, 20, 60)])
    return np.unique(np.concatenate([-wide, wide])).astype(dtype)


def assert_close(got: np.ndarray, exact: list[Any], z: np.ndarray, ulp: float, floor: float) -> None:
    info = np.finfo(got.dtype)
    for one, true, at in zip(got.tolist(), exact, z.tolist(), strict=True):
        # A subnormal exponential is off by at most its spacing, which a factor z magnifies.
        underflow = float(info.smallest_subnormal) * (abs(at) + 4.0)
        allowed = float(info.eps) * (ulp * abs(true) + floor) + underflow
        assert abs(mpmath.mpf(one) - true) <= allowed, (at, one, mpmath.nstr(true, 20))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_value_equals_mpmath(name: str, dtype: type) -> None:
    reference, f, z = REFERENCES[name], ALL[name](), points(dtype)
    with mpmath.workdps(40):
        exact = [mpmath.mpf(reference.value(mpmath.mpf(v))) for v in z.tolist()]
        assert_close(f.value(z), exact, z, reference.value_ulp, 0.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_derivative_equals_mpmath(name: str, dtype: type) -> None:
    reference, f, z = REFERENCES[name], ELEMENTWISE[name](), points(dtype)
    if reference.corner:
        z = z[np.abs(z) > 1e-4]
    with mpmath.workdps(360):  # e⁻⁷⁴⁵ beside the 1 that it is subtracted from takes 324 digits
        exact = [mpmath.diff(reference.value, mpmath.mpf(v)) for v in z.tolist()]
        got = f.derivative(z, f.value(z))
        assert_close(got, exact, z, reference.derivative_ulp, reference.derivative_floor)
        if name in ("GELU", "SiLU", "Mish"):  # far to the left nothing cancels: also relatively right there
            left = z < -3.0
            tail = [e for e, far in zip(exact, left, strict=True) if far]
            assert_close(got[left], tail, z[left], 2 * reference.derivative_floor, 0.0)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_derivative_equals_central_difference(name: str) -> None:
    f = ELEMENTWISE[name]()
    z = np.concatenate([np.linspace(-6.0, -0.01, 60), np.linspace(0.01, 6.0, 60)])
    h = np.finfo(float).eps ** (1 / 3)
    numeric = (f.value(z + h) - f.value(z - h)) / ((z + h) - (z - h))
    # Truncation is h² f''' / 6, and rounding eps |a| / h = h² |a|; third derivatives stay below 3.
    assert np.all(np.abs(f.derivative(z, f.value(z)) - numeric) <= 10.0 * h**2 * (1.0 + np.abs(numeric * z)))


@pytest.mark.parametrize("f", [LeakyReLU(slope=0.3), LeakyReLU(slope=2.0), ELU(alpha=0.4), ELU(alpha=3)], ids=repr)
def test_options_reach_value_and_derivative(f: Elementwise) -> None:
    z = np.array([-2.0, -0.5, 0.5, 2.0])
    h = 1e-6
    numeric = (f.value(z + h) - f.value(z - h)) / (2 * h)
    np.testing.assert_allclose(f.derivative(z, f.value(z)), numeric, rtol=1e-8)
    assert f.value(z)[0] == pytest.approx(
        f.slope * -2 if isinstance(f, LeakyReLU) else f.alpha * np.expm1(-2),
        rel=4e-15,  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wide_option_does_not_widen_the_result(dtype: type) -> None:
    z = np.array([-1.0, 1.0], dtype=dtype)
    for f in (LeakyReLU(slope=np.float64(0.2)), ELU(alpha=np.float64(0.2))):  # type: ignore[arg-type]
        assert f.value(z).dtype == dtype == f.derivative(z, f.value(z)).dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_limits_at_infinity(name: str, dtype: type) -> None:
    f = ELEMENTWISE[name]()
    z = np.array([-np.inf, np.inf], dtype=dtype)
    limits = np.array(REFERENCES[name].limits, dtype=dtype)
    eps = np.finfo(dtype).eps  # the product of SELU's constants is rounded
    np.testing.assert_allclose(f.value(z), limits[:2], rtol=eps, atol=0)
    np.testing.assert_allclose(f.derivative(z, f.value(z)), limits[2:], rtol=eps, atol=0)
    huge = np.array([-1e4, 1e4], dtype=dtype)
    saturated = np.isfinite(limits[:2])
    np.testing.assert_allclose(f.value(huge)[saturated], limits[:2][saturated], rtol=eps, atol=0)
    np.testing.assert_allclose(f.derivative(huge, f.value(huge)), limits[2:], rtol=eps, atol=0)


def hostile(dtype: type) -> np.ndarray:
    info = np.finfo(dtype)
    numbers = [0.0, float(info.smallest_subnormal), float(info.tiny), 1.0, 40.0, 88.8, 709.8, 1e4, float(info.max) / 2]
    return np.array([[-v, v] for v in [*numbers, np.inf]], dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ALL))
def test_hostile_inputs_give_numbers_and_no_warning(name: str, dtype: type) -> None:
    f, z = ALL[name](), hostile(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = f.value(z)
        dz = f.backward(np.ones_like(z), z, a)
    assert not np.isnan(a).any() and not np.isnan(dz).any()
    assert np.isfinite(a[:-1]).all() and np.isfinite(dz).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ALL))
def test_nan_stays_nan_and_harms_no_other_row(name: str, dtype: type) -> None:
    f = ALL[name]()
    z = np.array([[np.nan, 1.0], [0.5, 1.0]], dtype=dtype)
    a = f.value(z)
    assert np.isnan(a[0, 0]) and np.isfinite(a[1]).all()
    dz = f.backward(np.ones_like(z), z, a)
    assert np.isfinite(dz[1]).all()
    if name != "Identity":  # its derivative does not look at z
        assert np.isnan(dz[0, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (4, 3)])
def test_shape_dtype_and_purity(name: str, dtype: type, shape: tuple[int, int]) -> None:
    f = ALL[name]()
    generator = np.random.default_rng(1)
    z, da = (generator.normal(size=shape).astype(dtype) for _ in range(2))
    for array in (z, da):
        array.setflags(write=False)  # writing into an input raises
    a = f.value(z)
    a.setflags(write=False)
    dz = f.backward(da, z, a)
    for result in (a, dz):
        assert result.shape == shape and result.dtype == dtype
        assert not np.shares_memory(result, z) and not np.shares_memory(result, da)
    np.testing.assert_array_equal(a, f.value(z))
    np.testing.assert_array_equal(f.value(np.asfortranarray(z)), a)


@pytest.mark.parametrize("name", sorted(ALL))
def test_backward_is_the_directional_derivative(name: str) -> None:
    f = ALL[name]()
    generator = np.random.default_rng(2)
    z, da, direction = (generator.normal(size=(5, 4)) for _ in range(3))
    h = np.finfo(float).eps ** (1 / 3)
    numeric = (da * (f.value(z + h * direction) - f.value(z - h * direction))).sum() / (2 * h)
    exact = (f.backward(da, z, f.value(z)) * direction).sum()
    assert abs(exact - numeric) <= 20 * 10 * h**2 * np.abs(da).max() * max(1.0, np.abs(direction).max()) ** 3


def test_relu_at_the_corner() -> None:
    z = np.array([0.0, -0.0, -np.inf, 5e-324])
    a = ReLU().value(z)
    assert a.tolist() == [0.0, 0.0, 0.0, 5e-324] and not np.signbit(a).any()
    assert ReLU().derivative(z, a).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_softmax_equals_mpmath() -> None:
    z = np.random.default_rng(3).normal(size=(20, 6)) * 30
    a = Softmax().value(z)
    eps = np.finfo(float).eps
    with mpmath.workdps(40):
        for row, got in zip(z.tolist(), a.tolist(), strict=True):
            e = [mpmath.exp(v) for v in row]
            for one, true in zip(got, e, strict=True):
                exact = true / mpmath.fsum(e)
                # z - max is rounded, and so the exponential by eps/2 |z - max|; exp 4 twice, sum of six, division
                assert abs(one - exact) <= eps * (4 + 4 + 6 + np.ptp(row)) * exact
    assert np.all(np.abs(a.sum(axis=1) - 1.0) <= 6 * eps)


def test_softmax_backward_equals_the_jacobian_by_differences() -> None:
    f = Softmax()
    generator = np.random.default_rng(4)
    z, da = generator.normal(size=(2, 3, 5))
    h = np.finfo(float).eps ** (1 / 3)
    for i in range(5):
        step = h * np.eye(5)[i]
        numeric = (da * (f.value(z + step) - f.value(z - step))).sum(axis=1) / (2 * h)
        exact = f.backward(da, z, f.value(z))[:, i]
        np.testing.assert_allclose(exact, numeric, rtol=0, atol=10 * h**2 * np.abs(da).sum())
    np.testing.assert_allclose(f.backward(np.ones_like(z), z, f.value(z)), 0.0, atol=6 * np.finfo(float).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_at_infinity_shares_equally_among_ties(dtype: type) -> None:
    inf, most = np.inf, float(np.finfo(dtype).max)
    rows = [
        ([inf, 1.0, 2.0], [1, 0, 0]),
        ([inf, -inf, inf], [0.5, 0, 0.5]),
        ([-inf, -inf, -inf], [1 / 3] * 3),
        ([-inf, 0.0, 0.0], [0, 0.5, 0.5]),
        ([most, -most, most], [0.5, 0, 0.5]),
        ([1e4, -1e4, 1e4], [0.5, 0, 0.5]),
        ([np.nan, inf, 0.0], [np.nan] * 3),
    ]
    z = np.array([row for row, _ in rows], dtype=dtype)
    a = Softmax().value(z)
    np.testing.assert_array_equal(a, np.array([row for _, row in rows], dtype=dtype))
    assert np.isfinite(Softmax().backward(np.ones_like(z), z, a)[:-1]).all()
    assert Softmax().value(np.empty((3, 0), dtype=dtype)).shape == (3, 0)


def test_softmax_does_not_see_a_common_shift() -> None:
    z = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(Softmax().value(z), Softmax().value(z + 1024.0))  # exact: the sums are


@pytest.mark.parametrize("name", sorted(ALL))
def test_names_and_configurations_come_back(name: str) -> None:
    f = ALL[name]()
    assert type(activation(f.name)) is type(f)
    assert activation(f) is f
    assert repr(from_config(Activation, to_config(f))) == repr(f)
    assert f.name == f.name.lower() and type(f).__doc__ and "a" in type(f).__doc__


def test_names_are_unique_and_errors_offer_the_near_miss() -> None:
    assert len({cls.name for cls in ALL.values()}) == len(ALL) == 12
    with pytest.raises(OptionError, match="did you mean 'relu'"):
        activation("RELU")
    with pytest.raises(OptionError, match="activation got 3"):
        activation(3)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="slope got -1"):
        LeakyReLU(slope=-1.0)


def test_every_registered_activation_has_a_reference() -> None:
    assert sorted(REFERENCES) == sorted(ELEMENTWISE)
    assert sorted(set(ALL) - set(ELEMENTWISE)) == ["Softmax"]  # which has its own tests above


def test_to_define_an_activation_is_to_register_it() -> None:
    class Cube(Elementwise):
        __module__ = "pellucid.tests"
        name = "cube"

        def value(self, z: Any) -> Any:
            return z**3

        def derivative(self, z: Any, a: Any) -> Any:
            return 3.0 * z * z

    assert registered(Activation)["Cube"] is Cube
    assert activation("cube").backward(np.array([2.0]), np.array([3.0]), np.array([27.0])).tolist() == [54.0]
    del Cube
    gc.collect()
    assert "Cube" not in registered(Activation)


def test_a_planted_wrong_sign_is_seen() -> None:
    class Wrong(Sigmoid):
        def derivative(self, z: Any, a: Any) -> Any:
            return a * (a - 1.0)

    z = np.linspace(-2.0, 2.0, 9)
    f = Wrong()
    with mpmath.workdps(40), pytest.raises(AssertionError):
        assert_close(f.derivative(z, f.value(z)), [mpmath.diff(sigmoid, mpmath.mpf(v)) for v in z.tolist()], z, 6, 6)
