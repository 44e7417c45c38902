"""How many processor cores NumPy's matrix products may use, for the time of a call."""

from __future__ import annotations

import os
from typing import Any

from threadpoolctl import threadpool_limits


def limited_cores(n_jobs: int | None) -> Any:
    """Return a context in which matrix products use ``n_jobs`` cores: None means 1, -1 all, -2 all but one.

    One core is also the fastest choice for small networks: several wait for each other longer than they compute.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = n_jobs or 1
    wanted = wanted if wanted > 0 else cores + 1 + wanted
    return threadpool_limits(limits=min(max(1, wanted), cores))
