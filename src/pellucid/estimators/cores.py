"""How many processor cores NumPy's matrix products may use, for the time of a call."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import threadpoolctl

from pellucid.engine.cores import available_cores
from pellucid.engine.native import limited_threads

_lock = threading.Lock()
_n_inside = 0
_limits: Any = None


@contextlib.contextmanager
def limited_cores(n_jobs: int | None) -> Iterator[None]:
    """Let matrix products use ``n_jobs`` cores inside the context: None means 1, -1 all, -2 all but one.

    One core is also the fastest choice for small networks: several wait for each other longer than they compute. The
    number is one of the whole process, so calls in several threads at the same time share that of the first; the last
    to end gives back what was there before.
    """
    global _limits, _n_inside
    cores = available_cores()
    wanted = n_jobs or 1
    wanted = min(max(1, wanted if wanted > 0 else cores + 1 + wanted), cores)
    with _lock:
        if _n_inside == 0:
            _limits = threadpoolctl.threadpool_limits(limits=wanted)
        _n_inside += 1
    try:
        with limited_threads(wanted):
            yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _release_control()  # of the thread that came first, which need not be this one
                _limits.restore_original_limits()
                _release_control()


def _release_control() -> None:
    """Let any thread set the number: from 3.8 on, threadpoolctl ignores all threads but the first that did."""
    release = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
