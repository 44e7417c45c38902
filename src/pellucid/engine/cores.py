"""How many processor cores this process may use."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available_cores() -> int:
    """Return the number of cores by the process's affinity and its control groups' quotas; 1 in a joblib worker."""
    if in_joblib_worker():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, quota())))


def in_joblib_worker() -> bool:
    """Return whether joblib, if it is loaded, runs this call beside others: its workers share the cores.

    Within a call of `joblib.Parallel` the active backend has a nesting level, whether its workers are threads or
    processes; a process of loky, joblib's own kind, shares its cores in all that it does.
    """
    parallel = sys.modules.get("joblib.parallel")
    if parallel is not None and (parallel.get_active_backend()[0].nesting_level or 0) > 0:
        return True
    return type(multiprocessing.current_process()).__name__.startswith("Loky")


def quota(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many cores' time the control groups grant this process: the least quota up to the root, or infinity.

    In a container, ``groups`` may name paths of the host, which do not exist here; its own quota is then the root's.
    Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html ("CPU Interface Files") and, for version 1,
    https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    return min((_quota_of(folder) for folder in _folders(groups, root)), default=math.inf)


def _folders(groups: Path, root: Path) -> Iterator[Path]:
    try:
        lines = groups.read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        hierarchy = root / "cpu" if controllers else root  # version 2 has one for all controllers, without a name
        inside = PurePosixPath(path.lstrip("/"))
        yield from (hierarchy / part for part in (inside, *inside.parents))


def _quota_of(folder: Path) -> float:
    try:
        if (folder / "cpu.max").exists():
            time, period = (folder / "cpu.max").read_text().split()
        else:
            time, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    except OSError:
        return math.inf
    return math.inf if time == "max" or int(time) < 0 else int(time) / int(period)
