"""Tests of the engine's own elementwise functions: their precision, their limits, and their bits."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest

from pellucid import normal
from pellucid.activations import Sigmoid, Softplus
from tests.engine.mathematics_library import FUNCTIONS, NATIVE, Library, build, compiler, instruction_sets

CHECK = Path(__file__).parent / "mathematics_check.c"
INF, NAN = math.inf, math.nan
BOUND_F32, BOUND_F64 = 2.0, 4.0  # units in the last place
STRIDE = 257  # of the sample of all float32 arguments: odd, so that every low bit pattern comes up

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="no C compiler on the path (gcc, cc, clang or $CC)"),
    pytest.mark.skipif(
        not instruction_sets(), reason="this machine runs no instruction set that the engine is built for"
    ),
]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> list[Library]:
    folder = tmp_path_factory.mktemp("mathematics")
    return [Library(folder, isa) for isa in instruction_sets()]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    isa = instruction_sets()[-1]
    return build(CHECK, tmp_path_factory.mktemp("check") / "check", isa)


def check(checker: Path, name: str, first: int, step: int) -> tuple[int, float, int, str]:
    """Return the number of arguments, the greatest error, the number wrong in kind, and the line that says so."""
    command = [str(checker), str(FUNCTIONS.index(name)), str(first), str(step)]
    line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count, greatest, _, wrong, _ = line.split()
    return int(count), float(greatest), int(wrong), line


# Precision


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_on_a_sample_of_all_arguments(checker: Path, name: str) -> None:
    count, greatest, wrong, line = check(checker, name, 5, STRIDE)
    assert count == -((5 - 2**32) // STRIDE), line
    assert 0.49 < greatest <= BOUND_F32, line  # of 16 million results, some lie in the middle between two numbers
    assert wrong == 0, line


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("PELLUCID_EXHAUSTIVE") != "1", reason="all 2^32 arguments take minutes: set PELLUCID_EXHAUSTIVE=1"
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_on_all_arguments(checker: Path, name: str) -> None:
    command = [str(checker), str(FUNCTIONS.index(name))]
    halves = [subprocess.Popen([*command, str(first), "2"], stdout=subprocess.PIPE, text=True) for first in (0, 1)]
    lines = [half.communicate()[0] for half in halves]
    print(name, *lines)
    rows = [line.split() for line in lines]
    assert sum(int(row[0]) for row in rows) == 2**32
    assert max(float(row[1]) for row in rows) <= BOUND_F32
    assert sum(int(row[3]) for row in rows) == 0


def test_the_check_finds_a_wrong_coefficient(tmp_path: Path) -> None:
    for file in NATIVE.glob("*.[ch]"):
        shutil.copy(file, tmp_path)
    coefficients = (tmp_path / "coefficients.h").read_text()
    head, marker, rest = coefficients.partition("tanh_terms_f32[] = {\n")
    first, newline, others = rest.partition("\n")
    changed = float.fromhex(first.strip(" ,f")) * (1 + 2**-19)
    (tmp_path / "coefficients.h").write_text(f"{head}{marker}    {changed.hex()}f,{newline}{others}")
    planted = build(CHECK, tmp_path / "check", instruction_sets()[-1], native=tmp_path)
    assert check(planted, "tanh", 5, STRIDE)[1] > BOUND_F32
    assert check(planted, "exp", 5, STRIDE)[1] <= BOUND_F32


MULTIPRECISION: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(clamped(x))) if x < 5000 else x,
    "normal_density": mpmath.npdf,
    "normal_cdf": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "cos_turns": lambda t: mpmath.cospi(2 * t),
    "sin_turns": lambda t: mpmath.sinpi(2 * t),
}
RANGES: dict[str, Sequence[tuple[float, float]]] = {
    "exp": [(-746, 710), (-1, 1)],
    "expm1": [(-40, 710), (-1, 1)],
    "log": [(0, 3), (0.5, 1.5), (0, 1e6)],
    "log1p": [(-1, 3), (-0.5, 0.5), (-1, 1e6)],
    "tanh": [(-23, 23), (-1, 1)],
    "sigmoid": [(-746, 40), (-3, 3)],
    "softplus": [(-746, 740), (-3, 3)],
    "normal_density": [(-39, 39), (-2, 2)],
    "normal_cdf": [(-39, 9), (-2, 2)],
    "cos_turns": [(-2, 2), (-1e6, 1e6), (0.24, 0.26)],
    "sin_turns": [(-2, 2), (-1e6, 1e6), (-0.01, 0.01)],
}


UNLIMITED = ("log", "log1p", "cos_turns", "sin_turns", "softplus")


def clamped(x: float) -> float:
    """Return x within ±5000, where these functions have long met their limits: mpmath's exp(1e308) has 1e308 digits."""
    return max(-5000.0, min(x, 5000.0))


