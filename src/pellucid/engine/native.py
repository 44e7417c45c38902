"""The native library, loaded: which instruction set of it runs here, on how many cores, and one call's memory.

Environment variables: ``PELLUCID_ENGINE=numpy`` switches the library off, ``PELLUCID_ISA`` names the instruction set,
``PELLUCID_THREADS`` the number of threads of a training. None of them changes a bit of any native result.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import c_char_p, c_int, c_int64, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.engine.cores import available_cores
from pellucid.engine.plan import Plan
from pellucid.engine.records import Operation, Program, Status, TrainingRun
from pellucid.errors import OptionError, PellucidError, listed
from pellucid.layers.base import Array
from pellucid.random import Random

_LIBRARY = Path(__file__).with_name("_native.dll" if sys.platform == "win32" else "_native.so")
_RECORDS = (Operation, Program, TrainingRun)
_WORTH_A_THREAD = 2e7  # floating-point operations per step; below, moving activations between the cores' caches costs
# what the second core brings: 20-64-64-2 at batch 200 (6e6) takes as long on two as on one


class Library:
    """The loaded library and the build in it that runs on this machine."""

    def __init__(self, path: Path) -> None:
        self._c = ctypes.CDLL(str(path))
        for name, result, arguments in (
            ("n_builds", c_int64, []),
            ("build_name", c_char_p, [c_int64]),
            ("build_runs", c_int, [c_int64]),
            ("record_sizes", c_int64, [c_int64]),
            ("scratch", c_int64, [c_int64, c_int64, c_void_p, c_int64]),
            ("pack", c_int64, [c_int64, c_int64, c_void_p, c_int64, c_void_p]),
            ("train", c_int, [c_int64, c_int64, c_void_p, c_void_p]),
            ("permutation", None, [c_uint64] * 4 + [c_int64] + [c_void_p] * 3),
            ("predict", None, [c_int64, c_int64, c_void_p, c_void_p]),
        ):
            function = getattr(self._c, f"pellucid_{name}")
            function.restype, function.argtypes = result, arguments
        if any(self._c.pellucid_record_sizes(i) != ctypes.sizeof(kind) for i, kind in enumerate(_RECORDS)):
            raise PellucidError(f"{path} does not belong to this version of Pellucid; install the package again.")
        names = [self._c.pellucid_build_name(i).decode() for i in range(self._c.pellucid_n_builds())]
        self.instruction_sets = [name for i, name in enumerate(names) if self._c.pellucid_build_runs(i)]
        """Those that run here, the widest last."""
        self._index = {name: i for i, name in enumerate(names)}

    @property
    def instruction_set(self) -> str:
        """The one that ``PELLUCID_ISA`` names, or the widest."""
        wanted = os.environ.get("PELLUCID_ISA")
        if wanted is None:
            return self.instruction_sets[-1]
        if wanted not in self.instruction_sets:
            raise OptionError(f"PELLUCID_ISA got {wanted!r}; this machine runs {listed(self.instruction_sets)}.")
        return wanted

    def scratch(self, plan: Plan) -> int:
        """Return the numbers of scratch that each thread needs."""
        found = self._c.pellucid_scratch(*self._which(plan), ctypes.addressof(plan.program), plan.rows)
        return -(-int(found) // 16) * 16 + 16

    def train(self, plan: Plan, run: TrainingRun) -> Status:
        """Go on with training until the call's end; the interpreter lock is free meanwhile."""
        return Status(self._c.pellucid_train(*self._which(plan), ctypes.addressof(plan.program), ctypes.addressof(run)))

    def pack(self, plan: Plan, product: Operation, parameters: Array) -> int:
        """Pack the product's weights to the place that it has for them; return the numbers they take, 0 for none."""
        return int(self._c.pellucid_pack(*self._which(plan), ctypes.addressof(product), plan.rows, address(parameters)))

    def predict(self, plan: Plan, run: TrainingRun) -> None:
        """Write the outputs of all rows."""
        self.prediction(plan)(ctypes.addressof(run))

    def prediction(self, plan: Plan) -> Callable[[Any], None]:
        """Return `predict` for this plan and today's instruction set, its arguments converted once."""
        build, wide = map(c_int64, self._which(plan))
        return functools.partial(self._c.pellucid_predict, build, wide, c_void_p(ctypes.addressof(plan.program)))

    def permutation(self, rng: Random, n: int) -> Array:
        """Return what ``rng.permutation(n)`` returns."""
        if n < 2:
            return np.arange(n, dtype=np.int64)
        order, words, ends = np.empty((3, n), np.int64)
        self._c.pellucid_permutation(
            rng.seed, rng.purpose, rng.layer, rng.step, n, order.ctypes.data, words.ctypes.data, ends.ctypes.data
        )
        return order

    def _which(self, plan: Plan) -> tuple[int, int]:
        return self._index[self.instruction_set], int(plan.dtype == np.float64)


@functools.cache
def _load() -> Library | str:
    if not _LIBRARY.exists():
        return "this installation has no native library (it was installed without a C compiler)"
    try:
        library = Library(_LIBRARY)
    except OSError as error:
        return f"the native library cannot be loaded ({error})"
    if not library.instruction_sets:
        return "this processor has no fused multiply-add (AVX2 and FMA, or NEON), which the native library needs"
    return library


def library() -> Library | str:
    """Return the library, or why there is none."""
    if os.environ.get("PELLUCID_ENGINE") == "numpy":
        return "the environment variable PELLUCID_ENGINE=numpy switches it off"
    return _load()


def engine_setting() -> str:
    """Return what an evaluator depends on besides its network: the instruction set, or why there is no library."""
    loaded = library()
    return loaded if isinstance(loaded, str) else loaded.instruction_set


def permutation(rng: Random, n: int) -> Array:
    """Return ``rng.permutation(n)``, drawn and sorted by the library where there is one: the same numbers, sooner."""
    loaded = library()
    return rng.permutation(n) if isinstance(loaded, str) else loaded.permutation(rng, n)


_limit: ContextVar[int | None] = ContextVar("threads of the native engine", default=None)


@contextmanager
def limited_threads(most: int) -> Iterator[None]:
    """Use at most so many threads for trainings that begin within this context."""
    token = _limit.set(most)
    try:
        yield
    finally:
        _limit.reset(token)


def threads_for(plan: Plan, n_rows: int | None = None) -> int:
    """Return how many threads a step, or the prediction of ``n_rows``, should use; no bit depends on it."""
    given = os.environ.get("PELLUCID_THREADS")
    if given is not None:
        if not given.isdigit() or not 1 <= int(given) <= 64:
            raise OptionError(f"PELLUCID_THREADS got {given!r}; it expects a whole number from 1 to 64.")
        return int(given)
    arithmetic = plan.arithmetic * (1 if n_rows is None else n_rows / plan.rows)
    cores = available_cores() if arithmetic >= _WORTH_A_THREAD else 1
    return min(cores, _limit.get() or cores)


def aligned(numbers: int, dtype: Any) -> Array:
    """Return uninitialized memory for so many numbers that starts on a cache line.

    Raises `MemoryError` with the size if the system refuses it.
    """
    size = np.dtype(dtype).itemsize
    try:
        block = np.zeros(numbers * size + 64, np.uint8)
    except MemoryError:
        raise MemoryError(
            f"the native engine needs {numbers * size / 2**20:.0f} MiB for a batch; pass a smaller batch_size."
        ) from None
    start = -block.ctypes.data % 64
    return block[start : start + numbers * size].view(dtype)


def address(array: Array | None) -> int | None:
    """Return where the array's numbers lie, or None."""
    return None if array is None else array.ctypes.data
