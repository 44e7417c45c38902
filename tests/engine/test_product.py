"""The native matrix product: each element is one chain of fused multiply-adds, with the same bits everywhere."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NATIVE = Path(__file__).resolve().parents[2] / "src" / "pellucid" / "engine" / "native"
FLAGS = ["-std=c17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-Wall", "-Wextra", "-Werror"]
X86 = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
}
INSTRUCTION_SETS: dict[str, list[str]] = X86 if platform.machine() in {"x86_64", "AMD64"} else {"neon": []}
NEEDS = {"avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512dq", "avx512vl", "avx512bw", "fma"}, "neon": set()}
TYPES: dict[str, Any] = {"f32": np.float32, "f64": np.float64}

# The definition, one element at a time: what every kernel must give, bit for bit.
REFERENCE = """
#include <stdint.h>
typedef struct { int64_t m, n, k, a_row, a_col, b_row, b_col, c_row; } product_shape;
#define REFERENCE(name, REAL, fma)                                                                     \\
    void name(const product_shape *s, const REAL *a, const REAL *b, REAL *c)                           \\
    {                                                                                                  \\
        for (int64_t i = 0; i < s->m; i++)                                                             \\
            for (int64_t j = 0; j < s->n; j++) {                                                       \\
                REAL sum = 0;                                                                          \\
                for (int64_t k = 0; k < s->k; k++)                                                     \\
                    sum = fma(a[i * s->a_row + k * s->a_col], b[k * s->b_row + j * s->b_col], sum);    \\
                c[i * s->c_row + j] = sum;                                                             \\
            }                                                                                          \\
    }
REFERENCE(reference_f32, float, __builtin_fmaf)
REFERENCE(reference_f64, double, __builtin_fma)
"""


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("m", "n", "k", "a_row", "a_col", "b_row", "b_col", "c_row")]


@dataclass
class Native:
    """The compiled kernels of each instruction set that this machine can run, and the reference."""

    isas: list[str]
    library: ctypes.CDLL
    reference: ctypes.CDLL
    objects: dict[str, Path]

    def tiles(self, isa: str, kind: str, shape: Shape) -> int:
        return self._whole(f"product_tiles_{kind}_{isa}", shape)

    def scratch(self, isa: str, kind: str, shape: Shape) -> int:
        return self._whole(f"product_scratch_{kind}_{isa}", shape)

    def _whole(self, name: str, shape: Shape) -> int:
        function = getattr(self.library, name)
        function.restype = ctypes.c_int64
        return int(function(ctypes.byref(shape)))


def compile_(*arguments: str | Path) -> None:
    run = subprocess.run([compiler(), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def compiler() -> str:
    found = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if not found:
        pytest.skip("no C compiler (gcc, clang, cc or $CC): the native product cannot be built here")
    return found


def runnable() -> list[str]:
    """Return the instruction sets that this processor has."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        words = NEEDS["avx2"]
    return [isa for isa in INSTRUCTION_SETS if NEEDS[isa] <= words]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    folder = tmp_path_factory.mktemp("product")
    objects = {isa: folder / f"product_{isa}.o" for isa in INSTRUCTION_SETS}
    for isa, flags in INSTRUCTION_SETS.items():
        compile_(*FLAGS, *flags, f"-DPELLUCID_ISA={isa}", "-c", NATIVE / "product.c", "-o", objects[isa])
    isas = runnable()
    if not isas:
        pytest.skip(f"this processor has none of {', '.join(INSTRUCTION_SETS)}")
    compile_("-shared", *objects.values(), "-o", folder / "product.so")
    (folder / "reference.c").write_text(REFERENCE)
    scalar = ["-mfma"] if INSTRUCTION_SETS is X86 else []
    options = ["-std=c17", "-O1", "-ffp-contract=off", *scalar, "-shared", "-fPIC"]
    compile_(*options, folder / "reference.c", "-o", folder / "reference.so", "-lm")
    return Native(isas, ctypes.CDLL(str(folder / "product.so")), ctypes.CDLL(str(folder / "reference.so")), objects)


@dataclass
class Operand:
    """A strided matrix inside an array whose other elements are NaN, so that reading one of them would show."""

    array: Any
    strides: tuple[int, int]
    start: int

    @property
    def address(self) -> int:
        return int(self.array.ctypes.data + self.start * self.array.itemsize)