def arguments(name: str, n: int) -> Any:
    """Return n numbers of each of the function's ranges, and of every magnitude, and the points where formulas meet."""
    rng = np.random.default_rng(FUNCTIONS.index(name))
    parts = [rng.uniform(low, high, n) for low, high in RANGES[name]]
    magnitudes = np.ldexp(rng.uniform(0.5, 1, n), rng.integers(-1074, 12, n))
    near_one = 1 + np.ldexp(rng.uniform(-1, 1, n), rng.integers(-52, -1, n))
    quarters = rng.integers(-64, 65, n) / 8 + np.ldexp(rng.uniform(-1, 1, n), rng.integers(-50, -1, n))
    logarithms = rng.integers(-1074, 1024, n) * math.log(2) / 2  # reduced arguments near 0 and near the ends
    seams = [0.625, 0.125, 0.25, math.sqrt(0.5), math.sqrt(2), math.sqrt(2) / 2 - 1, math.sqrt(2) - 1, 2**-54, 2**-53]
    seams += [745.13, 744.4, 708.4, 709.78, 709.7827128933840, 709.0895657128241, 38.4, 38.56, 37.5, 8.29, 22, 36.7]
    seams += [5e-324, 1e-323, 2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308]
    around = [s for seam in seams for s in (math.nextafter(seam, 0), seam, math.nextafter(seam, INF))]
    signs = np.array([1.0, -1.0])[:, np.newaxis]
    both = (signs * np.concatenate([magnitudes, near_one, around])).ravel()
    x = np.concatenate([*parts, both, quarters, logarithms])
    x = x[np.isfinite(x)]
    return x[x > 0] if name == "log" else x[x > -1] if name == "log1p" else x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64_against_multiprecision(libraries: list[Library], name: str) -> None:
    x = arguments(name, int(os.environ.get("PELLUCID_SAMPLES", "400")))
    y = libraries[-1].apply(name, x)
    greatest, where = 0.0, 0.0
    with mpmath.workprec(200), np.errstate(over="ignore"):
        bound = mpmath.mpf(2) ** 1024 - mpmath.mpf(2) ** 970  # from here on, rounding gives infinity
        for argument, got in zip(x.tolist(), y.tolist(), strict=True):
            expected = MULTIPRECISION[name](mpmath.mpf(argument if name in UNLIMITED else clamped(argument)))
            if abs(expected) >= bound:
                assert got == math.inf, argument
                continue
            assert math.isfinite(got), argument
            unit = math.ulp(float(abs(expected))) if abs(expected) > mpmath.mpf(2) ** -1022 else 5e-324
            error = float(abs(mpmath.mpf(got) - expected) / mpmath.mpf(unit))
            if error > greatest:
                greatest, where = error, argument
    print(f"{name}: {greatest:.3f} at {where!r}, of {x.size}")
    assert 0.3 < greatest <= BOUND_F64, (greatest, where)


# Limits, and values that are exact

