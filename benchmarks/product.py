"""A benchmark: the native matrix product beside NumPy's BLAS, on one core, for the shapes that occur in training.

    python benchmarks/product.py                      # every instruction set of this processor, float32 and float64
    python benchmarks/product.py --isas avx2 --seconds 0.2

Both are called in turn, best of the repeats: the native product from a loop in C, NumPy's `dot(out=)` from Python,
whose call (about 0.5 µs) is in its figure. OPENBLAS_CORETYPE=SkylakeX makes OpenBLAS use AVX-512 where it does not by
itself.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):  # read when NumPy is imported
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

NATIVE = Path(__file__).resolve().parents[1] / "src" / "pellucid" / "engine" / "native"
FLAGS = ["-std=c17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fPIC"]
X86 = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma", "-mprefer-vector-width=512"],
}
INSTRUCTION_SETS: dict[str, list[str]] = X86 if platform.machine() in {"x86_64", "AMD64"} else {"neon": []}
TYPES = {"f32": np.float32, "f64": np.float64}

# name, rows m, columns n, sum over k, A transposed, B transposed; forward is x W, the gradients are dz W' and x' dz
SHAPES = (
    ("200x20x64", 200, 64, 20, False, False),
    ("200x64x64", 200, 64, 64, False, False),
    ("200x64x64 input gradient", 200, 64, 64, False, True),
    ("64x200x64 weight gradient", 64, 64, 200, True, False),
    ("200x64x2", 200, 2, 64, False, False),
    ("64x200x2 weight gradient", 64, 2, 200, True, False),
    ("128x784x256", 128, 256, 784, False, False),
    ("784x128x256 weight gradient", 784, 256, 128, True, False),
    ("128x128x10", 128, 10, 128, False, False),
    ("256x512x512", 256, 512, 512, False, False),
    ("256x512x512 input gradient", 256, 512, 512, False, True),
    ("512x256x512 weight gradient", 512, 512, 256, True, False),
    ("1024x1024x1024", 1024, 1024, 1024, False, False),
    ("1x64x64", 1, 64, 64, False, False),
    ("4x2x3", 4, 3, 2, False, False),
)

LOOP = """
#include <stdint.h>
#include <time.h>
typedef void product(const void *, const void *, const void *, void *, void *, int64_t, int64_t);
double repeat(product *f, const void *shape, const void *a, const void *b, void *c, void *scratch, int64_t tiles,
              int64_t n)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int64_t i = 0; i < n; i++)
        f(shape, a, b, c, scratch, 0, tiles);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}
"""


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("m", "n", "k", "a_row", "a_col", "b_row", "b_col", "c_row")]


def compiler() -> str | None:
    return os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")


def build(folder: Path) -> ctypes.CDLL:
    """Compile the product for every instruction set, and the loop that repeats it."""
    found = compiler()
    if found is None:
        sys.exit("this benchmark compiles the product by itself and found no gcc, clang or cc; install one or set CC")
    (folder / "loop.c").write_text(LOOP)
    objects = []
    for isa, flags in INSTRUCTION_SETS.items():
        objects.append(str(folder / f"{isa}.o"))
        source = ["-c", str(NATIVE / "product.c"), "-o", objects[-1]]
        subprocess.run([found, *FLAGS, *flags, f"-DPELLUCID_ISA={isa}", *source], check=True)
    target = folder / "product.so"
    loop = ["-D_POSIX_C_SOURCE=200809L", "-shared", str(folder / "loop.c"), *objects, "-o", str(target)]
    subprocess.run([found, *FLAGS, *loop], check=True)
    library = ctypes.CDLL(str(target))
    library.repeat.restype = ctypes.c_double
    return library


def runnable() -> list[str]:
    """Return the instruction sets of this processor, the widest last."""
    words = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else {"avx2"}
    return [isa for isa in INSTRUCTION_SETS if isa == "neon" or {"avx2": "avx2", "avx512": "avx512bw"}[isa] in words]


def native_seconds(library: ctypes.CDLL, name: str, shape: Shape, arrays: Sequence[Any], calls: int) -> float:
    """Return the seconds of one product, mean of `calls`."""
    sizes = []
    for what in ("scratch", "tiles"):
        function = getattr(library, f"product_{what}_{name}")
        function.restype = ctypes.c_int64
        sizes.append(function(ctypes.byref(shape)))
    scratch = np.empty(sizes[0], arrays[0].dtype)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*arrays, scratch)]
    function = getattr(library, f"product_{name}")
    whole = ctypes.c_int64
    return float(library.repeat(function, ctypes.byref(shape), *pointers, whole(sizes[1]), whole(calls))) / calls


def numpy_seconds(a: Any, b: Any, c: Any, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        np.dot(a, b, out=c)
    return (time.perf_counter() - start) / calls


def measure(library: ctypes.CDLL, isas: Sequence[str], kind: str, shape: Any, seconds: float) -> str:
    """Return one row of the table: GFLOP/s of NumPy, and of each instruction set with its ratio to NumPy."""
    name, m, n, k, a_turned, b_turned = shape
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k, m) if a_turned else (m, k)).astype(TYPES[kind])
    b = rng.standard_normal((n, k) if b_turned else (k, n)).astype(TYPES[kind])
    c = np.empty((m, n), TYPES[kind])
    strides = (*((1, m) if a_turned else (k, 1)), *((1, k) if b_turned else (n, 1)), n)
    left, right = a.T if a_turned else a, b.T if b_turned else b
    repeats = 7
    once = max(numpy_seconds(left, right, c, 3), 1e-7)
    calls = max(1, int(seconds / repeats / once))
    best = dict.fromkeys(("numpy", *isas), float("inf"))
    for _ in range(repeats):
        best["numpy"] = min(best["numpy"], numpy_seconds(left, right, c, calls))
        for isa in isas:
            took = native_seconds(library, f"{kind}_{isa}", Shape(m, n, k, *strides), (a, b, c), calls)
            best[isa] = min(best[isa], took)
    rates = {which: 2e-9 * m * n * k / took for which, took in best.items()}
    ours = "".join(f" {rates[isa]:8.1f} {rates[isa] / rates['numpy']:6.2f}" for isa in isas)
    return f"{kind}  {name:28s} {rates['numpy']:8.1f}{ours}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isas", nargs="+", choices=runnable(), default=runnable(), help="instruction sets to run")
    parser.add_argument("--seconds", type=float, default=0.1, help="seconds for each figure")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder))
        print("GFLOP/s on one core, and the ratio to NumPy's (m x k x n; the larger, the better)")
        print(f"      {'':28s}    numpy" + "".join(f" {isa:>8s}  ratio" for isa in options.isas))
        for kind in TYPES:
            for shape in SHAPES:
                print(measure(library, options.isas, kind, shape, options.seconds), flush=True)


if __name__ == "__main__":
    main()