def operand(values: Any, order: str, gap: int) -> Operand:
    """Lay `values` out by rows, by columns, spread with every element apart, or backwards by rows."""
    rows, columns = values.shape
    strides = {
        "rows": (columns + gap, 1),
        "columns": (1, rows + gap),
        "spread": (2 * columns + gap, 2),
        "backwards": (-(columns + gap), 1),
    }[order]
    start = (rows - 1) * (columns + gap) if order == "backwards" and rows else 0
    indices = start + np.arange(rows)[:, None] * strides[0] + np.arange(columns)[None, :] * strides[1]
    array = np.full(int(indices.max(initial=-1)) + 1, np.nan, values.dtype)  # ends with the last element it holds
    array[indices] = values
    return Operand(array, strides, start)


GUARD = 24  # elements before and after what may be written


def check(native: Native, kind: str, a: Operand, b: Operand, size: tuple[int, int, int], c_gap: int, cuts: Any) -> None:
    """Compare every instruction set with the reference, tiles shared out at `cuts` (fractions) and in reverse."""
    m, n, k = size
    shape = Shape(m, n, k, *a.strides, *b.strides, n + c_gap)
    pointer = ctypes.c_void_p
    filled = np.full(2 * GUARD + m * (n + c_gap), 7.5, TYPES[kind])
    expected = filled.copy()
    begin = GUARD * expected.itemsize
    getattr(native.reference, f"reference_{kind}")(
        ctypes.byref(shape), pointer(a.address), pointer(b.address), pointer(expected.ctypes.data + begin)
    )
    for isa in native.isas:
        got = filled.copy()
        need, tiles = native.scratch(isa, kind, shape), native.tiles(isa, kind, shape)
        ends = sorted({0, tiles, *(round(cut * tiles) for cut in cuts)})
        for first, last in reversed(list(itertools.pairwise(ends))):
            scratch = np.full(2 * GUARD + need, np.nan, TYPES[kind])  # what is not packed must not count
            scratch[:GUARD] = scratch[GUARD + need :] = 2.25
            getattr(native.library, f"product_{kind}_{isa}")(
                ctypes.byref(shape),
                pointer(a.address),
                pointer(b.address),
                pointer(got.ctypes.data + begin),
                pointer(scratch.ctypes.data + begin),
                ctypes.c_int64(first),
                ctypes.c_int64(last),
            )
            assert (scratch[:GUARD] == 2.25).all() and (scratch[GUARD + need :] == 2.25).all(), "wrote beyond scratch"
        same = (got == expected) & (np.signbit(got) == np.signbit(expected)) | np.isnan(got) & np.isnan(expected)
        assert same.all(), f"{isa} {kind} {size} strides {a.strides} {b.strides}: {np.flatnonzero(~same)[:5]}"


def numbers(seed: int, rows: int, columns: int, kind: str, hostile: bool) -> Any:
    """Return normal numbers of mixed magnitude; `hostile` adds zeros of both signs, subnormals and infinities."""
    rng = np.random.default_rng([seed, rows, columns])
    values = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-3, 4, (rows, columns))
    if hostile:
        tiny = float(np.nextafter(TYPES[kind](0), TYPES[kind](1)))
        odd = np.array([0.0, -0.0, 3 * tiny, -5 * tiny, 1.0, np.inf])
        values = np.where(rng.random(values.shape) < 0.3, rng.choice(odd, values.shape), values)
    return values.astype(TYPES[kind])


ORDERS = ("rows", "columns", "spread", "backwards")
EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("a_order", "b_order"), list(itertools.product(ORDERS, ORDERS)))
def test_edge_sizes_in_every_orientation(native: Native, kind: str, a_order: str, b_order: str) -> None:
    rng = np.random.default_rng([len(a_order), len(b_order)])
    for index in range(40):
        m, n, k = (int(rng.choice(EDGES)) for _ in range(3))
        a = operand(numbers(index, m, k, kind, hostile=False), a_order, index % 3)
        b = operand(numbers(index + 1, k, n, kind, hostile=False), b_order, index % 2)
        check(native, kind, a, b, (m, n, k), index % 4, rng.random(index % 4))


