"""The floor of a step: the time that its arithmetic and the memory it must move take on this machine at best.

The arithmetic is 2 m n k floating-point operations for every product of the step, at the best rate of products measured
here: of the native product and of NumPy's BLAS, over a few shapes. The memory is one pass of Adam over the parameters
(reads weights, gradient and two moments, writes all but the gradient) and the batch, read and written once, at the rate
of copies of as many bytes, which stay in a cache where those of the step can, too.
"""

from __future__ import annotations

import functools
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import product
from peers import Work

SHAPES = [
    shape for shape in product.SHAPES if shape[0] in {"200x64x64", "128x784x256", "256x512x512", "1024x1024x1024"}
]
REPEATS, SECONDS = 15, 0.02


def floor(work: Work, cores: int) -> float:
    """Return the seconds that a step takes on so many cores at least."""
    products = 3 * sum(m * n for m, n in work.layers) - work.sizes[0] * work.sizes[1]  # x has no gradient
    n_parameters = sum((m + 1) * n for m, n in work.layers)
    optimizer, batch = 7 * 4 * n_parameters, 2 * 4 * work.batch * work.sizes[0]
    arithmetic = 2 * work.batch * products / product_rate(cores)
    return arithmetic + sum(moved / copy_rate(moved, cores) for moved in (optimizer, batch))


@functools.cache
def product_rate(cores: int) -> float:
    """Return floating-point operations per second, all cores together, each with products of its own."""
    best = {}
    for shape in SHAPES:
        _, m, n, k, *_ = shape
        for name, call in (("NumPy", _blas(m, n, k, cores)), ("native", _native(m, n, k, cores))):
            if call is not None:
                best[f"{name} {m}x{k}x{n}"] = 2 * m * n * k * _rate(call, cores)
    name = max(best, key=lambda each: best[each])
    print(f"  best product on {cores}: {name}, {best[name] / 1e9:.0f} GFLOP/s", file=sys.stderr)
    return best[name]


@functools.cache
def copy_rate(moved: int, cores: int) -> float:
    """Return bytes per second, read and written together, of copies that move so many bytes."""
    pairs = [tuple(np.zeros(max(moved // 2 // cores, 64), np.uint8) for _ in range(2)) for _ in range(cores)]

    def call(core: int, times: int) -> None:
        to, source = pairs[core]
        for _ in range(times):
            np.copyto(to, source)

    found = 2 * pairs[0][0].size * _rate(call, cores)
    print(f"  copies of {moved / 1e6:.2f} MB on {cores}: {found / 1e9:.1f} GB/s", file=sys.stderr)
    return found


def _rate(call: Callable[[int, int], None], cores: int) -> float:
    """Return the calls per second of all cores together, in the best repeat; ``call(core, times)``."""
    start = time.perf_counter()
    call(0, 3)
    times = max(1, int(3 * SECONDS / (time.perf_counter() - start)))
    best = 0.0
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(REPEATS):
            start = time.perf_counter()
            list(pool.map(lambda core: call(core, times), range(cores)))
            best = max(best, cores * times / (time.perf_counter() - start))
    return best


def _arrays(m: int, n: int, k: int) -> list[Any]:
    rng = np.random.default_rng(0)
    draw = [rng.standard_normal(size).astype(np.float32) for size in ((m, k), (k, n))]
    return [*draw, np.empty((m, n), np.float32)]


def _blas(m: int, n: int, k: int, cores: int) -> Callable[[int, int], None]:
    arrays = [_arrays(m, n, k) for _ in range(cores)]
    limits = importlib.import_module("threadpoolctl").ThreadpoolController()

    def call(core: int, times: int) -> None:
        a, b, c = arrays[core]
        with limits.limit(limits=1, user_api="blas"):
            for _ in range(times):
                np.dot(a, b, out=c)

    return call


def _native(m: int, n: int, k: int, cores: int) -> Callable[[int, int], None] | None:
    library = _library()
    if library is None:
        return None
    isa, shape = product.runnable()[-1], product.Shape(m, n, k, k, 1, n, 1, n)
    arrays = [_arrays(m, n, k) for _ in range(cores)]
    return lambda core, times: product.native_seconds(library, f"f32_{isa}", shape, arrays[core], times) and None


@functools.cache
def _library() -> Any:
    if product.compiler() is None:
        print("  no C compiler: the product rate is that of NumPy's BLAS alone", file=sys.stderr)
        return None
    return product.build(Path(tempfile.mkdtemp()))
