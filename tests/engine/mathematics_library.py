"""The functions of `mathematics.h`, compiled on the spot for each instruction set that this machine runs, over arrays.

    python -m tests.engine.mathematics_library

prints how long each takes beside NumPy's function of the same name, or Pellucid's reference where NumPy has none, in
nanoseconds per element on one core.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NATIVE = Path(__file__).parents[2] / "src" / "pellucid" / "engine" / "native"
FUNCTIONS = (
    "exp",
    "expm1",
    "log",
    "log1p",
    "tanh",
    "sigmoid",
    "softplus",
    "normal_density",
    "normal_cdf",
    "cos_turns",
    "sin_turns",
)  # in the order of their numbers in mathematics_probe.c
FLAGS = ("-std=c17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra", "-Werror")
ARCHITECTURES = {
    "avx2": ("-mavx2", "-mfma"),
    "avx512": (
        "-mavx512f",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx512bw",
        "-mfma",
        "-mprefer-vector-width=512",
    ),
    "neon": (),
}
NEEDED = {"avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512dq", "avx512vl", "avx512bw", "fma"}}

Array = NDArray[np.floating[Any]]


def compiler() -> str | None:
    """Return the C compiler's command, or None."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["gcc", "cc", "clang"]
    return next((found for name in names if (found := shutil.which(name))), None)


def instruction_sets() -> list[str]:
    """Return those that this machine runs, narrowest first."""
    if platform.machine().lower() in {"aarch64", "arm64"}:
        return ["neon"]
    information = Path("/proc/cpuinfo")
    words = set(information.read_text().split()) if information.exists() else set()
    return [name for name, needed in NEEDED.items() if needed <= words]


def build(source: Path, result: Path, isa: str, *extra: str, native: Path = NATIVE) -> Path:
    """Compile one C file for one instruction set; a failure shows the compiler's words."""
    command = [str(compiler()), *FLAGS, *ARCHITECTURES[isa], f"-DPELLUCID_ISA={isa}", f"-I{native}", *extra]
    done = subprocess.run(
        [*command, str(source), "-o", str(result), "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    return result


class Library:
    """The functions, compiled for one instruction set into ``folder``."""

    def __init__(self, folder: Path, isa: str) -> None:
        """Compile, which takes about a second, and load."""
        self.isa = isa
        self.path = build(NATIVE / "mathematics_probe.c", folder / f"probe_{isa}.so", isa, "-shared", "-fPIC")
        self._library = ctypes.CDLL(str(self.path))

    def apply(self, name: str, x: Array) -> Array:
        """Return the function of each element of ``x``, float32 or float64 and contiguous."""
        y = np.empty_like(x)
        self.call(name, x, y)()
        return y

    def call(self, name: str, x: Array, y: Array) -> Callable[[], Any]:
        """Return what, when called, puts the function of each element of ``x`` into ``y``."""
        assert x.flags.c_contiguous and y.flags.c_contiguous and x.dtype == y.dtype and x.size == y.size
        function = getattr(self._library, f"apply_f{8 * x.itemsize}_{self.isa}")
        number, size = ctypes.c_int(FUNCTIONS.index(name)), ctypes.c_int64(x.size)
        return partial(function, number, ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), size)


def _numpy_functions() -> dict[str, tuple[str, Callable[..., Any]]]:
    """Return for each function what to compare it with; Pellucid's own reference where NumPy has none."""
    from pellucid import normal
    from pellucid.activations import Sigmoid, Softplus

    return {
        **{name: ("numpy", getattr(np, name)) for name in ("exp", "expm1", "log", "log1p", "tanh")},
        "sigmoid": ("reference", lambda x, y: Sigmoid().value(x)),
        "softplus": ("reference", lambda x, y: Softplus().value(x)),
        "normal_density": ("reference", lambda x, y: normal.density(x)),
        "normal_cdf": ("reference", lambda x, y: normal.cdf(x)),
        "cos_turns": ("numpy cos", np.cos),
        "sin_turns": ("numpy sin", np.sin),
    }


def _nanoseconds(work: Callable[[], Any], elements: int) -> float:
    """Return the least of 15 timings, each of enough calls for about 5 ms: others use the machine, too."""
    work()
    start = time.perf_counter()
    work()
    calls = max(1, int(0.005 / (time.perf_counter() - start)))
    times = []
    for _ in range(15):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - start) / calls)
    return min(times) / elements * 1e9


def main() -> None:
    """Print the table: 32,768 numbers, which stay in the second cache, from -5 to 5 (logarithms: 0.01 to 10)."""
    if compiler() is None or not instruction_sets():
        sys.exit("no C compiler, or no instruction set that the engine is built for")
    peers = _numpy_functions()
    with tempfile.TemporaryDirectory() as folder:
        libraries = [Library(Path(folder), isa) for isa in instruction_sets()]
        print(f"{'ns per element':<16}{'':>8}" + "".join(f"{x.isa:>9}" for x in libraries) + f"{'Python':>9}")
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            for name in FUNCTIONS:
                low, high = (0.01, 10.0) if name.startswith("log") else (-5.0, 5.0)
                x: Array = np.random.default_rng(0).uniform(low, high, 32768).astype(dtype)
                y = np.empty_like(x)
                label, peer = peers[name]
                ours = [_nanoseconds(library.call(name, x, y), x.size) for library in libraries]
                theirs = _nanoseconds(partial(peer, x, y), x.size)
                columns = "".join(f"{t:>9.3f}" for t in [*ours, theirs])
                print(f"{name:<16}{dtype.name:>8}{columns}  {label}")


if __name__ == "__main__":
    main()