EXACT: dict[str, dict[float, float]] = {
    "exp": {0.0: 1.0, INF: INF, -INF: 0.0, 1e30: INF, -1e30: 0.0},
    "expm1": {0.0: 0.0, INF: INF, -INF: -1.0, 1e30: INF, -1e30: -1.0, 1e-40: 1e-40},
    "log": {0.0: -INF, -1.0: NAN, -1e-40: NAN, -INF: NAN, INF: INF, 1.0: 0.0},
    "log1p": {0.0: 0.0, -1.0: -INF, -1.5: NAN, -INF: NAN, INF: INF, 1e-40: 1e-40},
    "tanh": {0.0: 0.0, INF: 1.0, -INF: -1.0, 30.0: 1.0, -30.0: -1.0, 1e-40: 1e-40},
    "sigmoid": {0.0: 0.5, INF: 1.0, -INF: 0.0, 800.0: 1.0, -800.0: 0.0},
    "softplus": {0.0: 0.6931471805599453, INF: INF, -INF: 0.0, 1e30: 1e30, -1e30: 0.0},
    "normal_density": {0.0: 0.3989422804014327, INF: 0.0, -INF: 0.0, 40.0: 0.0, -40.0: 0.0, 1e30: 0.0},
    "normal_cdf": {0.0: 0.5, INF: 1.0, -INF: 0.0, 40.0: 1.0, -40.0: 0.0, 1e30: 1.0},
    "cos_turns": {0.0: 1.0, 0.25: 0.0, 0.5: -1.0, 0.75: 0.0, -0.25: 0.0, -3.5: -1.0, 1e30: 1.0}
    | {INF: NAN, -INF: NAN, 8388607.5: -1.0},
    "sin_turns": {0.0: 0.0, 0.25: 1.0, 0.5: 0.0, 0.75: -1.0, -0.25: -1.0, 1e30: 0.0, INF: NAN, -INF: NAN},
}
ODD = ("expm1", "log1p", "tanh")  # these keep the sign of a zero


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_limits(libraries: list[Library], name: str, dtype: Any) -> None:
    table = EXACT[name]
    x = np.array([*table, -0.0, NAN], dtype)
    expected = np.array([*table.values(), -0.0 if name in ODD else table[0.0], NAN], dtype)
    for library in libraries:
        y = library.apply(name, x)
        np.testing.assert_array_equal(y, expected)
        known = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(y)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges_and_symmetries_hold_exactly(libraries: list[Library], dtype: Any) -> None:
    x = np.linspace(-50, 50, 100_001).astype(dtype)
    library = libraries[-1]
    for name, low, high in (
        ("tanh", -1, 1),
        ("sigmoid", 0, 1),
        ("normal_cdf", 0, 1),
        ("cos_turns", -1, 1),
        ("sin_turns", -1, 1),
    ):
        y = library.apply(name, x)
        assert y.min() >= low and y.max() <= high, name
    for odd in ("tanh", "sin_turns"):
        np.testing.assert_array_equal(library.apply(odd, -x), -library.apply(odd, x))
    for even in ("normal_density", "cos_turns"):
        np.testing.assert_array_equal(library.apply(even, -x), library.apply(even, x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_the_reference(libraries: list[Library], dtype: Any) -> None:
    x = np.linspace(-12, 12, 20_001).astype(dtype)
    references: dict[str, Callable[[Any], Any]] = {
        "sigmoid": Sigmoid().value,
        "softplus": Softplus().value,
        "tanh": np.tanh,
        "normal_density": normal.density,
        "normal_cdf": normal.cdf,
    }
    units = 10 + 12**2 / 2  # what each side may be off by; the reference's density and cdf round x^2 / 2 in float64
    for name, reference in references.items():
        np.testing.assert_allclose(
            libraries[-1].apply(name, x), reference(x), rtol=units * float(np.finfo(dtype).eps), atol=0, err_msg=name
        )


# Bits


def patterns(dtype: Any) -> Any:
    """Return about a million numbers of every kind, NaNs with their payloads among them, in no multiple of a vector."""
    if dtype == np.float32:
        return np.arange(3, 2**32, 4093, dtype=np.uint64).astype(np.uint32).view(np.float32)
    words = np.random.default_rng(0).integers(0, 2**64, 500_001, dtype=np.uint64).view(np.float64)
    return np.concatenate([words, np.linspace(-750, 750, 500_000)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_instruction_set_gives_the_same_bits(libraries: list[Library], dtype: Any) -> None:
    if len(libraries) < 2:
        pytest.skip(f"this machine runs one instruction set only: {libraries[0].isa}")
    x = patterns(dtype)
    for name in FUNCTIONS:
        hashes = {library.isa: hashlib.sha256(library.apply(name, x).tobytes()).hexdigest() for library in libraries}
        assert len(set(hashes.values())) == 1, (name, hashes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_where_a_number_stands(libraries: list[Library], dtype: Any) -> None:
    x = patterns(dtype)[::997].copy()
    for library in libraries:
        for name in FUNCTIONS:
            together = library.apply(name, x)
            for start, stop in ((0, 1), (1, 8), (5, 38), (3, x.size)):
                apart = library.apply(name, x[start:stop].copy())
                assert apart.tobytes() == together[start:stop].tobytes(), (library.isa, name, start, stop)


def test_nothing_fell_apart_into_scalars(libraries: list[Library]) -> None:
    objdump = shutil.which("objdump")
    if objdump is None or libraries[0].isa == "neon":
        pytest.skip("needs objdump on x86-64")
    for library in libraries:
        listing = subprocess.run([objdump, "-d", str(library.path)], capture_output=True, text=True, check=True).stdout
        names = [line.split("\t")[2].split()[0] for line in listing.splitlines() if line.count("\t") >= 2]
        fused = [name for name in names if name.startswith(("vfmadd", "vfnmadd", "vfmsub", "vfnmsub"))]
        assert len(fused) > 100
        assert [name for name in fused if name.endswith(("ss", "sd"))] == [], library.isa


def test_coefficients_are_what_the_script_finds() -> None:
    done = subprocess.run(
        [sys.executable, str(NATIVE / "coefficients.py")], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout == (NATIVE / "coefficients.h").read_text(encoding="utf-8")