SIZES = st.one_of(st.integers(0, 20), st.sampled_from(EDGES))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(TYPES)),
    size=st.tuples(SIZES, SIZES, st.one_of(SIZES, st.sampled_from((511, 512, 513, 700)))),
    orders=st.tuples(st.sampled_from(ORDERS), st.sampled_from(ORDERS)),
    gaps=st.tuples(st.integers(0, 17), st.integers(0, 17), st.integers(0, 5)),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    hostile=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_any_shape_strides_and_split(
    native: Native,
    kind: str,
    size: tuple[int, int, int],
    orders: tuple[str, str],
    gaps: tuple[int, int, int],
    cuts: list[float],
    hostile: bool,
    seed: int,
) -> None:
    m, n, k = size
    a = operand(numbers(seed, m, k, kind, hostile), orders[0], gaps[0])
    b = operand(numbers(seed + 1, k, n, kind, hostile), orders[1], gaps[1])
    check(native, kind, a, b, size, gaps[2], cuts)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize(("m", "n"), [(0, 0), (0, 5), (5, 0), (1, 1), (3, 2), (40, 50)])
def test_no_or_one_step(native: Native, kind: str, m: int, n: int, k: int) -> None:
    a, b = (operand(numbers(3, *size, kind, hostile=False), "rows", 0) for size in ((m, k), (k, n)))
    check(native, kind, a, b, (m, n, k), 0, [0.5])


@pytest.mark.parametrize("kind", TYPES)
def test_rows_that_collide_in_the_cache(native: Native, kind: str) -> None:
    """Strides of a power of two, where A is packed, and k past one packed block."""
    for m, n, k, a_order in [(50, 80, 600, "columns"), (130, 300, 520, "rows"), (1024, 40, 40, "columns")]:
        a = operand(numbers(1, m, k, kind, hostile=False), a_order, -(m if a_order == "columns" else k) % 1024)
        b = operand(numbers(2, k, n, kind, hostile=False), "rows", -n % 1024)
        check(native, kind, a, b, (m, n, k), 0, [0.3, 0.31, 0.9])


@pytest.mark.parametrize("kind", TYPES)
def test_every_single_tile_by_itself(native: Native, kind: str) -> None:
    m, n, k = 100, 530, 33
    a = operand(numbers(5, m, k, kind, hostile=False), "rows", 0)
    b = operand(numbers(6, k, n, kind, hostile=False), "columns", 0)
    check(native, kind, a, b, (m, n, k), 1, np.linspace(0, 1, 200))


