"""How many processor cores matrix products may use, NumPy's and the native engine's, for the time of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from pellucid.engine.native import available_cores, limited_threads


@contextmanager
def limited_cores(n_jobs: int | None) -> Iterator[None]:
    """Use ``n_jobs`` cores for matrix products within this context: None means 1, -1 all, -2 all but one.

    One core is also the fastest choice for small networks: several wait for each other longer than they compute.
    """
    cores = available_cores()
    wanted = n_jobs or 1
    wanted = min(max(1, wanted if wanted > 0 else cores + 1 + wanted), cores)
    with threadpool_limits(limits=wanted), limited_threads(wanted):
        yield