@pytest.fixture
def fenced() -> Iterator[Any]:
    """Yield a function that copies an array to where both its ends border on memory that may not be touched."""
    page, kept = mmap.PAGESIZE, []
    protect = ctypes.CDLL(None, use_errno=True).mprotect

    def place(values: Any, at_end: bool) -> int:
        pages = -(-values.nbytes // page) + 2
        area = mmap.mmap(-1, pages * page)
        kept.append((area, pages))
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        address = start + (pages - 1) * page - values.nbytes if at_end else start + page
        ctypes.memmove(address, values.ctypes.data, values.nbytes)
        for fence in (start, start + (pages - 1) * page):
            assert protect(ctypes.c_void_p(fence), ctypes.c_size_t(page), 0) == 0, os.strerror(ctypes.get_errno())
        return address

    yield place
    for area, pages in kept:
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        protect(ctypes.c_void_p(start), ctypes.c_size_t(pages * page), mmap.PROT_READ | mmap.PROT_WRITE)


@pytest.mark.skipif(os.name != "posix", reason="forbids memory with mprotect")
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize(("a_turned", "b_turned"), [(False, False), (True, False), (False, True), (True, True)])
def test_reads_nothing_outside_the_arrays(
    native: Native, fenced: Any, kind: str, at_end: bool, a_turned: bool, b_turned: bool
) -> None:
    """A read or write one element outside stops the whole run with a segmentation fault, and not only this test."""
    for index, (m, n, k) in enumerate(
        [(1, 37, 9), (13, 17, 5), (50, 3, 70), (64, 1, 64), (31, 65, 258), (200, 40, 33)]
    ):
        a = numbers(index, *((k, m) if a_turned else (m, k)), kind, hostile=False)
        b = numbers(index, *((n, k) if b_turned else (k, n)), kind, hostile=False)
        strides = (*((1, m) if a_turned else (k, 1)), *((1, k) if b_turned else (n, 1)), n)
        shape, c = Shape(m, n, k, *strides), np.zeros((m, n), a.dtype)
        for isa in native.isas:
            scratch = np.zeros(native.scratch(isa, kind, shape), a.dtype)
            places = [ctypes.c_void_p(fenced(array, at_end)) for array in (a, b, c, scratch)]
            tiles = ctypes.c_int64(native.tiles(isa, kind, shape))
            getattr(native.library, f"product_{kind}_{isa}")(ctypes.byref(shape), *places, ctypes.c_int64(0), tiles)


def test_one_chain_in_order_from_zero(native: Native) -> None:
    """Where the order shows: 1 - 2^100 + 2^100 is 0 from the left and 1 from the right; and the product is not rounded.

    (1 + e)(1 - e) - 1 = -e^2 exactly when the multiply-add is fused, and 0 when the product is rounded by itself.
    """
    big, e = 2.0**100, 2.0**-30
    a = np.array([[1.0, -big, big], [-1.0, 0.0, 1.0 + e]])
    b = np.array([[1.0] * 2, [1.0] * 2, [1.0, 1.0 - e]])
    for isa in native.isas:
        for copies in (1, 40):  # the plain loop, and the blocks
            left, right = np.tile(a, (copies, 1)), np.tile(b, (1, copies))
            out = np.empty((2 * copies, 2 * copies))
            shape = Shape(2 * copies, 2 * copies, 3, 3, 1, 2 * copies, 1, 2 * copies)
            scratch = np.empty(native.scratch(isa, "f64", shape))
            getattr(native.library, f"product_f64_{isa}")(
                ctypes.byref(shape),
                *(ctypes.c_void_p(x.ctypes.data) for x in (left, right, out, scratch)),
                ctypes.c_int64(0),
                ctypes.c_int64(native.tiles(isa, "f64", shape)),
            )
            assert (out[::2, ::2] == 0.0).all()
            assert (out[1::2, 1::2] == -(e**2)).all()


def test_only_fused_multiply_adds(native: Native) -> None:
    """Disassembled, the kernels hold no multiplication and no addition of floats except fused ones."""
    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("no objdump: the compiled kernels cannot be read")
    for isa, path in native.objects.items():
        text = subprocess.run([objdump, "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True)
        names = re.findall(r"^\s*[0-9a-f]+:\s+(?:[0-9a-f]{8}\s+)?(\S+)", text.stdout, re.MULTILINE)
        separate = re.compile(r"v?(mul|add|sub|div|dp|hadd)[ps][sd]$|f(mul|add|sub)$|(call|jmp)q?.*fma")
        assert not [name for name in names if separate.match(name)], isa
        fused = [name for name in names if re.match(r"vfn?m(add|sub)|fmla|fmadd", name)]
        assert fused and not [name for name in fused if not re.match(r"vfmadd|fmla|fmadd", name)], isa
        if isa == "neon":
            continue
        assert not re.search(r"<fmaf?(@plt)?>", text.stdout), isa
        counts = {f: fused.count(f) for f in set(fused)}
        for suffix in ("ps", "pd"):  # one block of rows x 2 vectors in each of the two layouts of A, and smaller ones
            assert sum(c for name, c in counts.items() if name.endswith(suffix)) >= 2 * 2 * (
                12 if isa == "avx512" else 6
            )


def test_scratch_does_not_grow_with_the_product(native: Native) -> None:
    """One packed block of B (256 columns of float32, 256 steps of k) and one of A: less than a second-level cache."""
    for isa, (kind, dtype) in itertools.product(native.isas, TYPES.items()):
        large, larger = (Shape(size, size, size, 1, size, 1, size, size) for size in (1024, 100_000))
        need = native.scratch(isa, kind, large)
        assert native.scratch(isa, kind, larger) <= need + 64 * 256
        assert need * np.dtype(dtype).itemsize <= 320 * 1024
        assert native.scratch(isa, kind, Shape(2, 3, 1, 1, 1, 3, 1, 3)) == 0
        assert native.tiles(isa, kind, Shape(0, 4, 4, 4, 1, 4, 1, 4)) == 0
